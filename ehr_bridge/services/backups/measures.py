"""Backups as numbers, for a monitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import BackupKind, BackupStatus
from ehr_bridge.db.tables.operations.backups import Backup


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one kind."""

    running_since: datetime | None
    """None: none is running."""
    has_failed: bool
    """The last one that is over did not succeed, or the one that was begun last has died."""
    succeeded_at: datetime | None
    """When the last one that succeeded began; None: none ever did."""
    seconds: float
    """How long that one took."""
    size_bytes: int
    """Of the files in it."""
    added_bytes: int
    """What the repository got."""


def look_at_runs(session: Session, now: datetime) -> dict[BackupKind, Runs]:
    """Of each kind; three rows each, by the index of kind, status and time."""
    return {kind: _runs(session, kind, now) for kind in BackupKind}


def _runs(session: Session, kind: BackupKind, now: datetime) -> Runs:
    running, success, failure = (
        session.scalar(
            select(Backup).where(Backup.kind == kind, Backup.status == status).order_by(Backup.begun_at.desc()).limit(1)
        )
        for status in (BackupStatus.RUNNING, BackupStatus.SUCCEEDED, BackupStatus.FAILED)
    )
    has_died = running is not None and running.leased_until <= now
    last_success = None if success is None else success.begun_at
    ended = success.ended_at if success is not None else None
    return Runs(
        running_since=running.begun_at if running is not None and not has_died else None,
        has_failed=has_died or (failure is not None and (last_success is None or failure.begun_at > last_success)),
        succeeded_at=last_success,
        seconds=(ended - last_success).total_seconds() if ended is not None and last_success is not None else 0.0,
        size_bytes=(success and success.size_bytes) or 0,
        added_bytes=(success and success.added_bytes) or 0,
    )
