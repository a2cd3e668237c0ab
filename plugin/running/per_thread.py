"""What one of Orthanc's callbacks leaves for the next one on the same thread."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 4096
"""Many times the threads that Orthanc has; threads end without a word, so what is oldest goes."""


class PerThread[T]:
    """One value for each thread of Orthanc.

    Orthanc calls filter and handler of a request, or the hooks of an instance, one after the other on one thread, and
    hands nothing from one to the next. `threading.local` does not last: a thread that Python does not know, as those of
    DICOM, gets a new thread state at each call. So the value is kept by the number that the kernel gave the thread.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[int, T] = OrderedDict()

    def put(self, value: T) -> None:
        """In place of what there was."""
        self.take()
        self._kept[threading.get_native_id()] = value
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def peek(self) -> T | None:
        return self._kept.get(threading.get_native_id())

    def take(self) -> T | None:
        """The value, which is gone then."""
        return self._kept.pop(threading.get_native_id(), None)
