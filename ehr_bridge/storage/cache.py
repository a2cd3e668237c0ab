"""Copies on this node's disk of files that are in the bucket, so that recent images are read quickly, and without it.

A copy is named for its bytes: one that a crash cut short, or a bad disk changed, is thrown away when it is read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from blake3 import blake3

from ehr_bridge.storage.folder import disk_of
from ehr_bridge.storage.room import kept_free

DIGITS = 32


class Cache:
    """The files used last, up to a number of bytes; 0 keeps none. Twice the reserve of the disk stays free, so that no
    image and no row is refused for copies."""

    def __init__(self, folder: Path, limit_bytes: int, reserve: int | None) -> None:
        """`reserve`: see `room.kept_free`."""
        self._folder = folder
        self._limit = limit_bytes
        self._reserve = reserve
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._bytes = 0

    def scan(self) -> None:
        """Learn what lies there from before."""
        try:
            with os.scandir(self._folder) as entries:
                found = sorted((each.stat().st_mtime, each.name, each.stat().st_size) for each in entries)
        except FileNotFoundError:
            return
        for _, stem, size in found:
            name, _, digest = stem.rpartition(".")
            if len(digest) == DIGITS:
                self._note(name, digest, size)
            else:
                (self._folder / stem).unlink(missing_ok=True)

    def get(self, name: str) -> bytes | None:
        with self._lock:
            known = self._known.get(name)
            if known is None:
                return None
            self._known.move_to_end(name)
        try:
            data = (self._folder / f"{name}.{known[0]}").read_bytes()
        except OSError:
            data = b""
        if _digest(data) == known[0]:
            return data
        self.drop(name)
        return None

    def keep(self, name: str, data: bytes) -> None:
        """Best effort: a full disk only makes the next reading slower."""
        if len(data) > self._limit:
            return
        digest = _digest(data)
        unfinished = self._folder / f"{name}.{threading.get_ident()}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.make_room(len(data)):
                return
            unfinished.write_bytes(data)
            unfinished.replace(self._folder / f"{name}.{digest}")
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            return
        self._note(name, digest, len(data))

    def make_room(self, size: int = 0) -> bool:
        """Give up the copies used longest ago, as long as the disk has too little free. Whether so much more fits."""
        disk = disk_of(self._folder)
        lacking = 0 if disk is None else size + 2 * kept_free(disk, self._reserve) - disk.free_bytes
        while lacking > 0 and (oldest := self._oldest()) is not None:
            lacking -= oldest[1]
            self.drop(oldest[0])
        return lacking <= 0

    def drop(self, name: str) -> None:
        with self._lock:
            known = self._known.pop(name, None)
            self._bytes -= known[1] if known is not None else 0
        if known is not None:
            with suppress(OSError):
                (self._folder / f"{name}.{known[0]}").unlink(missing_ok=True)

    def _note(self, name: str, digest: str, size: int) -> None:
        with self._lock:
            if name not in self._known:
                self._bytes += size
            self._known[name] = digest, size
            self._known.move_to_end(name)
        while self._bytes > self._limit and (oldest := self._oldest()) is not None:
            self.drop(oldest[0])

    def _oldest(self) -> tuple[str, int] | None:
        """The copy used longest ago, and its size."""
        with self._lock:
            return next(((name, size) for name, (_, size) in self._known.items()), None)


def _digest(data: bytes) -> str:
    return blake3(data).hexdigest()[:DIGITS]
