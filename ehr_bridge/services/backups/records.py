"""The records of backups, and the lease for which purges wait.

A backup copies the databases first and the files after them. A study that is purged between the two would return from a
restore as a study without files; so nothing is purged meanwhile. The lease ends by itself when the backup dies.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, exists, func, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind, BackupStatus, DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.db.tables.results.rejections import RejectedImage
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, Event

LEASE = timedelta(seconds=60)
INTERRUPTED = "interrupted"
"""Failure of a run whose process died."""
ACTIONS = {
    (BackupKind.BACKUP, True): "backup.made",
    (BackupKind.BACKUP, False): "backup.failed",
    (BackupKind.CHECK, True): "backup.checked",
    (BackupKind.CHECK, False): "backup.failed",
}


class BackupRunning(Exception):
    """Another backup or check has the lease."""


class LeaseLost(Exception):
    """This run was silent for too long: others may have purged meanwhile."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a snapshot holds, and what was added for it."""

    snapshot_id: str
    number_of_files: int
    size_bytes: int
    added_bytes: int
    repository_id: str | None = None


def purges_wait(session: Session, now: datetime) -> bool:
    """Whether a backup is between its copy of the databases and the end of its copy of the files."""
    query = select(Backup.id).where(
        Backup.status == BackupStatus.RUNNING, Backup.holds_purges, Backup.leased_until > now
    )
    return session.scalar(query.limit(1)) is not None


