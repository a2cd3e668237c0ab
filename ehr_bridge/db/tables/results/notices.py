"""What a person is told: that something has happened which concerns them and nobody else."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import NoticeKind, column_of
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report

IS_UNSEEN = "seen_at IS NULL"


class Notice(Base):
    """One notice for one person. Whose patient it is, is that of its order, report or request now, not then."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_subject_at", "subject", "at"),
        Index("ix_notices_unseen", "subject", sqlite_where=text(IS_UNSEEN), postgresql_where=text(IS_UNSEEN)),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    subject: Mapped[str] = mapped_column(String(255))
    """Who is told, as their tokens name them."""
    kind: Mapped[NoticeKind] = mapped_column(column_of(NoticeKind, "kind"))
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(255))
    """Who did it."""
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Patient.id), index=True)
    """Whose it was then."""
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    report_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Report.id), index=True)
    deletion_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(DeletionRequest.id), index=True)
    study_instance_uid: Mapped[str | None] = mapped_column(UID)
    seen_at: Mapped[datetime | None]
