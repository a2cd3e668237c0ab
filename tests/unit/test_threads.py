"""Orthanc's threads stay known to Python: entered once more than left, each of them once."""

from __future__ import annotations

import ctypes
import sys
import threading
from types import SimpleNamespace

import pytest

from plugin.running import threads


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that were entered without being left."""
    calls: list[int] = []
    api = SimpleNamespace(PyGILState_Ensure=lambda: calls.append(threading.get_ident()))
    monkeypatch.setattr(threads, "ctypes", SimpleNamespace(pythonapi=api))
    return calls


def test_each_thread_is_kept_once_however_often_it_calls(entered: list[int]) -> None:
    """The second call finds the state that the first one left."""
    callback = threads.keeping_thread(lambda number, *, more: number + more)

    def call_often() -> None:
        assert [callback(number, more=1) for number in range(3)] == [1, 2, 3]

    callers = [threading.Thread(target=call_often) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(entered) == 2


def test_what_the_callback_raises_reaches_orthanc(entered: list[int]) -> None:
    """As without it."""

    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        threads.keeping_thread(fail)()


def test_the_stack_of_the_calling_thread_is_measured() -> None:
    """As large as it was asked for, but for a guard page; larger than any stack that an ended thread left behind."""
    sizes: list[int | None] = []
    before = threading.stack_size(40 * 1024 * 1024)
    try:
        thread = threading.Thread(target=lambda: sizes.append(threads.stack_bytes()))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert sizes == [pytest.approx(40 * 1024 * 1024, abs=64 * 1024)]


def test_the_real_call_does_no_harm_to_a_thread_of_pythons_own() -> None:
    """One that Python made is known anyway."""
    assert ctypes.pythonapi.PyGILState_Check() == 1
    results: list[int] = []

    def call() -> None:
        results.append(1)

    caller = threading.Thread(target=threads.keeping_thread(call))
    caller.start()
    caller.join()
    assert results == [1]


def test_a_thread_that_waits_for_the_interpreter_has_it_soon() -> None:
    """So no image waits behind a whole message at the gate."""
    before = sys.getswitchinterval()
    try:
        threads.take_turns_soon()
        assert sys.getswitchinterval() == pytest.approx(threads.SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)
