"""A bucket of an object store that speaks S3, or the part of it below a prefix.

Objects stand as files do in Orthanc's folder, so any tool that copies a bucket makes that folder of it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from io import BufferedIOBase, BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from ehr_bridge.errors import Unavailable
from ehr_bridge.meters import OBJECT_REQUESTS, OBJECT_SECONDS
from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import OWNER, path_of

if TYPE_CHECKING:
    from obstore.store import ClientConfig

REMOVED = "removed"
"""Below it, the names of files that were removed while they may have waited on another node."""
LARGE = 64_000_000
"""Larger files are put one at a time, because each is in memory meanwhile: whole, so that one signature is of all."""
FILE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IN_MEMORY = 8_000_000
"""A file that is judged is read in pieces of this size."""


class BucketTrouble(Unavailable):
    """`why`: see `ObjectState.error`."""

    def __init__(self, why: str) -> None:
        super().__init__("archive_unavailable", "The object storage does not answer; try again in a moment.", 30)
        self.why = why


class Marker(NamedTuple):
    """A file that was removed, and how long ago in seconds that was noted."""

    name: str
    age: float


class Listed(NamedTuple):
    """A file that is in the bucket."""

    name: str
    size: int
    age: float
    """Seconds since it was put."""


class Bucket:
    """Whatever goes wrong but a missing object is `Unavailable`: then nothing is known about a file."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        place = settings.bucket
        if place is None:
            raise ValueError("no bucket is set")
        self._place = place
        self._id_file = settings.data_dir / OWNER
        self._clock = clock
        self._is_ours = False
        self._large = threading.Lock()
        ca = None if settings.storage_ca is None else settings.storage_ca.read_bytes()

        def store(seconds: int, retries: int) -> S3Store:
            # every key that we set wins over the environment, which the library reads for the others
            options: ClientConfig = {
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=seconds),
                "allow_http": settings.storage_is_plain,
            }
            if ca is not None:
                options["root_certificate"] = ca
            retry: Any = {"max_retries": retries, "retry_timeout": timedelta(seconds=10)}
            config: Any = {"region": settings.storage_region, **settings.storage_keys}
            if settings.storage_endpoint is not None:
                config["endpoint"] = settings.storage_endpoint.rstrip("/")
            return S3Store(
                place.name, prefix=place.prefix or None, config=config, client_options=options, retry_config=retry
            )

        self._writing, self._reading = store(300, 0), store(30, 2)

    def where(self, name: str) -> str:
        return f"s3://{'/'.join(filter(None, (self._place.name, self._place.prefix, _key(name))))}"

    def put(self, name: str, file: Path) -> None:
        """Raises FileNotFoundError when the file is gone."""
        self._require_ours()
        with file.open("rb") as opened:
            turn = self._large if file.stat().st_size > LARGE else nullcontext()
            try:
                with turn, _told("put"):
                    obstore.put(self._writing, _key(name), opened, use_multipart=False)
            except FileNotFoundError:  # there, not here
                raise BucketTrouble("no_bucket") from None

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError when the bucket is ours and has no such object."""
        self._require_ours()
        try:
            with _told("get"):
                return obstore.get(self._reading, _key(name)).bytes().to_bytes()
        except FileNotFoundError:
            self._require_ours(again=True)
            raise

    def open(self, name: str) -> BufferedIOBase:
        """Like `read`, without holding a large file in memory."""
        self._require_ours()
        try:
            with _told("get"):
                found = obstore.get(self._writing, _key(name))
                if found.meta["size"] <= IN_MEMORY:
                    return BytesIO(found.bytes().to_bytes())
                return BufferedReader(_Object(iter(found.stream(min_chunk_size=IN_MEMORY))), IN_MEMORY)
        except FileNotFoundError:
            self._require_ours(again=True)
            raise

    def has(self, name: str) -> bool:
        try:
            with _told("head"):
                obstore.head(self._reading, _key(name))
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        """One that is gone is no error."""
        self._require_ours()
        try:
            with _told("delete"):
                obstore.delete(self._writing, _key(name))
        except FileNotFoundError:
            return

    def mark_removed(self, name: str) -> None:
        """For other nodes, on which the file may still wait."""
        with _told("put"):
            obstore.put(self._writing, f"{REMOVED}/{name}", b"")

    def marked(self) -> list[Marker]:
        self._require_ours()
        with _told("list"):
            found = [each for page in obstore.list(self._reading, REMOVED) for each in page]
        now = self._clock()
        return [Marker(each["path"].rpartition("/")[2], now - each["last_modified"].timestamp()) for each in found]

    def listed(self) -> Iterator[Listed]:
        """All files in it, whether or not anything names them; no marks, and nothing that others have put."""
        self._require_ours()
        now = self._clock()
        with _told("list"):
            for page in obstore.list(self._reading):
                for each in page:
                    name = each["path"].rpartition("/")[2]
                    if FILE.fullmatch(name) and each["path"] == _key(name):
                        yield Listed(name, each["size"], now - each["last_modified"].timestamp())

    def unmark(self, name: str) -> None:
        with _told("delete"):
            obstore.delete(self._writing, f"{REMOVED}/{name}")

    def trouble(self) -> str | None:
        """Why it cannot be used (`ObjectState.error`), or None. Writes nothing."""
        try:
            self._require_ours(again=True, is_new=True)
        except BucketTrouble as error:
            return error.why
        return None

    def owner(self) -> str | None:
        """Whose it is; None: nobody's yet. Raises BucketTrouble."""
        try:
            with _told("get"):
                return obstore.get(self._reading, OWNER).bytes().to_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def own(self, owner: str) -> None:
        """Raises BucketTrouble."""
        with _told("put"):
            obstore.put(self._writing, OWNER, owner.encode())

    def _require_ours(self, *, again: bool = False, is_new: bool = False) -> None:
        """An emptied bucket, or another one, must not look as if every image was lost. `is_new`: before the first start
        one that is nobody's will do."""
        if self._is_ours and not again:
            return
        ours = self._id_file.read_text() if self._id_file.exists() else None
        found = self.owner()
        self._is_ours = found is not None and found == ours
        if not self._is_ours and not (is_new and found is None and ours is None):
            raise BucketTrouble("other_bucket")


class _Object(RawIOBase):
    """A large object, read in pieces to its end; of one request, for not every store answers well to parts."""

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As `RawIOBase` has it."""
        if not self._piece:
            with _in_our_words():
                self._piece = memoryview(bytes(next(self._pieces, b"")))
        wanted = memoryview(buffer).cast("B")
        size = min(len(wanted), len(self._piece))
        wanted[:size], self._piece = self._piece[:size], self._piece[size:]
        return size


@contextmanager
def _told(action: str) -> Iterator[None]:
    """A request: counted with its time and outcome, its errors in our words."""
    began, outcome = perf_counter(), "away"
    try:
        with _in_our_words():
            yield
        outcome = "done"
    except FileNotFoundError:
        outcome = "missing"
        raise
    except BucketTrouble as error:
        outcome = error.why
        raise
    finally:
        OBJECT_SECONDS.note(perf_counter() - began, action)
        OBJECT_REQUESTS.add(action, outcome)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """The library's errors in our words: theirs may hold what the store says of our key."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        if "NoSuchBucket" in str(error):
            raise BucketTrouble("no_bucket") from None
        raise FileNotFoundError("no such object") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise BucketTrouble("not_allowed") from None
    except (BaseError, OSError):
        raise BucketTrouble("away") from None


def _key(name: str) -> str:
    return path_of(name).as_posix()
