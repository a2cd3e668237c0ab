"""Whether more images may come in: some of the disk is kept for what is here already.

On a disk that is full to the last byte nothing works: no database, no index, no job that puts a file back. So images
are refused before that, and what is left is for the rows, reports and corrections of those that are stored.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from ehr_bridge.storage.files import Disk, FileStore
from ehr_bridge.storage.folder import disk_of

LOGGER = logging.getLogger(__name__)
RESERVE = 1_000_000_000
SHARE = 20
"""Of a small disk, no more than this part (a twentieth) is kept."""


TOLD_EVERY = 60
"""Seconds between two lines in the log."""


class Room:
    """The disks with the images, and with databases and files at work (`data_dir`); often it is one."""

    def __init__(self, files: FileStore, folder: Path, data_dir: Path, reserve: int | None) -> None:
        """`folder` is where images are, or wait for a bucket. `reserve`: see `kept_free`."""
        self._files = files
        self._folder = folder
        self._data_dir = data_dir
        self._reserve = reserve
        self._told: float | None = None

    def has(self, size: int) -> bool:
        """Whether an image of that many bytes may come in."""
        has = self._files.has_room(size) and self._keeps(self._folder, size) and self._keeps(self._data_dir, 0)
        if not has and (self._told is None or time.monotonic() - self._told > TOLD_EVERY):
            self._told = time.monotonic()
            LOGGER.warning("an image is refused: there is no room for it")
        return has

    def _keeps(self, folder: Path, size: int) -> bool:
        """Whether the reserve of a disk is still free when it has so much more."""
        disk = disk_of(folder)
        return disk is None or disk.free_bytes >= size + kept_free(disk, self._reserve)


def kept_free(disk: Disk, reserve: int | None) -> int:
    """`reserve` is in bytes; None is `RESERVE`, or a twentieth of a small disk."""
    return min(RESERVE, disk.total_bytes // SHARE) if reserve is None else reserve
