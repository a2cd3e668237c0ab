"""The PACS, as the services see it: what can be stored into, and read from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Protocol

from ehr_bridge.services.archive.holdings import Holdings


@dataclass(frozen=True, slots=True)
class Stored:
    """What the archive answers."""

    orthanc_instance_id: str
    orthanc_study_id: str
    is_duplicate: bool


def archive_id(*levels: str) -> str:
    """The id that the archive gives a patient, study, series or instance: of its Patient ID and the UIDs down to it."""
    digest = hashlib.sha1("|".join(level.strip(" ") for level in levels).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


class Archive(Holdings, Protocol):
    """What every door stores into."""

    def store(self, data: bytes) -> Stored:
        """Store one instance, coerced already.

        Raises:
            RefusedInstance: the archive cannot take these bytes.
        """

    def has(self, orthanc_instance_id: str, sop_instance_uid: str) -> bool:
        """Whether it holds this instance; quick, and False when it cannot say."""

    def open(self, orthanc_instance_id: str) -> BufferedIOBase:
        """The stored file as it lies on the disk.

        Raises:
            LookupError: there is no such instance, or the archive does not answer.
            FileNotFoundError: its file is gone.
            OSError: it cannot be read.
        """

    def holds(self, orthanc_instance_id: str, digest: str | None) -> bool:
        """Whether there is such an instance and its file is whole (`Instance.stored_digest`); False in every doubt."""

    def delete(self, orthanc_instance_id: str) -> None:
        """Take an instance out; one that is gone already is no matter.

        Raises:
            Unavailable: it is still there.
        """

    def answers(self) -> bool:
        """Raises Unavailable when the archive does not answer."""
