"""The id of the request that a thread is working on, shared by answer, problem, log lines and audit events.

It is the id that the caller sent (`X-Request-Id`), if it is safe in a header and a log line; otherwise a new one is
made when it is first needed. Work without a request (the worker, C-STORE, commands) has none.

The trace that a caller says its request belongs to (`traceparent`, W3C Trace Context) goes into log lines and problems
too.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"
USABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""Accepted from a caller: enough for UUIDs, ULIDs and trace ids, nothing that ends a line or a string."""

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""Version, trace, parent, flags (W3C Trace Context, section 3.2.2); a later version may have more behind them."""

LONGEST = 512
_TO_BE_MADE = ""
_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
_TRACE: ContextVar[str | None] = ContextVar("trace_id", default=None)


def begin(given: str | None) -> None:
    """This thread starts working on a request that came with this id, or with none."""
    _ID.set(given if given is not None and USABLE.fullmatch(given) else _TO_BE_MADE)


def follow(traceparent: str | None) -> None:
    """The request that this thread works on came with this header, or with none; one that is malformed is ignored."""
    found = None if traceparent is None or len(traceparent) > LONGEST else TRACEPARENT.fullmatch(traceparent)
    _TRACE.set(None if found is None else found[1])


def trace() -> str | None:
    """The id of the trace that this thread's request belongs to, if its caller named one."""
    return _TRACE.get()


def end() -> None:
    _ID.set(None)
    _TRACE.set(None)


@contextmanager
def working_on(known: str | None) -> Iterator[None]:
    """This thread works for a request that another thread answered, if its id is known."""
    before = _ID.set(known)
    try:
        yield
    finally:
        _ID.reset(before)


def current() -> str | None:
    """The id of this thread's request, if any."""
    found = _ID.get()
    if found == _TO_BE_MADE:
        found = str(uuid.uuid4())
        _ID.set(found)
    return found
