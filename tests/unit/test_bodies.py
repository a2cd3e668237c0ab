"""Bodies on their way: all of them together find room in what is free, and what never came is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.serving.bodies import COPIES, Bodies, free_memory

MEGABYTE = 1_000_000
GIGABYTE = 1000 * MEGABYTE


class Sender:
    """A request on a thread of its own: asks, then receives its body until told otherwise."""

    def __init__(self, bodies: Bodies, length: int, *, is_silent: bool = False) -> None:
        self._ended, self._asked, self._receives = (threading.Event() for _ in range(3))
        self.heard, self._is_silent = False, is_silent
        self._thread = threading.Thread(target=self._serve, args=(bodies, length, is_silent))
        self._thread.start()
        self._asked.wait()

    def _serve(self, bodies: Bodies, length: int, is_silent: bool) -> None:
        self.heard = bodies.admit(length)
        self._asked.set()
        while not self._ended.wait(None if is_silent else 0.001):
            self._receives.set()
        bodies.done()

    def receive(self) -> None:
        """Until more of the body has come; at once where none comes."""
        self._receives.clear()
        while not (self._is_silent or self._ended.is_set() or self._receives.wait(0.1)):
            pass

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Sender]]:
    """Those who send meanwhile. While the product looks whether they do, each gets its turn, however busy the machine
    is."""
    senders: list[Sender] = []
    sleep = time.sleep

    def look(seconds: float) -> None:
        sleep(seconds)
        for sender in senders:
            sender.receive()

    monkeypatch.setattr("plugin.serving.bodies.time.sleep", look)
    yield senders
    for sender in senders:
        sender.end()


def make(free: int) -> Bodies:
    return Bodies(100 * MEGABYTE, 2 * GIGABYTE, lambda: free)


def test_what_is_on_its_way_to_others_is_not_free(senders: list[Sender]) -> None:
    """Each body is there three times while it is worked on; small ones always find room."""
    bodies = make(COPIES * 3 * GIGABYTE)
    for length, finds_room in (
        (2 * GIGABYTE, True),
        (2 * GIGABYTE, False),
        (GIGABYTE, True),
        (2 * MEGABYTE, False),
        (MEGABYTE, True),
    ):
        sender = Sender(bodies, length)
        senders.append(sender)
        assert sender.heard == finds_room, length


def test_a_request_that_ends_gives_its_room_back(senders: list[Sender]) -> None:
    """Also when its body never came: its thread serves another request then."""
    bodies = make(COPIES * 2 * GIGABYTE)
    first = Sender(bodies, 2 * GIGABYTE)
    senders.append(first)
    assert not bodies.admit(2 * GIGABYTE)
    first.end()
    assert bodies.admit(2 * GIGABYTE)


def test_a_body_that_does_not_come_takes_nothing_from_anybody(senders: list[Sender]) -> None:
    """Whether its sender waits, or has gone and its thread has nothing to do."""
    bodies = make(COPIES * 2 * GIGABYTE)
    sender = Sender(bodies, 2 * GIGABYTE, is_silent=True)
    senders.append(sender)
    assert sender.heard
    assert bodies.admit(2 * GIGABYTE)


def test_free_memory_is_the_least_of_machine_and_container(tmp_path: Path) -> None:
    """The cache of files is free: the kernel drops it when memory is short."""
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n")
    assert free_memory(tmp_path, tmp_path / "none") == 8_192_000_000
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 1500\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path, tmp_path) == 8_192_000_000
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_memory(tmp_path, tmp_path) == 3500