class Backups:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, kind: BackupKind, node: str, repository: str, *, is_scheduled: bool) -> uuid.UUID:
        """Take the lease. What was interrupted before is recorded as failed. Raises BackupRunning when another run has
        the lease."""
        now = self._clock()
        with self._database.write() as session:
            running = session.scalars(select(Backup).where(Backup.status == BackupStatus.RUNNING)).all()
            if any(other.leased_until > now for other in running):
                raise BackupRunning
            for other in running:
                _end(session, other, now, INTERRUPTED)
            row = Backup(
                kind=kind,
                status=BackupStatus.RUNNING,
                node=node[:64],
                repository=repository[:255],
                is_scheduled=is_scheduled,
                begun_at=now,
                leased_until=now + LEASE,
                holds_purges=False,
            )
            session.add(row)
            session.flush()
            return row.id

    def renew(self, run: uuid.UUID, *, holds_purges: bool) -> None:
        """Keep the lease for another minute. Raises LeaseLost when it had ended already."""
        now = self._clock()
        mine = update(Backup).where(Backup.id == run, Backup.status == BackupStatus.RUNNING, Backup.leased_until > now)
        with self._database.write() as session:
            values = {"leased_until": now + LEASE, "holds_purges": holds_purges}
            if not cast(CursorResult[Any], session.execute(mine.values(values))).rowcount:
                raise LeaseLost

    def is_purging(self) -> bool:
        """Whether a purge that began before the lease has not ended."""
        with self._database.read() as session:
            query = select(DeletionRequest.id).where(DeletionRequest.status == DeletionStatus.PURGING)
            return session.scalar(query.limit(1)) is not None

    def end(self, run: uuid.UUID, result: Result | None = None) -> None:
        """Record that it succeeded. Raises LeaseLost when its lease had ended before."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(Backup, run)
            if row is None or row.status != BackupStatus.RUNNING or row.leased_until <= now:
                raise LeaseLost
            if result is not None:
                row.snapshot_id, row.number_of_files = result.snapshot_id, result.number_of_files
                row.size_bytes, row.added_bytes = result.size_bytes, result.added_bytes
                row.repository_id = result.repository_id
            _end(session, row, now, None)

    def fail(self, run: uuid.UUID, failure: str) -> None:
        """Record what prevented it."""
        with self._database.write() as session:
            row = session.get(Backup, run)
            if row is not None and row.status == BackupStatus.RUNNING:
                _end(session, row, self._clock(), failure)

    def has_failed(self, kind: BackupKind | None = None) -> bool:
        """Whether the run before the present one, of this kind, did not succeed."""
        with self._database.read() as session:
            query = select(Backup.status).where(Backup.status != BackupStatus.RUNNING)
            if kind is not None:
                query = query.where(Backup.kind == kind)
            last = session.scalar(query.order_by(Backup.begun_at.desc()).limit(1))
        return last == BackupStatus.FAILED

    def number_of_images(self) -> int:
        """How many images are to be in the archive; none of a study that is hidden, and none that was rejected."""
        rejected = exists().where(RejectedImage.orthanc_instance_id == Instance.orthanc_instance_id)
        of_shown = select(func.count()).select_from(Instance).join(Study, Study.id == Instance.study_id)
        with self._database.read() as session:
            return session.scalar(of_shown.where(Study.deleted_at.is_(None), ~rejected)) or 0

    def failed_runs(self) -> set[uuid.UUID]:
        """The backups that did not succeed."""
        query = select(Backup.id).where(Backup.kind == BackupKind.BACKUP, Backup.status == BackupStatus.FAILED)
        with self._database.read() as session:
            return set(session.scalars(query))

    def last_failure(self) -> datetime | None:
        """When the last backup ended, if it failed; when its lease ends, if it is running or died."""
        with self._database.read() as session:
            of_backups = select(Backup).where(Backup.kind == BackupKind.BACKUP)
            last = session.scalar(of_backups.order_by(Backup.begun_at.desc()).limit(1))
        if last is None or last.status == BackupStatus.SUCCEEDED:
            return None
        return last.ended_at or last.leased_until

    def note_forgotten(self, snapshots: list[str]) -> None:
        """Record which snapshots are no longer kept."""
        event = Event("backup.forgotten", detail={"snapshots": snapshots[:100], "count": len(snapshots)})
        with self._database.write() as session:
            audit.append(session, OURSELVES, event, self._clock())

    def has_succeeded(self) -> bool:
        """Whether a backup has ever succeeded, into whichever repository."""
        query = select(Backup.id).where(Backup.kind == BackupKind.BACKUP, Backup.status == BackupStatus.SUCCEEDED)
        with self._database.read() as session:
            return session.scalar(query.limit(1)) is not None

    def repositories(self) -> set[str]:
        """The ids of all repositories that have a backup, as far as they are known: disks may take turns."""
        query = select(Backup.repository_id).where(
            Backup.kind == BackupKind.BACKUP,
            Backup.status == BackupStatus.SUCCEEDED,
            Backup.repository_id.is_not(None),
        )
        with self._database.read() as session:
            return {one for one in session.scalars(query.distinct()) if one is not None}

    def marks(self) -> set[str]:
        """What marks a snapshot as ours, wherever it is: its id, and the tag of its run, of one that failed too."""
        query = select(Backup.id, Backup.snapshot_id).where(Backup.kind == BackupKind.BACKUP)
        with self._database.read() as session:
            rows = session.execute(query).all()
        return {f"run-{run}" for run, _ in rows} | {snapshot for _, snapshot in rows if snapshot is not None}

    def last_success(self, kind: BackupKind) -> datetime | None:
        """When the last run of this kind that succeeded began."""
        with self._database.read() as session:
            return session.scalar(
                select(func.max(Backup.begun_at)).where(Backup.kind == kind, Backup.status == BackupStatus.SUCCEEDED)
            )


def _end(session: Session, row: Backup, now: datetime, failure: str | None) -> None:
    row.status = BackupStatus.SUCCEEDED if failure is None else BackupStatus.FAILED
    row.ended_at, row.failure, row.holds_purges = now, failure, False
    detail: dict[str, Any] = {"backup_id": str(row.id), "node": row.node, "is_scheduled": row.is_scheduled}
    if row.snapshot_id is not None:
        detail |= {"snapshot": row.snapshot_id[:12], "files": row.number_of_files, "bytes": row.size_bytes}
    if failure is not None:
        detail |= {"kind": row.kind.value, "failure": failure}
    outcome = "success" if failure is None else "failure"
    event = Event(ACTIONS[row.kind, failure is None], outcome, detail=detail)
    audit.append(session, OURSELVES, event, now)
