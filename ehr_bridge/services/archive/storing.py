"""The PACS, for storing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Protocol

from ehr_bridge.services.archive.holdings import Holdings

STORAGE_FULL = "storage_full"
"""Refused before anything was done, because there is no room; for every sender, and no fault of theirs."""
ARCHIVE_AWAY = "archive_unavailable"
"""Refused because nobody could be asked what the archive has; no fault of the sender's either."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The archive's answer to a store."""

    orthanc_instance_id: str
    orthanc_study_id: str
    is_duplicate: bool


def archive_id(*levels: str) -> str:
    """The archive's id of a patient, study, series or instance: derived from its Patient ID and the UIDs down to it."""
    digest = hashlib.sha1("|".join(level.strip(" ") for level in levels).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


class Archive(Holdings, Protocol):
    """Where every door stores."""

    def store(self, data: bytes) -> Stored:
        """Store one instance, already coerced. Raises RefusedInstance when the archive cannot take these bytes."""

    def has(self, orthanc_instance_id: str, sop_instance_uid: str) -> bool:
        """Whether it has this instance; quick. Raises Unavailable when that is unknown."""

    def open(self, orthanc_instance_id: str) -> BufferedIOBase:
        """The stored file as it is kept.

        Raises:
            LookupError: there is no such instance, or the archive does not answer.
            FileNotFoundError: its file is gone.
            OSError: it cannot be read.
            Unavailable: where files are kept does not answer, so nothing is known about this one.
        """

    def holds(self, orthanc_instance_id: str, digest: str | None) -> bool:
        """Whether there is such an instance and its file is whole (`Instance.stored_digest`); False when in doubt."""

    def delete(self, orthanc_instance_id: str) -> None:
        """Delete an instance, if it is still there. Raises Unavailable when it could not be deleted."""

    def instances_of(self, study_instance_uid: str) -> list[str]:
        """The archive's ids of all instances with this StudyInstanceUID. Raises Unavailable."""

    def parent_study(self, orthanc_instance_id: str) -> str:
        """The archive's id of an instance's study. Raises LookupError when it is gone."""

    def answers(self) -> bool:
        """Raises Unavailable when the archive does not answer."""
