"""The turn to write on SQLite: who has much to write lets the others in between, also those of the process beside.

Whoever waits for SQLite's lock asks again and again, with pauses of up to a tenth of a second, and so never meets the
moment between two transactions of a writer who begins the next one at once. PostgreSQL lets waiting writers in by
itself, in their order.

It is politeness and no lock: where the file cannot be used, everybody writes without it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOGGER = logging.getLogger(__name__)
LOOK_SECONDS = 0.002


class Turns:
    def __init__(self, file: Path, database: Path | None = None) -> None:
        """Who waits has a shared lock on this empty file (flock(2)), which ends with its process. When root makes it,
        it belongs to whom the `database` belongs."""
        self._file = file
        self._database = database
        self._has_failed = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what waits for the turn."""
        with self._handle() as handle:
            if handle is not None:
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
    def _handle(self) -> Iterator[int | None]:
        handle = None
        try:
            handle = self._opened()
        except OSError as error:  # another user's, for example
            if not self._has_failed:
                self._has_failed = True
                LOGGER.warning("%s cannot be used, so batches do not let others write first: %s", self._file, error)
        try:
            yield handle
        finally:
            if handle is not None:
                os.close(handle)

    def _opened(self) -> int:
        try:
            return os.open(self._file, os.O_RDONLY)
        except FileNotFoundError:
            handle = os.open(self._file, os.O_RDONLY | os.O_CREAT, 0o600)
        if self._database is not None and os.geteuid() == 0:
            owner = self._database.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
        return handle


def _is_free(handle: int | None) -> bool:
    if handle is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
