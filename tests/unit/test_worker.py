"""The background thread: a chore that fails is tried again and stops no other; what was handed over is finished."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ehr_bridge.errors import Unavailable
from plugin.running.worker import Chore, Worker
from tests.support.steps import eventually


def test_a_failing_chore_is_tried_again_and_stops_no_other() -> None:
    """Not well while it fails, well again after."""
    failing, runs = [True], {"bad": 0, "good": 0}

    def bad() -> None:
        runs["bad"] += 1
        if failing[0]:
            raise Unavailable("database_unavailable", "away")

    def good() -> None:
        runs["good"] += 1

    worker = Worker(lambda arrival: None, [Chore("bad", bad, 0.0), Chore("good", good, 0.0)])
    worker.start()
    eventually(lambda: runs["bad"] > 1 and runs["good"] > 1)
    assert not worker.is_well
    failing[0] = False
    eventually(lambda: worker.is_well)
    worker.stop()


class Beginning:
    """A chore that reacts to commits, a database that somebody commits to, and a worker with a short tick."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, anyway: float = 3600.0) -> None:
        monkeypatch.setattr("plugin.running.worker.TICK_SECONDS", 0.001)
        self.commits, self.runs, self.rounds = 0, 0, 0
        self.answer: object = None
        chore = Chore("reads", self.run, 0.0, unchanged_seconds=anyway)
        self.worker = Worker(
            lambda arrival: None, [chore, Chore("counts", self.count, 0.0)], state=lambda: self.commits
        )
        self.worker.start()

    def run(self) -> object:
        self.runs += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def count(self) -> None:
        self.rounds += 1

    def some_rounds(self) -> int:
        """How often it ran in ten rounds."""
        runs, rounds = self.runs, self.rounds
        eventually(lambda: self.rounds > rounds + 10)
        return self.runs - runs


def test_what_reacts_to_commits_runs_when_there_was_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once at the start, once for each; other chores run in every round."""
    it = Beginning(monkeypatch)
    eventually(lambda: it.runs == 1)
    assert it.some_rounds() == 0
    it.commits += 1
    assert it.some_rounds() == 1
    it.worker.stop()
    assert it.runs == 3  # and a last time


@pytest.mark.parametrize("answer", [2, Unavailable("database_unavailable", "away"), ValueError("a defect")])
def test_what_has_more_to_do_or_failed_runs_again_without_a_commit(
    monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    """Until it has nothing more to do."""
    it = Beginning(monkeypatch)
    it.answer = answer
    it.commits += 1
    assert it.some_rounds() > 5
    it.answer = None
    it.some_rounds()
    assert it.some_rounds() == 0
    it.worker.stop()


def test_what_reacts_to_commits_runs_now_and_then_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what happens by the clock."""
    it = Beginning(monkeypatch, anyway=0.002)
    eventually(lambda: it.runs > 5)
    it.worker.stop()


def test_a_worker_with_little_to_do_looks_seldom_and_ends_at_once() -> None:
    """Its next look would be in an hour."""
    runs: list[int] = []
    worker = Worker(lambda arrival: None, [Chore("reads", lambda: runs.append(1), 0.0)], tick_seconds=3600.0)
    worker.start()
    worker.stop()
    assert runs


def arrival(number: int, size_bytes: int = 500_000) -> Any:
    """As much of one as the worker looks at."""
    return SimpleNamespace(number=number, judged=SimpleNamespace(size_bytes=size_bytes))


def test_what_was_handed_over_is_finished_before_the_end() -> None:
    """Orthanc stops; the last image is still written down."""
    taken: list[Any] = []
    worker = Worker(taken.append, [])
    worker.start()
    for number in range(100):
        worker.hand_over(arrival(number))
    worker.stop()
    assert [each.number for each in taken] == list(range(100))
    assert not worker.is_well


def test_large_images_are_not_kept_in_memory_until_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones may wait for their neighbours; here the tick would be in an hour."""
    monkeypatch.setattr("plugin.running.worker.TICK_SECONDS", 3600.0)
    taken: list[Any] = []
    worker = Worker(taken.append, [])
    worker.start()
    worker.hand_over(arrival(1))
    worker.hand_over(arrival(2, 100_000_000))
    eventually(lambda: [each.number for each in taken] == [1, 2])
    worker.stop()
