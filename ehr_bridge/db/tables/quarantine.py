"""The table of files kept outside the archive until a person decides: one row per file in the quarantine folder."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.registry import Order, Patient


class QuarantinedFile(Base):
    """A quarantined file: who sent it, why it is not in the archive, and what became of it."""

    __tablename__ = "quarantined_files"
    __table_args__ = (Index("ix_quarantined_files_status_received_at", "status", "received_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file_name: Mapped[str] = mapped_column(String(160), unique=True)
    """Name in the quarantine folder: SHA-256, reason, `.dcm`."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(String(64))
    """The reason, as an error code of docs/api.md."""
    node: Mapped[str] = mapped_column(String(64))
    """The node that took the file."""
    door: Mapped[str | None] = mapped_column(String(16))
    sent_by: Mapped[str | None] = mapped_column(String(255))
    """Subject of the token, or `ae:` and the calling AE title; None where it is unknown."""
    address: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]
    times_received: Mapped[int]
    study_instance_uid: Mapped[str | None] = mapped_column(UID, index=True)
    """None where the file has no valid UID."""
    mrn: Mapped[str | None] = mapped_column(String(64), index=True)
    """The Patient ID in the file."""
    said: Mapped[dict[str, Any]]
    """Identifying attributes of the file: DICOM keyword and value."""
    status: Mapped[str] = mapped_column(String(16))
    """`waiting`, `given` or `discarded`."""
    deciding_until: Mapped[datetime | None]
    """Until then somebody stores it, on one of the nodes; None while nobody does."""
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(500))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Patient.id))
    """The patient it was given to."""
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id))
    given: Mapped[dict[str, Any] | None]
    """Where the given file is in the archive: `orthanc_instance_id`, and its new UIDs."""
