"""The id of the request that a thread works for: answer, problem, log lines and audit events share it.

Whoever receives a request begins with the id that the caller sent (`X-Request-Id`), if it is one that can stand in a
header and a log line; otherwise a new one is made when somebody first asks. Where no request is answered (the worker, a
modality, the command) there is none.
"""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-Id"
USABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What we take from a caller: enough for UUIDs, ULIDs and trace ids, nothing that ends a line or a string."""

_TO_BE_MADE = ""
_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def begin(given: str | None) -> None:
    """From here on this thread works for a request, which came with this id or without one."""
    _ID.set(given if given is not None and USABLE.fullmatch(given) else _TO_BE_MADE)


def end() -> None:
    """The request is answered."""
    _ID.set(None)


def current() -> str | None:
    """The id of this thread's request; None while it works for none."""
    found = _ID.get()
    if found == _TO_BE_MADE:
        found = str(uuid.uuid4())
        _ID.set(found)
    return found
