"""Files that wait on this node's disk: to be put into the bucket, or to be removed from it.

A file is on the disk before its sender is answered, and a removal before it counts as done: the process may be killed
at any moment, and the next one goes on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ehr_bridge.storage.folder import UNFINISHED, sync_folder, write_whole

FORGOTTEN_SECONDS = 3600.0
"""Older unfinished files are of a process that was killed."""


class Entry(NamedTuple):
    size: int
    since: float


class Waiting:
    """One folder of names; in memory what is known of them, in the order in which they came."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Entry] = {}
        self._taken: set[str] = set()
        self._bytes = 0

    def path(self, name: str) -> Path:
        return self._folder / name

    def add(self, name: str, content: bytes) -> None:
        """Returns when it is safe on the disk. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.path(name), content, mode=0o600)
        self._note(name, len(content))

    def take_in(self, file: Path) -> None:
        """Move a file from elsewhere on the same file system. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = file.stat().st_size
        file.replace(self.path(file.name))
        sync_folder(self._folder)
        self._note(file.name, size)

    def scan(self, *, older_than: float = 0.0) -> None:
        """Learn what lies there from before, or from another node that shares the folder."""
        now = self._clock()
        found = sorted(self._lying(), key=lambda each: each[1].since)
        for name, entry in found:
            if name.endswith(UNFINISHED):
                if now - entry.since > FORGOTTEN_SECONDS:
                    self.path(name).unlink(missing_ok=True)
            elif now - entry.since >= older_than:
                self._note(name, entry.size, entry.since)

    def has(self, name: str) -> bool:
        return self.path(name).exists()

    def take(self, but: Collection[str] = ()) -> str | None:
        """The next one that nobody works on, and that is not among `but`; `done` or `put_back` must follow."""
        with self._lock:
            name = next((each for each in self._known if each not in self._taken and each not in but), None)
            if name is not None:
                self._taken.add(name)
            return name

    def put_back(self, name: str) -> None:
        """For another attempt, behind the others."""
        with self._lock:
            self._taken.discard(name)
            if (entry := self._known.pop(name, None)) is not None:
                self._known[name] = entry

    @property
    def taken(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._taken)

    def done(self, name: str) -> None:
        """Forget a file, and delete it if it is still there."""
        self.path(name).unlink(missing_ok=True)
        with self._lock:
            self._taken.discard(name)
            entry = self._known.pop(name, None)
            self._bytes -= entry.size if entry is not None else 0

    @property
    def number(self) -> int:
        return len(self._known)

    @property
    def size(self) -> int:
        return self._bytes

    @property
    def oldest(self) -> float | None:
        """Since when the first of them has waited."""
        with self._lock:
            return min((entry.since for entry in self._known.values()), default=None)

    def _note(self, name: str, size: int, since: float | None = None) -> None:
        with self._lock:
            if name not in self._known:
                self._known[name] = Entry(size, self._clock() if since is None else since)
                self._bytes += size

    def _lying(self) -> Iterator[tuple[str, Entry]]:
        try:
            with os.scandir(self._folder) as entries:
                for each in entries:
                    with suppress(FileNotFoundError):
                        about = each.stat()
                        yield each.name, Entry(about.st_size, about.st_mtime)
        except FileNotFoundError:
            return
