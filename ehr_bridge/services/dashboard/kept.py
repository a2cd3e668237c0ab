"""What was read is shown again for a while, so that ten open dashboards cost as much as one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta


class Kept[K, V]:
    """One reads a key, and only who asks for the same waits for it."""

    def __init__(self, clock: Callable[[], datetime], most: int) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._known = dict[K, tuple[datetime, V]]()
        self._readers = dict[K, threading.Lock]()

    def get(self, key: K, kept: timedelta, read: Callable[[], V]) -> V:
        """What is known of it and younger than `kept`; else it is read."""
        with self._lock:
            reader = self._readers.setdefault(key, threading.Lock())
        with reader:
            with self._lock:
                all_known, now = self._known, self._clock()
                known = all_known.get(key)
            if known is None or now - known[0] >= kept:
                try:
                    known = (now, read())
                finally:
                    with self._lock:
                        self._readers.pop(key, None)
                with self._lock:
                    all_known.pop(key, None)
                    while len(all_known) >= self._most:
                        all_known.pop(next(iter(all_known)))
                    all_known[key] = known
            return known[1]

    def forget(self) -> None:
        """Read all again when asked next; what is being read now is not kept."""
        with self._lock:
            self._known = {}
