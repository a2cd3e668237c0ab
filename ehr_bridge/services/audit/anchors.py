"""Anchors: the head of the audit trail at some time, written outside the database.

A hash chain alone cannot show that its newest events were cut off, or that all of it was recomputed. A copy that
somebody else keeps can. Every line holds number and hash of the head, and a MAC with a key derived from the shared
secret. docs/audit.md says what that proves and what it does not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.derived_keys import derived_key

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


def anchor_key(secret: str) -> bytes:
    """The key of anchors, derived from the shared secret."""
    return derived_key(secret, "audit anchor")


def read_anchors(path: Path, key: bytes | None) -> Iterator[Anchor]:
    """The anchors of a file in order; none if the file does not exist. Without a key, MACs are not checked. Raises
    AnchorFileError when a line cannot be read or its MAC is wrong."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # a power cut truncated the last line; the next one replaces it
            try:
                at, event_id, event_hash, mac = json.loads(line)
                fits = isinstance(at, str) and isinstance(event_id, int) and isinstance(event_hash, str)
                if not fits or line != _line(at, event_id, event_hash, mac):
                    raise ValueError
                if key is not None and not hmac.compare_digest(mac, _mac(key, at, event_id, event_hash)):
                    raise ValueError
            except (ValueError, TypeError):
                raise AnchorFileError(number) from None
            yield Anchor(event_id, event_hash, number)


class Anchors:
    """Writes the anchors of this process."""

    def __init__(self, database: Database, path: Path, key: bytes, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._written: Head | None = None
        self._due = 0.0
        self.path = path

    @property
    def key(self) -> bytes:
        return self._key

    def is_kept(self) -> bool:
        """Whether the trail still has, unchanged, the event that this process has noted last."""
        if (noted := self._written) is None:
            return True
        with self._database.read() as session:
            return session.scalar(select(AuditEvent.hash).where(AuditEvent.id == noted.id)) == noted.hash

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
            head = self.head()
            if head is None or head == self._written:
                return False
            at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = _line(at, head.id, head.hash, _mac(self._key, at, head.id, head.hash))
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "r+b") as file:
                file.seek(_end_of_whole_lines(file))
                file.truncate()
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            self._written = head
            return True


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
