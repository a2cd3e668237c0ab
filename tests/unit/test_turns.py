"""The writer's turn on SQLite: who has much to write lets the others in between."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ehr_bridge.db.turns import Turns
from tests.support.steps import eventually


def test_those_who_wait_are_let_in_first(tmp_path: Path) -> None:
    """It returns when everybody who waited has had the turn, and not before."""
    turns, begin, done = Turns(tmp_path / "turns"), threading.Event(), threading.Event()
    waits = threading.Event()

    def other() -> None:
        with turns.waiting():
            waits.set()
            begin.wait(60)

    def long_writer() -> None:
        turns.let_others(60)
        done.set()

    threads = [threading.Thread(target=one) for one in (other, long_writer)]
    threads[0].start()
    assert waits.wait(60)
    threads[1].start()
    assert not done.wait(0.1)
    begin.set()
    assert eventually(done.is_set)
    for thread in threads:
        thread.join(60)


def test_nobody_is_waited_for_without_end(tmp_path: Path) -> None:
    """Where nobody waits it returns at once; for one whose turn never comes, not for ever."""
    turns = Turns(tmp_path / "turns")
    turns.let_others(60)
    with turns.waiting():
        turns.let_others(0.01)


def test_a_file_that_cannot_be_used_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another user's, for example: everybody writes without it, and that is said once."""
    turns = Turns(tmp_path / "nowhere" / "turns")
    for _ in range(2):
        with turns.waiting():
            turns.let_others(60)
            assert not turns.somebody_waits
    assert len(caplog.records) == 1


def test_what_root_makes_belongs_to_whom_the_database_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command as root before the first start: the service can use the file."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _handle, user, group: given.append((user, group)))
    database = tmp_path / "database"
    database.touch()
    turns = Turns(tmp_path / "turns", database)
    for _ in range(2):
        with turns.waiting():
            pass
    assert given == [(database.stat().st_uid, database.stat().st_gid)]
