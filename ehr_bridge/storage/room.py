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

    def __init__(self, files: FileStore, data_dir: Path, reserve: int | None) -> None:
        """`reserve` is in bytes; None is `RESERVE`, or a twentieth of a small disk."""
        self._files = files
        self._data_dir = data_dir
        self._reserve = reserve
        self._told: float | None = None

    def has(self, size: int) -> bool:
        """Whether an image of that many bytes may come in."""
        space = self._files.space()  # an object storage has no end that is known
        has = self._files.has_room(size + (0 if space is None else self._kept(space))) and self._has_for_rows()
        if not has and (self._told is None or time.monotonic() - self._told > TOLD_EVERY):
            self._told = time.monotonic()
            LOGGER.warning("an image is refused: there is no room for it")
        return has

    def _has_for_rows(self) -> bool:
        disk = disk_of(self._data_dir)
        return disk is None or disk.free_bytes >= self._kept(disk)

    def _kept(self, disk: Disk) -> int:
        return min(RESERVE, disk.total_bytes // SHARE) if self._reserve is None else self._reserve
