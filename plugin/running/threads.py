"""Orthanc's own threads: kept known to Python from one call to the next, and measured.

orthanc-python enters Python with `PyGILState_Ensure` and leaves with `PyGILState_Release`. On a thread that Python does
not know, the first makes a thread state, with memory mapped for its frames, and the second takes it down again: more
work than judging a request, done while every other thread of Orthanc waits to enter. Orthanc serves from pools of
threads that live as long as the server, so a thread state may live as long as its thread (ADR 0014 has the numbers).
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable

_kept = threading.local()
"""Lives in the thread state itself, so it is forgotten exactly when that is."""


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
    """The same callback, for Orthanc to call: it leaves the calling thread's state in place when it returns.

    For callbacks that run on threads of a pool. A thread that ends afterwards leaves its state behind, some 20 kB.
    """

    @functools.wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not hasattr(_kept, "state"):
            # one Ensure more than there will be Releases (Python/C API, "Non-Python created threads")
            _kept.state = ctypes.pythonapi.PyGILState_Ensure()
        return callback(*args, **kwargs)

    return call
