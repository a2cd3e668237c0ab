"""The background thread: a chore that fails is tried again and stops no other; what was handed over is finished."""

from __future__ import annotations

from threading import Event
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from ehr_bridge.errors import Unavailable
from plugin.running import compose
from plugin.running.following import make_following
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


def test_an_image_that_can_be_kept_nowhere_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender was told that it is stored: it waits until the quarantine folder can be written."""
    monkeypatch.setattr("plugin.running.worker.AGAIN_SECONDS", 0.001)
    tries, taken = list[str](), list[str]()

    def take_over(arrival: Any) -> None:
        tries.append(arrival.stored.orthanc_instance_id)
        if len(tries) < 3:
            raise OSError(28, "no space left on device")
        taken.append(tries[-1])

    worker = Worker(take_over, [], tick_seconds=0.001)
    arrival: Any = SimpleNamespace(
        stored=SimpleNamespace(orthanc_instance_id="a"), judged=SimpleNamespace(size_bytes=1)
    )
    worker.hand_over(arrival)
    assert worker.waiting == 1
    worker.start()
    eventually(lambda: taken == ["a"] and worker.waiting == 0)
    worker.stop()
    assert len(tries) == 3


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


class Node:
    """A node's services, as far as one chore needs them: they count how often they are read."""

    def __init__(self, *, is_taken: bool = False) -> None:
        self.read: list[str] = []
        self.nodes = SimpleNamespace(beat=self.reading("beat"), is_taken=is_taken)
        self.revocations = SimpleNamespace(refresh=self.reading("revocations"))
        self.grants = SimpleNamespace(refresh=self.reading("grants"))
        self.hidden = SimpleNamespace(refresh=self.reading("hidden"))
        self.restrictions = SimpleNamespace(refresh=self.reading("restrictions"))
        self.sharing = SimpleNamespace(fallen=SimpleNamespace(run=self.reading("shares")))
        self.database = SimpleNamespace(change=SimpleNamespace(look=object))

    def reading(self, name: str) -> Any:
        return lambda: self.read.append(name)


def test_a_node_at_work_is_neither_blind_nor_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge of hundreds of studies takes minutes: whom others restrict meanwhile is heard, and it says it lives."""
    monkeypatch.setattr(compose, "Worker", lambda _take_over, chores, state: chores)
    monkeypatch.setattr(compose, "spool_of", MagicMock())
    chores: Any = compose._make_worker(MagicMock(), MagicMock(), MagicMock(), MagicMock())
    busy, done = Event(), Event()

    def purge() -> None:
        busy.set()
        done.wait(60)

    node = Node()
    by_name = {"purge": purge} | {
        "node": node.reading("beat"),
        **{each: node.reading(each) for each in ("revocations", "grants", "restrictions", "shares")},
        "hidden studies": node.reading("hidden"),
    }
    worker = Worker(lambda arrival: None, [Chore(one.name, by_name.get(one.name, object), 0.0) for one in chores])
    worker.start()
    assert busy.wait(60)
    assert not node.read  # nothing of this waits behind it
    services: Any = node
    following = make_following(services)
    following.start()
    eventually(lambda: set(node.read) == {"beat", "revocations", "grants", "hidden", "restrictions", "shares"})
    done.set()
    following.stop()
    worker.stop()


def test_a_node_that_has_lost_its_name_works_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the name now has its leases too."""
    codes: list[int] = []
    monkeypatch.setattr("plugin.running.following.os._exit", codes.append)
    services: Any = Node(is_taken=True)
    following = make_following(services)
    following.start()
    following.stop()
    assert 3 in codes
    services = Node()
    following = make_following(services)
    following.start()
    following.stop()
    assert services.read
    assert set(codes) == {3}


def test_each_of_the_last_words_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps the anchor from being written; the node has ended all the same, and frees its name."""
    services = MagicMock()
    services.refusals.flush.side_effect = Unavailable("database_unavailable", "away")
    services.anchors.write.side_effect = OSError("full")
    life: Any = SimpleNamespace(services=services)
    compose.Lifecycle._last_words(life)
    services.nodes.end.assert_called_once_with()


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
