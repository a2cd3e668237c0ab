"""The port through which everybody reads, removes and measures the files of images, wherever they are kept.

A name is the UUID that Orthanc gives an attachment. It is never used again, so a file never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from typing import Protocol

ERRORS = "away", "not_allowed", "no_bucket", "other_bucket"
"""Why a bucket could not be used."""
LEAST_FREE = 0.1
"""Least free part of the disk with the images; below that, somebody should act before it is full."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system with the images."""

    free_bytes: int
    total_bytes: int

    @property
    def is_nearly_full(self) -> bool:
        return self.free_bytes < LEAST_FREE * self.total_bytes


@dataclass(frozen=True, slots=True)
class ObjectState:
    """What waits on this node's disk for the object storage."""

    waiting: int
    waiting_bytes: int
    limit_bytes: int
    """When so much waits, nothing more is stored."""
    oldest_at: datetime | None
    """When the first of those that wait came."""
    removing: int
    """Files that are still to be removed there."""
    error: str | None
    """Why the last attempt failed, one of `ERRORS`, or too_large: a file waits that S3 takes from nobody. None: all is
    well."""
    failing_since: datetime | None
    disk: Disk | None = None
    """On which they wait."""


class FileStore(Protocol):
    def open(self, name: str) -> BufferedIOBase:
        """The file itself, past every cache, for whoever judges it.

        Raises:
            FileNotFoundError: it is gone.
            OSError: it cannot be read.
            Unavailable: the store does not answer, so nothing is known about the file.
        """

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error. It may take a while, but outlives the process."""

    def where(self, name: str) -> str:
        """Where people find the file: its path in the folder, or its address."""

    def space(self) -> Disk | None:
        """The file system with the images; None when there is none, or it cannot be asked."""

    def has_room(self, size: int) -> bool:
        """Whether a file of that many bytes can be stored now."""

    def state(self) -> ObjectState | None:
        """What waits for the object storage; None where files are kept in a folder."""
