"""Fixity checks: a stored file is read again to see that it is the one that was stored (PREMIS, OAIS).

What is found stands in its row (`Instance.damaged_at`) and in the audit trail, until the file is whole again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from io import BufferedIOBase, BytesIO
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import FileStatus
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services import audit
from ehr_bridge.services.archive.file_digests import digest_of, is_whole, ledger_digest
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.jobs.study_jobs import job_works_on_it

LOGGER = logging.getLogger(__name__)
MISSING, CHANGED, UNREADABLE = "missing", "changed", "unreadable"
CHANGED_WHEN_DAMAGED = "file_damaged"
"""The code of an instance in a job's ledger whose file was damaged already; what the job made of it is no better."""

type Opener = Callable[[], BufferedIOBase]
type Files = Select[str, str, uuid.UUID, str | None, datetime | None]


class StoredFile(NamedTuple):
    """What was known of a file before it was read."""

    orthanc_instance_id: str
    sop_instance_uid: str
    study_id: uuid.UUID
    digest: str | None
    damaged_at: datetime | None


class FixityCheck:
    """Reads files, each outside any transaction, and writes down what is new about them."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def files(self, query: Files) -> list[StoredFile]:
        """What is known of these files. Raises Unavailable."""
        with self._database.read() as session:
            return [StoredFile(*row) for row in session.execute(query)]

    def look(self, archive: Archive, orthanc_instance_id: str) -> str:
        """What is the matter with the file of one instance, out of its turn; "" when it is whole, or nobody knows.

        Raises:
            Unavailable: the database or the archive is away.
        """
        found = self.files(files_at_rest().where(Instance.orthanc_instance_id == orthanc_instance_id))
        return self.check(archive, found[0]) if found else ""

    def is_as_stored(self, orthanc_instance_id: str, data: bytes) -> bool:
        """Whether what the archive gave out is what was stored, as far as anybody knows. For the job that has the study
        in its hands.

        Raises:
            Unavailable: the database is away.
        """
        found = self.files(_recorded().where(Instance.orthanc_instance_id == orthanc_instance_id))
        if not found:
            return True
        trouble, _ = self._compare(found[0], lambda: BytesIO(data))
        if trouble:
            self._note_damaged(found[0], trouble)
        return not trouble

    def check(self, archive: Archive, file: StoredFile) -> str:
        """What is the matter with one file, or "".

        Raises:
            Unavailable: the database or the archive is away; nothing is said of the file.
        """
        trouble, digest = self._compare(file, partial(archive.open, file.orthanc_instance_id))
        if trouble:
            archive.answers()
            self._note_damaged(file, trouble, _is_at_rest())
        elif (digest, None) != (file.digest, file.damaged_at):
            self._note_whole(file, digest)
        return trouble

    def _compare(self, file: StoredFile, opened: Opener) -> tuple[str, str | None]:
        """What is the matter with a file, and its digest: the recorded one, or that of the last job's ledger."""
        trouble, digest = _read(opened, file.digest)
        if trouble and (by_a_job := self._ledger_digest(file)) is not None:
            return _read(opened, by_a_job)
        return trouble, digest

    def _ledger_digest(self, file: StoredFile) -> str | None:
        """How the last job that put an image here left it."""
        query = (
            select(ModificationInstance.sha256_after)
            .join(Modification, Modification.id == ModificationInstance.modification_id)
            .where(
                Modification.study_id == file.study_id,
                ModificationInstance.status == FileStatus.DONE,
                ModificationInstance.error_code.is_distinct_from(CHANGED_WHEN_DAMAGED),
                ModificationInstance.orthanc_instance_id_after == file.orthanc_instance_id,
            )
            .order_by(Modification.requested_at.desc())
            .limit(1)
        )
        with self._database.read() as session:
            sha256 = session.scalar(query)
        return None if sha256 is None else ledger_digest(sha256)

    def _note_damaged(self, file: StoredFile, trouble: str, *conditions: ColumnElement[bool]) -> None:
        now = self._clock()
        with self._database.write() as session:
            changed = update(Instance).where(*_as_it_was(file), *conditions).values(damaged_at=now)
            if session.scalar(changed.returning(Instance.study_id)) is None or file.damaged_at is not None:
                return
            self._audit(session, "study.file_damaged", file, now, code=trouble)
        LOGGER.error("the stored file of instance %s is damaged: %s", file.orthanc_instance_id, trouble)

    def _note_whole(self, file: StoredFile, digest: str | None) -> None:
        write = self._database.write_relaxed if file.damaged_at is None else self._database.write
        with write() as session:
            changed = update(Instance).where(*_as_it_was(file)).values(stored_digest=digest, damaged_at=None)
            if session.scalar(changed.returning(Instance.study_id)) is not None and file.damaged_at is not None:
                self._audit(session, "study.file_restored", file, self._clock())

    def _audit(self, session: Session, action: str, file: StoredFile, now: datetime, **detail: str) -> None:
        detail |= {"orthanc_instance_id": file.orthanc_instance_id, "sop_instance_uid": file.sop_instance_uid}
        study = session.get_one(Study, file.study_id)
        audit.append(session, OURSELVES, audit.study_event(action, study, detail), now)


def files_at_rest() -> Files:
    """Files that can be looked at: their study is still there, and no job has it in its hands."""
    return _recorded().where(_is_at_rest())


def _recorded() -> Files:
    return select(
        Instance.orthanc_instance_id,
        Instance.sop_instance_uid,
        Instance.study_id,
        Instance.stored_digest,
        Instance.damaged_at,
    )


def _read(opened: Opener, digest: str | None) -> tuple[str, str | None]:
    """What is the matter with a file, or nothing; and its digest, which is found out where none is known."""
    try:
        with opened() as file:
            if digest is None:
                return "", digest_of(file)
            return "" if is_whole(file, digest) else CHANGED, digest
    except (LookupError, FileNotFoundError):
        return MISSING, digest
    except (OSError, ValueError):
        return UNREADABLE, digest


def _is_at_rest() -> ColumnElement[bool]:
    """Whether an instance's study is still there and no job has it in its hands."""
    return exists().where(Study.id == Instance.study_id, Study.deleted_at.is_(None), ~job_works_on_it())


def _as_it_was(file: StoredFile) -> Iterable[ColumnElement[bool]]:
    """Nobody has written down anything else about a file since it was looked for."""
    return (
        Instance.orthanc_instance_id == file.orthanc_instance_id,
        Instance.stored_digest.is_not_distinct_from(file.digest),
        Instance.damaged_at.is_not_distinct_from(file.damaged_at),
    )
