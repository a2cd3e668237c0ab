"""Anchors: the head of the audit trail at some time, written outside the database.

A hash chain alone cannot show that its newest events were cut off, or that all of it was recomputed. A copy that
somebody else keeps can. Every line holds number and hash of the head, and a MAC with a key derived from the shared
secret. docs/audit.md says what that proves and what it does not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.derived_keys import SharedSecret

LOGGER = logging.getLogger(__name__)
FILE_NAME = "audit-anchor.log"
EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of the chain at some time."""

    id: int
    hash: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A recorded head, and its line in the file (0: it came from elsewhere)."""

    id: int
    hash: str
    line: int = 0


class AnchorFileError(Exception):
    """A line of the file is not one of our anchors: altered, cut, or made with another secret."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} of the anchor file is altered or was made with another secret")
        self.line = line


def anchor_keys(secret: SharedSecret) -> tuple[bytes, ...]:
    """The keys of anchors, derived from the shared secret; the first one makes them."""
    return secret.keys("audit anchor")


def read_anchors(path: Path, keys: Sequence[bytes]) -> Iterator[Anchor]:
    """The anchors of a file in order; none if the file does not exist. Without keys, MACs are not checked. Raises
    AnchorFileError when a line cannot be read or its MAC is wrong."""
    for number, said in enumerate(_lines(path, keys), 1):
        yield Anchor(said.id, said.hash, number)


class _Said(NamedTuple):
    """One line."""

    at: str
    id: int
    hash: str
    mac: str


def _lines(path: Path, keys: Sequence[bytes]) -> Iterator[_Said]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # a power cut truncated the last line; the next one replaces it
            try:
                said = _Said(*json.loads(line))
                fits = isinstance(said.at, str) and isinstance(said.id, int) and isinstance(said.hash, str)
                if not fits or line != _line(*said):
                    raise ValueError
                if keys and not any(hmac.compare_digest(said.mac, _mac(key, *said[:3])) for key in keys):
                    raise ValueError
            except (ValueError, TypeError):
                raise AnchorFileError(number) from None
            yield said


def sign_again(path: Path, keys: Sequence[bytes]) -> bool:
    """Give every line the MAC of the first of these keys, while the secret is rotated; whether any had another. The
    file is whole at any moment; one that is altered stays as it is. Raises OSError."""
    try:
        if all(said.mac == _mac(keys[0], *said[:3]) for said in _lines(path, keys)):
            return False
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(_line(*said[:3], _mac(keys[0], *said[:3])) for said in _lines(path, keys))
            file.flush()
            os.fsync(file.fileno())
    except AnchorFileError as error:
        LOGGER.error("%s; its lines keep the MAC of the former secret", error)
        return False
    new.replace(path)
    return True


class Anchors:
    """Writes the anchors of this process."""

    def __init__(self, database: Database, path: Path, keys: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._written: Head | None = None
        self._was_broken = False
        self._due = 0.0
        self.path = path

    @property
    def keys(self) -> Sequence[bytes]:
        return self._keys

    def is_kept(self) -> bool:
        """Whether the trail has had, unchanged, each event that was noted last, the last line of the file first. Once
        it has not, that stays said as long as this process lives: later anchors are of what was left."""
        if not self._was_broken and (noted := self._written) is not None:
            with self._database.read() as session:
                found = session.scalar(select(AuditEvent.hash).where(AuditEvent.id == noted.id))
            if found != noted.hash:
                LOGGER.error("the audit trail has lost or changed event %d, which was noted as its newest", noted.id)
                self._was_broken = True
        return not self._was_broken

    def head(self) -> Head | None:
        """The newest event; None while there is none."""
        with self._database.read() as session:
            query = select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)
            row = session.execute(query).first()
        return Head(row.id, row.hash) if row else None

    def write_due(self) -> None:
        """Like `write`, at most once a minute."""
        if time.monotonic() >= self._due and self.write():
            self._due = time.monotonic() + EVERY_SECONDS

    def write(self) -> bool:
        """Add a line for the head, synced to disk, if it is newer than the last line; returns whether it did.

        Raises:
            Unavailable: the database is away.
            OSError: the file cannot be written.
        """
        with self._lock:
            if self._written is None:
                if len(self._keys) > 1:
                    sign_again(self.path, self._keys)
                self._written = self._last_line()
            self.is_kept()  # what was noted, before something newer is
            head = self.head()
            if head is None or head == self._written:
                return False
            at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = _line(at, head.id, head.hash, _mac(self._keys[0], at, head.id, head.hash))
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "r+b") as file:
                file.seek(_end_of_whole_lines(file))
                file.truncate()
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            self._written = head
            return True

    def _last_line(self) -> Head | None:
        """What the former process has noted last; None if there is no such line, or none that is ours."""
        try:
            with self.path.open("rb") as file:
                end = _end_of_whole_lines(file)
                file.seek(max(0, end - 1000))
                lines = file.read(end - file.tell()).splitlines(keepends=True)
            said = _Said(*json.loads(lines[-1]))
            ours = any(said.mac == _mac(key, *said[:3]) for key in self._keys)
            return Head(said.id, said.hash) if ours else None
        except (FileNotFoundError, IndexError, ValueError, TypeError):
            return None


def _end_of_whole_lines(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 1000)  # no line is longer
    file.seek(start)
    tail = file.read()
    return start + tail.rfind(b"\n") + 1 if b"\n" in tail else start


def _line(at: str, event_id: int, event_hash: str, mac: str) -> bytes:
    return json.dumps([at, event_id, event_hash, mac]).encode() + b"\n"


def _mac(key: bytes, at: str, event_id: int, event_hash: str) -> str:
    return hmac.new(key, json.dumps([at, event_id, event_hash]).encode(), hashlib.sha256).hexdigest()
