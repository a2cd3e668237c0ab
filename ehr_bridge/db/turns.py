"""The turn to write on SQLite: who has much to write lets the others in between, also those of the process beside.

Whoever waits for SQLite's lock asks again and again, with pauses of up to a tenth of a second, and so never meets the
moment between two transactions of a writer who begins the next one at once. PostgreSQL lets waiting writers in by
itself, in their order.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.002


class Turns:
    def __init__(self, file: Path) -> None:
        """Who waits has a shared lock on this empty file (flock(2)), which ends with its process."""
        self._file = file

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what waits for the turn."""
        with self._handle() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    def let_others(self, seconds: float) -> None:
        """Return when nobody waits, at once where nobody does; at the latest after so many seconds."""
        end = time.monotonic() + seconds
        with self._handle() as handle:
            while not _is_free(handle) and time.monotonic() < end:
                time.sleep(LOOK_SECONDS)

    @property
    def somebody_waits(self) -> bool:
        with self._handle() as handle:
            return not _is_free(handle)

    @contextmanager
    def _handle(self) -> Iterator[int]:
        handle = os.open(self._file, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
