"""Which files the archive already has, by their digests, so that nobody sends them again.

A sender does not send a known file. So when in doubt the answer is no: then it is sent, and recognised by its content.
A yes requires a row for what was received, a study without deletion request and without a running job, and the whole
file in the archive, which is read for it. (While a job replaces an image, another one may arrive under its UID and be
recorded; until the job's sweep the row may describe that one.)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Select, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.deletions import has_open_request
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.jobs.study_jobs import job_works_on_it
from ehr_bridge.services.visibility.restrictions import Closed, without

type Recorded = Select[str, int, str | None, str | None, str, str, uuid.UUID | None, uuid.UUID | None]


class HeldFiles(Protocol):
    """The PACS, for recognising files."""

    def holds(self, orthanc_instance_id: str, digest: str | None) -> bool:
        """Whether there is such an instance and its file is whole (`Instance.stored_digest`); False when in doubt."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that need not be sent, and its study."""

    sha256: str
    study_instance_uid: str
    link_status: str
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None


class KnownFiles:
    """Reads at most `most_bytes` of stored files for one answer; files beyond that count as unknown."""

    def __init__(self, database: Database, recorder: Recorder, most_bytes: int) -> None:
        self._database = database
        self._recorder = recorder
        self._most_bytes = most_bytes

    def find(self, digests: Iterable[str], archive: HeldFiles, closed: Closed) -> list[KnownFile]:
        """Those of these SHA-256 digests (lower case) whose files are stored, without duplicates.

        Files of a patient whom the caller may not see are left out, since knowing a digest does not prove having the
        file.
        """
        self._recorder.flush()
        found: dict[str, KnownFile] = {}
        bytes_left = self._most_bytes
        for instance_id, size, digest, file in self._recorded(list(digests), closed):
            if file.sha256 in found or size > bytes_left:
                continue
            bytes_left -= size
            if archive.holds(instance_id, digest):
                found[file.sha256] = file
        return list(found.values())

    def _recorded(self, digests: Sequence[str], closed: Closed) -> list[tuple[str, int, str | None, KnownFile]]:
        with self._database.read() as session:
            return [
                (row[0], row[1], row[2], KnownFile(row[3] or "", *row[4:]))
                for row in session.execute(recorded_files(digests, closed))
            ]


def recorded_files(digests: Sequence[str], closed: Closed) -> Recorded:
    """The records of these files: the archive's id of the instance, its size, the digest of the stored file, the fields
    of a `KnownFile`."""
    return (
        select(
            Instance.orthanc_instance_id,
            Instance.size_bytes,
            Instance.stored_digest,
            Instance.received_sha256,
            Study.study_instance_uid,
            Study.link_status,
            Study.patient_id,
            Study.order_id,
        )
        .join(Study, Study.id == Instance.study_id)
        .where(
            Instance.received_sha256.in_(digests),
            Study.deleted_at.is_(None),
            ~has_open_request(),
            ~job_works_on_it(),
            without(Study.patient_id, closed),
        )
        .order_by(Instance.orthanc_instance_id)
    )
