"""Keeps Orthanc's own threads known to Python between calls, and measures their stacks.

orthanc-python enters Python with `PyGILState_Ensure` and leaves with `PyGILState_Release`. On a thread unknown to
Python the first creates a thread state, with memory for its frames, and the second destroys it: more work than judging
a request, while every other thread of Orthanc waits to enter. Orthanc serves from thread pools that live as long as the
server, so a thread state may live as long as its thread (numbers in ADR 0014).
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections.abc import Callable

_kept = threading.local()
"""Stored in the thread state itself, so it disappears exactly with it."""


SWITCH_SECONDS = 0.0005
"""A thread that waits for the interpreter has it after so long, instead of 5 ms. The gate needs it for some tenths of a
millisecond, and a thread that works on a message or an answer keeps it for milliseconds (numbers in ADR 0058)."""


def take_turns_soon() -> None:
    """Called once, before anything serves."""
    sys.setswitchinterval(SWITCH_SECONDS)


def stack_bytes() -> int:
    """The size of the calling thread's C stack (pthread_getattr_np(3))."""
    libc = ctypes.CDLL(None)
    libc.pthread_self.restype = ctypes.c_ulong
    libc.pthread_getattr_np.argtypes = [ctypes.c_ulong, ctypes.c_void_p]
    attributes = ctypes.create_string_buffer(256)  # pthread_attr_t: 56 bytes on x86-64, 64 on AArch64
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    if libc.pthread_getattr_np(libc.pthread_self(), attributes) != 0:
        return 0
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return size.value


def keeping_thread[**P, R](callback: Callable[P, R]) -> Callable[P, R]:
    """The callback, wrapped so that the calling thread's state remains when it returns.

    For callbacks on threads of a pool. A thread that ends afterwards leaks its state, some 20 kB.
    """

    @functools.wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not hasattr(_kept, "state"):
            # one Ensure more than there will be Releases (Python/C API, "Non-Python created threads")
            _kept.state = ctypes.pythonapi.PyGILState_Ensure()
        return callback(*args, **kwargs)

    return call
