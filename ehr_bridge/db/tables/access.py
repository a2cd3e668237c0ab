"""Tables around who may see what: restricted patients, broken glasses, viewings under way, and their version."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.registry import Patient


class AccessVersion(Base):
    """One row, counted up by every change of restrictions and every merge: nodes see cheaply whether to read again."""

    __tablename__ = "access_versions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


class RestrictedPatient(Base):
    """A patient whose images and data only named people may see."""

    __tablename__ = "restricted_patients"

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), primary_key=True)
    reason: Mapped[str] = mapped_column(String(255))
    restricted_by: Mapped[str] = mapped_column(String(255))
    restricted_at: Mapped[datetime]


class RestrictionMember(Base):
    """A member of staff who may see a restricted patient, by the subject of their tokens."""

    __tablename__ = "restriction_members"

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("restricted_patients.patient_id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)


class BrokenGlass(Base):
    """Somebody not on the list opened a restricted patient for a limited time, and gave a reason."""

    __tablename__ = "broken_glasses"
    __table_args__ = (Index("ix_broken_glasses_patient_id_subject", "patient_id", "subject"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id))
    subject: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(255))
    opened_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    reviewed_by: Mapped[str | None] = mapped_column(String(255))
    reviewed_at: Mapped[datetime | None]
    review_note: Mapped[str | None] = mapped_column(String(255))


class Viewing(Base):
    """Somebody is viewing a study; becomes one audit event when they have stopped."""

    __tablename__ = "viewings"
    __table_args__ = (UniqueConstraint("actor", "study_instance_uid", "token_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    actor: Mapped[str] = mapped_column(String(255))
    study_instance_uid: Mapped[str] = mapped_column(UID)
    token_id: Mapped[str] = mapped_column(String(64))
    """Empty for a user token."""
    address: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime]
    last_read_at: Mapped[datetime] = mapped_column(index=True)
    instances: Mapped[int] = mapped_column(BigInteger)
    requests: Mapped[int] = mapped_column(BigInteger)
