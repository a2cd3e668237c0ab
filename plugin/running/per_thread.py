"""Values that one Orthanc callback leaves for the next one on the same thread."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 4096
"""Many times the number of Orthanc's threads. Threads end unnoticed, so the oldest values are dropped."""


class PerThread[T]:
    """One value for each of Orthanc's threads.

    Orthanc calls filter and handler of a request, or the hooks of an instance, one after the other on one thread, and
    passes nothing between them. `threading.local` does not work: a thread unknown to Python, such as those of DICOM,
    gets a new thread state with each call. So the value is stored by the kernel's thread id.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[int, T] = OrderedDict()

    def put(self, value: T) -> None:
        """Replaces the previous value."""
        self.take()
        self._kept[threading.get_native_id()] = value
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def peek(self) -> T | None:
        return self._kept.get(threading.get_native_id())

    def take(self) -> T | None:
        """The value, and remove it."""
        return self._kept.pop(threading.get_native_id(), None)
