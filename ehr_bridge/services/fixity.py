"""Fixity checks: every stored file is read again in its turn, and what is damaged is shown until it is whole.

No file waits longer for its turn than the rounds take (`fixity_state`). What a server that was off has missed is caught
up, a little at a time.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import BinaryIO, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Cursor, Study
from ehr_bridge.db.modifications import Modification, ModificationInstance
from ehr_bridge.db.uploads import Instance
from ehr_bridge.services import audit
from ehr_bridge.services.deletion_steps import OURSELVES
from ehr_bridge.services.file_digests import digest_of, is_whole, ledger_digest
from ehr_bridge.services.fixity_state import FIXITY, ROUND, behind, count_damaged, target
from ehr_bridge.services.study_jobs import job_works_on_it

LOGGER = logging.getLogger(__name__)
STEP = ROUND // 10_000
"""How much is due before it is worth a look."""
AT_ONCE = 200
LOOK_AGAIN = timedelta(hours=1)
"""After which a damaged file is read again; or after a round, when that is shorter."""
MOST_DAMAGED = 1_000
"""With so many a whole disk is gone: the round waits for it, and nobody needs to be told of each file."""
MISSING, CHANGED, UNREADABLE = "missing", "changed", "unreadable"

type Files = Select[str, str, uuid.UUID, str | None, datetime | None]


class ReadableArchive(Protocol):
    """The PACS, as far as looking after its files needs it."""

    def open(self, orthanc_instance_id: str) -> BinaryIO:
        """The stored file as it lies on the disk.

        Raises:
            LookupError: there is no such instance, or the archive does not answer.
            OSError: its file is missing or cannot be read.
        """

    def answers(self) -> bool:
        """Raises Unavailable when the archive does not answer."""


class StoredFile(NamedTuple):
    """What was known of a file before it was read."""

    orthanc_instance_id: str
    sop_instance_uid: str
    study_id: uuid.UUID
    digest: str | None
    damaged_at: datetime | None


class FixityChecks:
    """Reads the files, on a thread of its caller's, one `run` after the other."""

    def __init__(
        self, database: Database, archive: ReadableArchive, clock: Callable[[], datetime], days: float
    ) -> None:
        """Every file is read once in so many days; none, where it is 0."""
        self._database = database
        self._archive = archive
        self._clock = clock
        self._days = days
        self._last_read = ""

    def run(self, seconds: float) -> None:
        """Read what is due, for about that long. A killed process will only read its last files again.

        Raises:
            Unavailable: the database or the archive is away; nothing is said of the file that was looked at.
        """
        if self._days == 0:
            return
        until = time.monotonic() + seconds
        since = self._clock() - min(LOOK_AGAIN, timedelta(days=self._days))
        for file in self._files(damaged_before(since)):
            if time.monotonic() < until:
                self._check(file)
        self._go_on(until)

    def damaged(self) -> int:
        """How many files were damaged when they were last read. Raises Unavailable."""
        with self._database.read() as session:
            return count_damaged(session)

    def _go_on(self, until: float) -> None:
        """A piece of the round, at most to its end."""
        goal = target(self._days, self._clock())
        with self._database.read() as session:
            due = behind(session, goal)
            if due < STEP or count_damaged(session) >= MOST_DAMAGED:
                return
        start = position = (goal - due) % ROUND
        end = min(start + due, ROUND)
        after = self._last_read if self._last_read.startswith(f"{start:08x}") else f"{start:08x}"
        files = self._files(in_turn(after, f"{end:08x}" if end < ROUND else "g"))
        for file in files:
            if time.monotonic() >= until:
                break
            self._check(file)
            self._last_read = file.orthanc_instance_id
            position = int(self._last_read[:8], 16)
        else:
            position = end if len(files) < AT_ONCE else position
        with self._database.write_relaxed() as session:
            session.merge(Cursor(name=FIXITY, position=goal - due + position - start))

    def _files(self, query: Files) -> list[StoredFile]:
        with self._database.read() as session:
            return [StoredFile(*row) for row in session.execute(query)]

    def _check(self, file: StoredFile) -> None:
        """Read one file, outside any transaction, and write down what is new about it."""
        trouble, digest = self._read(file, file.digest)
        if trouble:
            self._archive.answers()
            by_a_job = self._ledger_digest(file)
            if by_a_job is not None:
                trouble, digest = self._read(file, by_a_job)
        if trouble:
            self._note_damaged(file, trouble)
        elif (digest, None) != (file.digest, file.damaged_at):
            self._note_whole(file, digest)

    def _read(self, file: StoredFile, digest: str | None) -> tuple[str, str | None]:
        """What is the matter with a file, or nothing; and its digest, which is found out where none is known."""
        try:
            with self._archive.open(file.orthanc_instance_id) as opened:
                if digest is None:
                    return "", digest_of(opened)
                return "" if is_whole(opened, digest) else CHANGED, digest
        except (LookupError, FileNotFoundError):
            return MISSING, digest
        except (OSError, ValueError):
            return UNREADABLE, digest

    def _ledger_digest(self, file: StoredFile) -> str | None:
        """How the last job that put an image here left it."""
        query = (
            select(ModificationInstance.sha256_after)
            .join(Modification, Modification.id == ModificationInstance.modification_id)
            .where(
                Modification.study_id == file.study_id,
                ModificationInstance.status == "done",
                ModificationInstance.orthanc_instance_id_after == file.orthanc_instance_id,
            )
            .order_by(Modification.requested_at.desc())
            .limit(1)
        )
        with self._database.read() as session:
            sha256 = session.scalar(query)
        return None if sha256 is None else ledger_digest(sha256)

    def _note_damaged(self, file: StoredFile, trouble: str) -> None:
        now = self._clock()
        with self._database.write() as session:
            changed = update(Instance).where(*_as_it_was(file), _is_at_rest()).values(damaged_at=now)
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


def in_turn(after: str, before: str) -> Files:
    """The next files between two places in the order of their ids."""
    return (
        _recorded()
        .where(
            Instance.orthanc_instance_id > after,
            Instance.orthanc_instance_id < before,
            Instance.damaged_at.is_(None),
        )
        .order_by(Instance.orthanc_instance_id)
    )


def damaged_before(since: datetime) -> Files:
    """Damaged files that nobody has read since then, those first that have waited longest."""
    return _recorded().where(Instance.damaged_at < since).order_by(Instance.damaged_at)


def _recorded() -> Files:
    return (
        select(
            Instance.orthanc_instance_id,
            Instance.sop_instance_uid,
            Instance.study_id,
            Instance.stored_digest,
            Instance.damaged_at,
        )
        .where(_is_at_rest())
        .limit(AT_ONCE)
    )


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
