"""The background thread: a chore that fails is tried again and stops no other; what was handed over is finished."""

from __future__ import annotations

from typing import Any

from ehr_bridge.errors import Unavailable
from plugin.worker import Chore, Worker
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


def test_what_was_handed_over_is_finished_before_the_end() -> None:
    """Orthanc stops; the last image is still written down."""
    taken: list[Any] = []
    worker = Worker(taken.append, [])
    worker.start()
    for number in range(100):
        worker.hand_over(number)  # type: ignore[arg-type]
    worker.stop()
    assert taken == list(range(100))
    assert not worker.is_well
