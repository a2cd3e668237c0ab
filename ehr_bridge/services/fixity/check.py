"""Fixity checks: a stored file is read again to verify that it is unchanged (PREMIS, OAIS).

A damaged file is recorded in its row (`Instance.damaged_at`) and in the audit trail, until it is whole again.

Several nodes may receive copies of one instance in the same moment. The archive keeps one, and each copy was coerced at
its own time, so their digests differ. For a moment the row may have the digest of a copy that was not kept: such a
digest is no evidence yet.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from io import BufferedIOBase, BytesIO
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.instance_rows import OWNING_DOORS
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
UNSETTLED = "unsettled"
"""It has another digest than its row, and that may not be the last word: nothing is recorded."""
SETTLES = timedelta(minutes=1)
"""After this time every node has written its rows, and where two disagree no digest is left. By the database's clock,
because the nodes' clocks differ; a row that a node with a fast clock has written settles later."""
CHANGED_WHEN_DAMAGED = "file_damaged"
"""Code in a job's ledger of an instance whose file was already damaged; the job's result is damaged too."""

type Opener = Callable[[], BufferedIOBase]
type Files = Select[str, str, uuid.UUID, str | None, datetime | None]


class StoredFile(NamedTuple):
    """What was known about a file before it was read."""

    orthanc_instance_id: str
    sop_instance_uid: str
    study_id: uuid.UUID
    digest: str | None
    damaged_at: datetime | None


class FixityCheck:
    """Reads files outside any transaction, and records changes of their condition."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def files(self, query: Files) -> list[StoredFile]:
        """The records of these files."""
        with self._database.read() as session:
            return [StoredFile(*row) for row in session.execute(query)]

    def look(self, archive: Archive, orthanc_instance_id: str) -> str:
        """What is wrong with the file of one instance, out of turn; "" when it is whole or unknown. Raises Unavailable
        when the database or the archive is away."""
        found = self.files(files_at_rest().where(Instance.orthanc_instance_id == orthanc_instance_id))
        return self.check(archive, found[0]) if found else ""

    def is_as_stored(self, orthanc_instance_id: str, data: bytes) -> bool:
        """Whether the archive's data are what was stored, as far as known. For the job that is working on the study."""
        found = self.files(_recorded().where(Instance.orthanc_instance_id == orthanc_instance_id))
        if not found:
            return True
        trouble, _ = self._compare(found[0], lambda: BytesIO(data))
        if trouble in ("", UNSETTLED):
            return True
        self._note_damaged(found[0], trouble)
        return False

    def check(self, archive: Archive, file: StoredFile) -> str:
        """What is wrong with one file, or "". Raises Unavailable when the database or the archive is away; the file is
        then not judged."""
        trouble, digest = self._compare(file, partial(archive.open, file.orthanc_instance_id))
        if trouble == UNSETTLED:
            return trouble
        if trouble:
            archive.answers()
            self._note_damaged(file, trouble, _is_at_rest())
        elif (digest, None) != (file.digest, file.damaged_at):
            self._note_whole(file, digest)
        return trouble

    def _compare(self, file: StoredFile, opened: Opener) -> tuple[str, str | None]:
        """What is wrong with a file, and its digest: the recorded one, or that in the last job's ledger."""
        trouble, digest = _read(opened, file.digest)
        if trouble and (by_a_job := self._ledger_digest(file)) is not None:
            return _read(opened, by_a_job)
        if trouble == CHANGED and file.damaged_at is None and not self._is_settled(file):
            return UNSETTLED, digest
        return trouble, digest

    def _is_settled(self, file: StoredFile) -> bool:
        """Whether the digest in the row is that of the file that the archive has kept: a door wrote it that knows, or
        nobody has contradicted it for a while."""
        with self._database.read() as session:
            now = self._clock() if self._database.is_sqlite else session.scalars(select(func.clock_timestamp())).one()
            is_certain = or_(Instance.door.in_(OWNING_DOORS), Instance.received_at < now - SETTLES)
            return session.scalar(select(Instance.study_id).where(*_as_it_was(file), is_certain)) is not None

    def _ledger_digest(self, file: StoredFile) -> str | None:
        """The digest of the file as the last job left it."""
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
    """Files that can be checked: their study still exists, and no job is working on it."""
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
    """What is wrong with a file, or nothing; and its digest, which is computed if unknown."""
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
    """Whether an instance's study still exists and no job is working on it."""
    return exists().where(Study.id == Instance.study_id, Study.deleted_at.is_(None), ~job_works_on_it())


def _as_it_was(file: StoredFile) -> Iterable[ColumnElement[bool]]:
    """Conditions that the file's record has not changed since it was read."""
    return (
        Instance.orthanc_instance_id == file.orthanc_instance_id,
        Instance.stored_digest.is_not_distinct_from(file.digest),
        Instance.damaged_at.is_not_distinct_from(file.damaged_at),
    )
