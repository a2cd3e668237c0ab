"""The tables of deletion: requests that a second person decides on, and legal holds that forbid it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Exists, ForeignKey, Index, Select, String, exists, func, select, text
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from ehr_bridge.db.states import OPEN, DeletionStatus, column_of, is_one_of
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.studies import Study

IS_OPEN = is_one_of("status", OPEN)


class DeletionRequest(Base):
    """A request to delete a study: who asked and why, who decided, how it ended. At most one is open per study.

    Patient and order are those at the time of the request; they stay when the study's own are gone.
    """

    __tablename__ = "deletion_requests"
    __table_args__ = (
        Index(
            "ix_deletion_requests_open",
            "study_id",
            unique=True,
            sqlite_where=text(IS_OPEN),
            postgresql_where=text(IS_OPEN),
        ),
        Index("ix_deletion_requests_status_purge_after", "status", "purge_after"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("studies.id"), index=True)
    study_instance_uid: Mapped[str] = mapped_column(UID)
    status: Mapped[DeletionStatus] = mapped_column(column_of(DeletionStatus, "status"))
    reason: Mapped[str] = mapped_column(String(255))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    requested_by: Mapped[str] = mapped_column(String(255), index=True)
    requested_at: Mapped[datetime] = mapped_column(index=True)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    """Who approved, rejected or withdrew it."""
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(String(255))
    purge_after: Mapped[datetime | None]
    """End of the grace period; set by the approval."""
    restored_by: Mapped[str | None] = mapped_column(String(255))
    restored_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
    node: Mapped[str | None] = mapped_column(String(64))
    """Which node purges the study until `leased_until`."""
    leased_until: Mapped[datetime | None]
    late_instances: Mapped[int] = mapped_column(default=0)
    """Instances a modality sent while the study was hidden."""
    batch_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """The requests that were made at once, because a rule of retention proposed their studies; None: a single one."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The study's facts when the request was rejected or its purge began; None before."""

    study: Mapped[Study] = relationship(lazy="joined", innerjoin=True)


class LegalHold(Base):
    """A study that must not be deleted: who said so and why, until released. At most one hold in force per study."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "ix_legal_holds_in_force",
            "study_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("studies.id"), index=True)
    reason: Mapped[str] = mapped_column(String(255))
    held_by: Mapped[str] = mapped_column(String(255))
    held_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(String(255))
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str | None] = mapped_column(String(255))


def has_open_request() -> Exists:
    """Whether the study of the surrounding query (`Study`) has an open request."""
    other = aliased(DeletionRequest)
    return exists().where(other.study_id == Study.id, other.status.in_(OPEN))


def latest_request(study_id: uuid.UUID) -> Select[DeletionRequest]:
    """The last request for a study. If it is purged, the images are gone and none have arrived since."""
    of_study = select(DeletionRequest).where(DeletionRequest.study_id == study_id)
    return of_study.order_by(DeletionRequest.requested_at.desc(), DeletionRequest.id).limit(1)


def last_purge(study_id: uuid.UUID) -> Select[datetime | None]:
    """When the images of a study were last deleted permanently; None if never."""
    return select(func.max(DeletionRequest.purged_at)).where(DeletionRequest.study_id == study_id)
