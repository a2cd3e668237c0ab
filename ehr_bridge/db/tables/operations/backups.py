"""The table of backups: what was backed up when, and how that ended."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import BackupKind, BackupStatus, column_of
from ehr_bridge.db.tables.base import Base


class Backup(Base):
    """One run of a backup, or of a check of all that is in its repository."""

    __tablename__ = "backups"
    __table_args__ = (Index("ix_backups_kind_status_begun_at", "kind", "status", "begun_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[BackupKind] = mapped_column(column_of(BackupKind, "kind"))
    status: Mapped[BackupStatus] = mapped_column(column_of(BackupStatus, "status"))
    node: Mapped[str] = mapped_column(String(64))
    repository: Mapped[str] = mapped_column(String(255))
    """Where to, without a password."""
    repository_id: Mapped[str | None] = mapped_column(String(64))
    """The id that it has of itself; null for runs of earlier versions."""
    is_scheduled: Mapped[bool]
    begun_at: Mapped[datetime] = mapped_column(index=True)
    leased_until: Mapped[datetime]
    """While it is running; a process that died has not renewed it."""
    holds_purges: Mapped[bool]
    """Whether nothing is purged while the lease is in force."""
    ended_at: Mapped[datetime | None]
    snapshot_id: Mapped[str | None] = mapped_column(String(64))
    number_of_files: Mapped[int | None] = mapped_column(BigInteger)
    """In the snapshot."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of these files."""
    added_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """What the repository got, compressed."""
    failure: Mapped[str | None] = mapped_column(String(32))
    """Code of what prevented it."""
