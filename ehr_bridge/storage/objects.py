"""Files in a bucket of an object store (S3), written ahead to this node's disk.

Storing returns when a file is on the disk; threads put it into the bucket a moment later. While the bucket is away
storing goes on, until as much waits as is allowed, and recent images are read from the disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from ehr_bridge.errors import Unavailable
from ehr_bridge.storage.cache import Cache
from ehr_bridge.storage.files import Disk, ObjectState
from ehr_bridge.storage.folder import disk_of, older_files, path_of
from ehr_bridge.storage.waiting import Waiting

if TYPE_CHECKING:
    from ehr_bridge.storage.bucket import Bucket

LOGGER = logging.getLogger(__name__)
THREADS = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two attempts while the bucket is away."""
LAST_SECONDS = 10.0
"""For what still waits when the server is stopped; the rest is put after the next start."""
LEFT_BY_OTHERS = 60.0
"""A file that waits longer in a shared folder is put by whichever node sees it."""
MARKER_SECONDS = 90 * 86_400.0
MOST_REMEMBERED = 100_000
LARGEST = 5_000_000_000  # S3 takes no more in one put


class ObjectFiles:
    """See `FileStore`; `create`, `read` and `remove` are what Orthanc calls."""

    def __init__(
        self,
        bucket: Bucket,
        folder: Path,
        cache: Cache,
        limit_bytes: int,
        clock: Callable[[], float] = time.time,
        threads: int = THREADS,
        mark: Path | None = None,
    ) -> None:
        """`folder` is where files wait; where images were kept before there was a bucket, they are read there still,
        and move up one by one. Where there is no `mark` the folder is not mounted: then nothing is missing."""
        self._bucket = bucket
        self._folder = folder
        self._mark = mark
        self._waiting = Waiting(folder / "waiting", clock)
        self._removing = Waiting(folder / "removing", clock)
        self._cache = cache
        self._limit = limit_bytes
        self._clock = clock
        self._removed: OrderedDict[str, None] = OrderedDict()
        self._wake = threading.Condition()
        self._threads = [
            threading.Thread(target=self._loop, args=(n == 0,), name=f"ehr-bridge-bucket-{n}", daemon=True)
            for n in range(threads)
        ]
        self._stuck: list[tuple[Waiting, str]] = []
        self._too_large: dict[str, float] = {}
        self._called = 0
        self._looking = threading.Lock()
        self._left = older_files(folder)
        self._stop_at: float | None = None
        self._failures = 0
        self._pause_until = 0.0
        self._trouble: tuple[str, float] | None = None

    # What Orthanc calls

    def create(self, name: str, content: bytes) -> None:
        """Raises OSError when the disk is full or cannot be written."""
        if self._mark is not None and not self._mark.exists():
            raise FileNotFoundError("the folder of the images is away")
        self._waiting.add(name, content)
        self._awake()

    def read(self, name: str) -> bytes:
        """A file for people, from wherever it is nearest. Raises FileNotFoundError, OSError and Unavailable."""
        if self._removing.has(name):
            raise FileNotFoundError(name)
        for _ in range(2):  # it may move up meanwhile
            if (near := self._near(name)) is not None:
                return near
        if (copy := self._cache.get(name)) is not None:
            return copy
        try:
            data = self._bucket.read(name)
        except FileNotFoundError:
            if (near := self._near(name)) is not None:
                return near
            self._require_folder()
            raise
        self._keep_copy(name, data)
        return data

    # The port

    def open(self, name: str) -> BufferedIOBase:
        """See `FileStore`: from the disk while it waits, and from the bucket when it is there."""
        if self._removing.has(name):
            raise FileNotFoundError(name)
        for _ in range(2):  # it may move up meanwhile
            if (near := self._open_near(name)) is not None:
                return near
        try:
            return self._bucket.open(name)
        except FileNotFoundError:
            if (near := self._open_near(name)) is not None:
                return near
            self._require_folder()
            raise

    def remove(self, name: str) -> None:
        """See `FileStore`. Noted on the disk; a thread removes it when the bucket answers."""
        self._cache.drop(name)
        if name in self._removed:
            return
        self._removing.add(name, b"")
        self._awake()

    def where(self, name: str) -> str:
        return self._bucket.where(name)

    def space(self) -> Disk | None:
        """A bucket has no end that is known."""
        return None

    def has_room(self, size: int) -> bool:
        """Orthanc keeps a second file, the header, with each image: so twice the size, at most."""
        disk = disk_of(self._folder)
        return self._waiting.size + size <= self._limit and disk is not None and disk.free_bytes >= 2 * size

    def state(self) -> ObjectState:
        since = self._waiting.oldest
        trouble = self._trouble or (("too_large", min(self._too_large.values())) if self._too_large else None)
        return ObjectState(
            waiting=self._waiting.number,
            waiting_bytes=self._waiting.size,
            limit_bytes=self._limit,
            oldest_at=None if since is None else datetime.fromtimestamp(since, UTC),
            removing=self._removing.number,
            error=None if trouble is None else trouble[0],
            failing_since=None if trouble is None else datetime.fromtimestamp(trouble[1], UTC),
            disk=disk_of(self._folder),
        )

    # The threads

    def start(self) -> None:
        self._cache.scan()
        self.look_around(older_than=0.0)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Put what still waits, for a moment; then end the threads."""
        self._stop_at = time.monotonic() + (0.0 if self._trouble else LAST_SECONDS)
        self._awake(everybody=True)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=LAST_SECONDS + 20)

    def look_around(self, *, older_than: float = LEFT_BY_OTHERS) -> None:
        """Find what was left by a process that was killed, or by another node in a shared folder."""
        while self._stuck:
            queue, name = self._stuck.pop()
            queue.put_back(name)
        self._waiting.scan(older_than=older_than)
        self._removing.scan(older_than=older_than)
        self._cache.make_room()
        self._awake(everybody=True)

    def follow_removals(self) -> None:
        """Remove what another node has removed and did not find, because it waited here. Raises Unavailable."""
        for marker in self._bucket.marked():
            self._waiting.done(marker.name)
            self._bucket.delete(marker.name)
            if marker.age > MARKER_SECONDS:
                self._bucket.unmark(marker.name)

    def _awake(self, *, everybody: bool = False) -> None:
        with self._wake:
            self._called += 1
            # in trouble only the first thread acts, so it must hear
            self._wake.notify(len(self._threads) if everybody or self._trouble is not None else 1)

    def _loop(self, is_first: bool) -> None:
        while True:
            called, stop_at = self._called, self._stop_at
            if stop_at is not None and (time.monotonic() >= stop_at or self._trouble is not None):
                return
            pause: float | None = None
            if self._trouble is None or is_first:  # one alone tries whether the bucket is back
                pause = self._pause_until - time.monotonic()
                if pause <= 0:
                    try:
                        if self._work():
                            continue
                        pause = None
                    except Exception:
                        LOGGER.exception("the files that wait cannot be looked at; it is tried again")
                        pause = LONGEST_PAUSE
            if stop_at is not None:
                return
            with self._wake:
                while self._called == called and self._stop_at is None:
                    if not self._wake.wait(pause):
                        break

    def _work(self) -> bool:
        """Whether there was something to do."""
        for queue, but, act in (
            (self._removing, self._waiting.taken, self._remove),
            (self._waiting, (), self._put),
        ):
            if (name := queue.take(but)) is None:
                continue
            if queue is self._removing and name in self._waiting.taken:  # since a moment ago
                queue.put_back(name)
                continue
            try:
                if act(name):  # the bucket has answered
                    self._note_success()
            except Unavailable as error:
                queue.put_back(name)
                self._note_trouble(error)
            except Exception:  # nobody takes it until `look_around`
                LOGGER.exception("a file waits: %s", name)
                self._stuck.append((queue, name))
            return True
        return self._stop_at is None and self._move_up()

    def _put(self, name: str) -> bool:
        path, answered = self._waiting.path(name), False
        if not self._removing.has(name):
            with suppress(FileNotFoundError):  # removed meanwhile, or put by another node
                if path.stat().st_size > LARGEST:  # the others go on; it is read where it waits
                    self._too_large.setdefault(name, self._clock())
                    self._stuck.append((self._waiting, name))
                    return False
                self._bucket.put(name, path)
                answered = True
                self._keep_copy(name, path.read_bytes())
        self._waiting.done(name)
        self._too_large.pop(name, None)
        return answered

    def _remove(self, name: str) -> bool:
        """This node is not putting it: `_work` saw to that, and whoever begins now finds that it is to be removed. One
        that waited may be on its way to the bucket from another node with this folder, so it is removed again later."""
        (self._folder / path_of(name)).unlink(missing_ok=True)
        if self._waiting.has(name) or not self._bucket.has(name):
            self._bucket.mark_removed(name)
        self._waiting.done(name)
        self._bucket.delete(name)
        self._cache.drop(name)
        self._removed[name] = None
        self._too_large.pop(name, None)
        while len(self._removed) > MOST_REMEMBERED:
            self._removed.popitem(last=False)
        self._removing.done(name)
        return True

    def _move_up(self) -> bool:
        """Let the next file of a time without a bucket wait for it too."""
        with self._looking:
            file = next(self._left, None)
            if file is None:
                return False
            try:
                self._waiting.take_in(file)
            except FileNotFoundError:
                pass  # removed
            except OSError:
                LOGGER.warning("an older file stays where it is")
            return True

    def _near(self, name: str) -> bytes | None:
        if (near := self._open_near(name)) is None:
            return None
        with near:
            return near.read()

    def _open_near(self, name: str) -> BufferedReader | None:
        for path in (self._waiting.path(name), self._folder / path_of(name)):
            with suppress(FileNotFoundError):
                return path.open("rb")
        return None

    def _keep_copy(self, name: str, data: bytes) -> None:
        self._cache.keep(name, data)
        if name in self._removed or self._removing.has(name):  # since it was read
            self._cache.drop(name)

    def _require_folder(self) -> None:
        """Raises Unavailable when the folder in which files wait is away: the one that is looked for may be there."""
        if self._mark is not None and not self._mark.exists():
            raise Unavailable("archive_unavailable", "The folder of the images is away; try again in a moment.", 30)

    def _note_trouble(self, error: Unavailable) -> None:
        why = getattr(error, "why", "away")
        if time.monotonic() < self._pause_until:
            return  # one of several threads that met it together
        if self._trouble is None:
            LOGGER.warning("files wait on this disk: the object storage is %s", why.replace("_", " "))
        self._trouble = why, self._trouble[1] if self._trouble is not None else self._clock()
        self._failures += 1
        self._pause_until = time.monotonic() + min(FIRST_PAUSE * 2 ** min(self._failures, 10), LONGEST_PAUSE)
        self._awake(everybody=True)

    def _note_success(self) -> None:
        if self._trouble is None:
            return
        LOGGER.warning("the object storage answers again; %d files wait for it", self._waiting.number)
        self._trouble, self._failures, self._pause_until = None, 0, 0.0
        self._awake(everybody=True)
