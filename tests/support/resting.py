"""Servers that many tests share rest while a test runs that does not use them: even an idle one takes some of the
processor. They are stopped as a machine is that sleeps, and go on where they were; one that slept for long has said
again that it lives before a test uses it.

Those on PostgreSQL do not rest: one that is stopped within a transaction of Orthanc's, all of which are SERIALIZABLE,
lets the transactions of every other server of the cluster fail until it goes on (seen on 30 November 2026).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from ehr_bridge.services.nodes.register import BEAT, BEATS_MISSED
from tests.support.server import Server
from tests.support.steps import eventually

LONG = (BEATS_MISSED - 1) * BEAT.total_seconds()
"""After that many seconds it may be lost to itself: all beats since its last one are missing."""
_shared: dict[str, Server] = {}
"""By the fixture that started it."""
_since: dict[str, float] = {}
"""When it began to rest, by its fixture."""


@contextmanager
def shared(fixture: str, server: Server) -> Iterator[Server]:
    """A server of this fixture may rest while no test asks for the fixture."""
    _shared[fixture] = server
    try:
        yield server
    finally:
        del _shared[fixture]
        _since.pop(fixture, None)
        server.wake()


def begin(item: pytest.Item) -> None:
    """Before anything is made for this test: what it uses is awake."""
    for fixture in _asked_by(item) & _shared.keys():
        server = _shared[fixture]
        server.wake()
        if time.monotonic() - _since.pop(fixture, time.monotonic()) >= LONG:
            eventually(partial(_lives, server))


def others(item: pytest.Item) -> None:
    """When everything was made for this test, and taken back of the test before: what it does not use rests."""
    for fixture in _shared.keys() - _asked_by(item):
        if not _shared[fixture].database_url.startswith("postgresql"):
            _since.setdefault(fixture, time.monotonic())
            _shared[fixture].rest()


def end_of_file() -> None:
    """What the tests of a file have shared may use any of them to end."""
    for server in _shared.values():
        server.wake()


def _lives(server: Server) -> bool:
    nodes = server.get("/api/v1/system", "admin").json()["nodes"]
    return all(one["state"] != "lost" for one in nodes if one["is_this"])


def _asked_by(item: pytest.Item) -> set[str]:
    asked = set(getattr(item, "fixturenames", ()))
    has_its_own = hasattr(getattr(item, "module", None), "server")
    if "server" in asked and not has_its_own and (call := getattr(item, "callspec", None)) is not None:
        asked.add(f"shared_on_{call.params.get('server')}")  # which `server` asks for when it runs
    return asked
