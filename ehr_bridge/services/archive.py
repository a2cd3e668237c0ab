"""The PACS, as the services see it: what can be stored into, and read from."""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedIOBase
from typing import Protocol

from ehr_bridge.services.holdings import Holdings


@dataclass(frozen=True, slots=True)
class Stored:
    """What the archive answers."""

    orthanc_instance_id: str
    orthanc_study_id: str
    is_duplicate: bool


class Archive(Holdings, Protocol):
    """What every door stores into."""

    def store(self, data: bytes) -> Stored:
        """Store one instance, coerced already.

        Raises:
            RefusedInstance: the archive cannot take these bytes.
        """

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
