"""The background thread: a chore that fails is tried again and stops no other; what was handed over is finished."""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Size(NamedTuple):
    size_bytes: int


class Handed(NamedTuple):
    """As much of an arrival as the worker looks at."""

    number: int
    judged: Size = Size(500_000)


def test_what_was_handed_over_is_finished_before_the_end() -> None:
    """Orthanc stops; the last image is still written down."""
    taken: list[Any] = []
    worker = Worker(taken.append, [])
    worker.start()
    for number in range(100):
        worker.hand_over(Handed(number))  # type: ignore[arg-type]
    worker.stop()
    assert [arrival.number for arrival in taken] == list(range(100))
    assert not worker.is_well


def test_large_images_are_not_kept_in_memory_until_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones may wait for their neighbours; here the tick would be in an hour."""
    monkeypatch.setattr("plugin.running.worker.TICK_SECONDS", 3600.0)
    taken: list[Any] = []
    worker = Worker(taken.append, [])
    worker.start()
    worker.hand_over(Handed(1))  # type: ignore[arg-type]
    worker.hand_over(Handed(2, Size(100_000_000)))  # type: ignore[arg-type]
    eventually(lambda: [arrival.number for arrival in taken] == [1, 2])
    worker.stop()
