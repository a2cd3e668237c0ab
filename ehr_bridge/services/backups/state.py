"""What the System page, the metrics and `doctor` say about backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import BackupKind, BackupStatus
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.services.backups.records import INTERRUPTED

TOO_OLD = timedelta(hours=26)
"""A daily backup that is older has been missed."""
CHECK_MISSED = timedelta(days=8)
"""The repository is to be read again each week."""


@dataclass(frozen=True, slots=True)
class BackupRun:
    """One backup, or one check of the repository."""

    kind: BackupKind
    status: BackupStatus
    repository: str
    begun_at: datetime
    ended_at: datetime | None
    number_of_files: int | None
    size_bytes: int | None
    added_bytes: int | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class BackupState:
    is_scheduled: bool
    last_success_at: datetime | None
    """When the last backup that succeeded began: what was stored before is in it."""
    last_check_at: datetime | None
    """When all that is in the repository was last read again without an error."""
    last: BackupRun | None
    """The last run of either kind, or the present one."""
    is_old: bool
    """It is scheduled, and the last success is too long ago."""
    has_failed: bool
    """The last backup, or the last check, did not succeed; or the scheduled check was missed."""


def backups_now(session: Session, *, is_scheduled: bool, now: datetime) -> BackupState:
    """The present state. A run that lost its lease counts as interrupted before anybody has recorded it."""
    succeeded = select(Backup.kind, func.max(Backup.begun_at).label("at")).where(
        Backup.status == BackupStatus.SUCCEEDED
    )
    times = {row.kind: row.at for row in session.execute(succeeded.group_by(Backup.kind))}
    success = times.get(BackupKind.BACKUP)
    is_old = is_scheduled and (success is None or success < now - TOO_OLD)
    check_at = times.get(BackupKind.CHECK) or _first_success(session)
    latest = [run for kind in BackupKind if (run := _latest(session, kind, now)) is not None]
    return BackupState(
        is_scheduled,
        success,
        times.get(BackupKind.CHECK),
        max(latest, key=lambda run: run.begun_at, default=None),
        is_old,
        any(run.status == BackupStatus.FAILED for run in latest)
        or (is_scheduled and check_at is not None and check_at < now - CHECK_MISSED),
    )


def advice_on(state: BackupState) -> tuple[str, str | None]:
    """How it is with backups, and what to do about it, in words; None where all is well."""
    if state.has_failed:
        return "the last one, or its check, failed or is missing", "read backup.log in the data directory"
    if state.is_old:
        return "none succeeded within 26 hours", "read backup.log in the data directory"
    if state.last_success_at is None:
        return "none was ever made", "see docs/deployment/backup.md"
    return f"the last one began at {state.last_success_at:%Y-%m-%d %H:%M} UTC", None


def _first_success(session: Session) -> datetime | None:
    return session.scalar(select(func.min(Backup.begun_at)).where(Backup.status == BackupStatus.SUCCEEDED))


def _latest(session: Session, kind: BackupKind, now: datetime) -> BackupRun | None:
    row = session.scalar(select(Backup).where(Backup.kind == kind).order_by(Backup.begun_at.desc()).limit(1))
    return None if row is None else _run(row, now)


def _run(row: Backup, now: datetime) -> BackupRun:
    died = row.status == BackupStatus.RUNNING and row.leased_until <= now
    return BackupRun(
        row.kind,
        BackupStatus.FAILED if died else row.status,
        row.repository,
        row.begun_at,
        row.ended_at,
        row.number_of_files,
        row.size_bytes,
        row.added_bytes,
        INTERRUPTED if died else row.failure,
    )
