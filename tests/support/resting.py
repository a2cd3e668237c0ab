"""Servers that many tests share rest while a test runs that does not use them: even an idle one takes some of the
processor. They are stopped as a machine is that sleeps, and go on where they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.server import Server

_shared: dict[str, Server] = {}
"""By the fixture that started it."""


@contextmanager
def shared(fixture: str, server: Server) -> Iterator[Server]:
    """A server of this fixture may rest while no test asks for the fixture."""
    _shared[fixture] = server
    try:
        yield server
    finally:
        del _shared[fixture]
        server.wake()


def begin(item: pytest.Item) -> None:
    """Before anything is made for this test: what it uses is awake."""
    for fixture in _asked_by(item) & _shared.keys():
        _shared[fixture].wake()


def others(item: pytest.Item) -> None:
    """When everything was made for this test, and taken back of the test before: what it does not use rests."""
    for fixture in _shared.keys() - _asked_by(item):
        _shared[fixture].rest()


def end_of_file() -> None:
    """What the tests of a file have shared may use any of them to end."""
    for server in _shared.values():
        server.wake()


def _asked_by(item: pytest.Item) -> set[str]:
    asked = set(getattr(item, "fixturenames", ()))
    has_its_own = hasattr(getattr(item, "module", None), "server")
    if "server" in asked and not has_its_own and (call := getattr(item, "callspec", None)) is not None:
        asked.add(f"shared_on_{call.params.get('server')}")  # which `server` asks for when it runs
    return asked
