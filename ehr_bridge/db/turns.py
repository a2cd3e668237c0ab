"""The turn to write on SQLite, within one process: who has much to write lets the others in between.

Whoever waits for SQLite's lock asks again and again, with pauses of up to a tenth of a second, and so never meets the
moment between two transactions of a writer who begins the next one at once. PostgreSQL lets waiting writers in by
itself, in their order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.002


class Turns:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._served = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what waits for the turn."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                self._served += 1

    def let_others(self, seconds: float) -> None:
        """Return when everybody who waits now has had the turn, at once where nobody does; at the latest after so many
        seconds."""
        end = time.monotonic() + seconds
        with self._lock:
            last = self._served + self._waiting
        while self._served < last and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
