"""The audit trail's table: append-only, each event chained to the one before by SHA-256."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.types import BigId


class AuditEvent(Base):
    """Who did what to which study, when, from where and with what outcome (PS3.15 annex A.5, FHIR AuditEvent).

    Ids only, no names. The migration's triggers refuse UPDATE and DELETE on both engines.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_action_at", "action", "at"),
        Index("ix_audit_events_actor_at", "actor", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """1, 2, 3 … without gaps: a missing number is a removed event."""
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(255), index=True)
    action: Mapped[str] = mapped_column(String(64), index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    patient_id: Mapped[str | None] = mapped_column(String(36), index=True)
    order_id: Mapped[str | None] = mapped_column(String(36))
    study_instance_uid: Mapped[str | None] = mapped_column(UID, index=True)
    address: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
