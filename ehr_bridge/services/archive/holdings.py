"""What the archive has of a study, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import sleep
from typing import Protocol

from ehr_bridge.storage.files import Disk, ObjectState

LOOKS, PAUSE_SECONDS = 10, 0.1
"""For all files of a request that are gone at first sight."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One stored instance. Numbers are those in the file, or 0."""

    orthanc_instance_id: str
    series_instance_uid: str
    sop_instance_uid: str
    modality: str
    series_number: int
    instance_number: int
    size_bytes: int

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Sort key: by series number, then instance number."""
        return self.series_number, self.series_instance_uid, self.instance_number, self.sop_instance_uid


@dataclass(frozen=True, slots=True)
class HeldSeries:
    """One series in the archive's index; `number` is None where the files have none."""

    series_instance_uid: str
    number: int | None
    modality: str
    description: str
    number_of_instances: int

    @property
    def order(self) -> tuple[bool, int, str]:
        """Sort key: by number; series without a number come last."""
        return self.number is None, self.number or 0, self.series_instance_uid


@dataclass(frozen=True, slots=True)
class Usage:
    """How much the archive has in total, including hidden studies."""

    size_bytes: int
    """On the disk."""
    uncompressed_bytes: int
    """Of the files as they are returned."""
    number_of_studies: int
    number_of_instances: int


@dataclass(frozen=True, slots=True)
class Raster:
    """One decoded frame: rows from the top, without padding."""

    width: int
    height: int
    dtype: str
    """A numpy type: uint8, uint16, int16, uint32, float32."""
    samples: int
    data: bytes


class Holdings(Protocol):
    """The PACS, for reading."""

    def holdings(self, orthanc_study_id: str) -> list[Holding]:
        """Every instance of a study, in `Holding.order`; empty when it is gone."""

    def series_of(self, study_instance_uid: str) -> list[HeldSeries]:
        """The series of a study, in `HeldSeries.order`. Raises Unavailable when the archive does not answer."""

    def usage(self) -> Usage:
        """Totals of the archive. Raises Unavailable when it does not answer."""

    def last_change(self) -> int:
        """The number of the newest entry in the archive's log of changes. Raises Unavailable when it does not
        answer."""

    def file_of(self, orthanc_instance_id: str) -> str | None:
        """Where an instance's file is (`FileStore.where`); None when there is no such instance."""

    def space(self) -> Disk | None:
        """The file system with the images; None when not known."""

    def has_room(self, size: int) -> bool:
        """Whether an image of that many bytes may come in (`Room.has`)."""

    def objects(self) -> ObjectState | None:
        """What waits for the object storage; None where images are kept in a folder."""

    def read(self, orthanc_instance_id: str) -> bytes:
        """The stored file. Raises LookupError when the instance is gone."""

    def decode(self, data: bytes, frame: int) -> Raster:
        """One frame of a file, decoded by the archive. Raises LookupError when it cannot."""


def read_each(read: Callable[[str], bytes], instance_ids: Iterable[str]) -> Iterator[bytes | None]:
    """The stored files in turn, for people; None for one that is gone. A job that changes a file removes the old one
    just before it stores the new one, so a missing file is tried again, for a second in all."""
    looks = LOOKS
    for instance_id in instance_ids:
        while (data := _read(read, instance_id)) is None and looks:
            looks -= 1
            sleep(PAUSE_SECONDS)
        yield data


def _read(read: Callable[[str], bytes], instance_id: str) -> bytes | None:
    try:
        return read(instance_id)
    except LookupError:
        return None
