"""Unpacking deflated files: never more than the limit, and all threads together within one budget."""

from __future__ import annotations

import threading
import tracemalloc
import zlib

import pytest

from ehr_bridge.dicom.structure.inflating import Budget, inflate
from ehr_bridge.errors import RefusedInstance, Unavailable

MEGABYTE = 1 << 20


def packed(megabytes: int) -> bytes:
    """What unpacks to so many zeros."""
    stream = zlib.compressobj(9, wbits=-15)
    return b"".join(stream.compress(bytes(MEGABYTE)) for _ in range(megabytes)) + stream.flush()


def test_what_is_unpacked_takes_its_room_until_it_is_dropped() -> None:
    """And no longer."""
    budget = Budget(64 * MEGABYTE, wait_seconds=0)
    data = b"head" + packed(40)
    body, room = inflate(data, 4, 64 * MEGABYTE, budget)
    assert body == b"head" + bytes(40 * MEGABYTE)
    with pytest.raises(Unavailable, match="busy"):
        budget.take(25 * MEGABYTE)
    del room
    budget.take(64 * MEGABYTE)


def test_a_bomb_is_refused_without_keeping_what_it_unpacks_to() -> None:
    """Measured first: two hundred megabytes of zeros cost next to nothing."""
    data = packed(200)
    tracemalloc.start()
    with pytest.raises(RefusedInstance, match="inflated_too_large"):
        inflate(data, 0, 64 * MEGABYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize("data", [packed(65), packed(2)[:-50], b"\xff" + packed(1)], ids=["bomb", "cut", "damaged"])
def test_what_is_refused_gives_its_room_back(data: bytes) -> None:
    """However the unpacking ends."""
    budget = Budget(64 * MEGABYTE, wait_seconds=0)
    with pytest.raises(RefusedInstance):
        inflate(data, 0, 64 * MEGABYTE, budget)
    budget.take(64 * MEGABYTE)


def test_whoever_finds_no_room_gets_it_when_another_is_done() -> None:
    """Waits, and is not refused."""
    budget = Budget(64 * MEGABYTE, wait_seconds=60)
    rooms = [budget.take(64 * MEGABYTE)]
    done: list[int] = []
    waiting = threading.Thread(target=lambda: done.append(len(inflate(packed(1), 0, MEGABYTE, budget)[0])))
    waiting.start()
    rooms.clear()
    waiting.join(30)
    assert done == [MEGABYTE]
