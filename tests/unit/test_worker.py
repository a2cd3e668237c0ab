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
