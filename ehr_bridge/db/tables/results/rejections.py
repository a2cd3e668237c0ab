"""The tables of rejections: images that somebody said are not to be used, and where their files are kept."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ehr_bridge.db.states import RejectedFile, RejectionReason, RejectionStatus, column_of
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.studies import Study


class Rejection(Base):
    """One act: which images of a study were rejected, by whom and why, how that ended, and the note that says so in
    the study (IHE IOCM)."""

    __tablename__ = "rejections"
    __table_args__ = (
        Index("ix_rejections_due", "requested_at", sqlite_where=text("is_due"), postgresql_where=text("is_due")),
        Index("ix_rejections_requested_at", "requested_at"),
        Index("ix_rejections_study_id", "study_id"),
        Index("ix_rejections_note", "note_orthanc_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id))
    status: Mapped[RejectionStatus] = mapped_column(column_of(RejectionStatus, "status"))
    reason: Mapped[RejectionReason] = mapped_column(column_of(RejectionReason, "reason"))
    comment: Mapped[str | None] = mapped_column(String(255))
    number_of_images: Mapped[int]
    requested_by: Mapped[str] = mapped_column(String(255))
    """Who rejected them, or who sent the note that proposes it."""
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(255))
    """Who confirmed, declined or undid it last."""
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(String(255))
    foreign_note_uid: Mapped[str | None] = mapped_column(UID, unique=True)
    """SOP Instance UID of another system's note; it stands for ours."""
    node: Mapped[str] = mapped_column(String(64))
    """Which node moves its files until `leased_until`, or did so last."""
    leased_until: Mapped[datetime | None]
    """Until then no other node moves them; None while nobody does."""
    is_due: Mapped[bool]
    """Files are to be moved, or the note to be looked at."""
    retry_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(64))
    """Why the last attempt failed: a code."""
    note_sop_uid: Mapped[str | None] = mapped_column(UID)
    note_series_uid: Mapped[str | None] = mapped_column(UID)
    note_orthanc_id: Mapped[str | None] = mapped_column(String(44))
    """From before it is stored."""
    note_made_of: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the patient and study attributes that it shows; None until it is stored."""

    study: Mapped[Study] = relationship(lazy="joined", innerjoin=True)


class RejectedImage(Base):
    """One image of a rejection, and its file."""

    __tablename__ = "rejected_images"
    __table_args__ = (
        Index("ix_rejected_images_sop_instance_uid", "sop_instance_uid"),
        Index(
            "ix_rejected_images_damaged",
            "damaged_at",
            sqlite_where=text("damaged_at IS NOT NULL"),
            postgresql_where=text("damaged_at IS NOT NULL"),
        ),
    )

    rejection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Rejection.id, ondelete="CASCADE"), primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(UID, primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(UID)
    sop_class_uid: Mapped[str] = mapped_column(UID)
    status: Mapped[RejectedFile] = mapped_column(column_of(RejectedFile, "status"))
    orthanc_instance_id: Mapped[str] = mapped_column(String(64))
    """When it was taken out."""
    file_name: Mapped[str | None] = mapped_column(String(160))
    """In the folder of rejected images; None before it is there, and when it is gone."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    """When its kept file was last read again; None before the first time."""
    damaged_at: Mapped[datetime | None]
    """Since when its kept file is missing, changed or unreadable."""
