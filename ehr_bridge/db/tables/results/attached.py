"""The table of attached documents: papers and photographs that people have given to patients and orders."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.registry import Order, Patient


class AttachedDocument(Base):
    """One document: what was said about it, and the UIDs of its DICOM file, which are written down before it is made.

    Whose it is now says the link of its study, like that of any study; it is shown while its study is there.
    """

    __tablename__ = "attached_documents"
    __table_args__ = (Index("ix_attached_documents_asked_sha256", "asked_patient_id", "sha256"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    asked_patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id))
    asked_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    """To whom it was attached; it may have been moved since."""
    study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    series_instance_uid: Mapped[str] = mapped_column(UID)
    sop_instance_uid: Mapped[str] = mapped_column(UID)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(32))
    """Of the file as it came."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    warnings: Mapped[list[Any]]
    dated: Mapped[date]
    """Of the document itself."""
    attached_by: Mapped[str] = mapped_column(String(255))
    attached_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]
    """When it was in the archive and recorded; None while it is being made, or where that was interrupted."""
