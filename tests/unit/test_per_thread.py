"""What one callback leaves for the next: each thread has its own, and ended threads do not pile up."""

from __future__ import annotations

import threading

import pytest

from plugin.running import per_thread
from plugin.running.per_thread import PerThread


def test_each_thread_has_its_own_value_until_it_is_taken() -> None:
    kept = PerThread[str]()
    kept.put("former")
    kept.put("mine")
    seen: list[str | None] = []

    def use() -> None:
        seen.append(kept.peek())
        kept.put("theirs")

    other = threading.Thread(target=use)
    other.start()
    other.join()
    assert (seen, kept.peek(), kept.take(), kept.take()) == ([None], "mine", "mine", None)


def test_of_more_threads_than_there_can_be_the_oldest_are_forgotten() -> None:
    kept, of_all = PerThread[int](), range(per_thread.MOST + 1)
    with pytest.MonkeyPatch.context() as patch:
        for number in of_all:
            patch.setattr(threading, "get_native_id", lambda number=number: number)
            kept.put(number)
        found = []
        for number in (0, 1, per_thread.MOST):
            patch.setattr(threading, "get_native_id", lambda number=number: number)
            found.append(kept.peek())
    assert found == [None, 1, per_thread.MOST]
