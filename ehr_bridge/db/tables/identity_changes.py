"""The ledger of corrections by the EHR to patients and orders with stored studies. Each can be undone."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import Decision, column_of
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.registry import Order, Patient


class IdentityChange(Base):
    """One change of a patient or an order: before and after, who, why, when. Its studies follow, each by a job."""

    __tablename__ = "identity_changes"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('patient_updated', 'patient_merged', 'order_updated', 'order_cancelled', 'accession_corrected')",
            name="kind",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str] = mapped_column(String(24))
    undoes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("identity_changes.id"), unique=True)
    """The change that this one undoes; none is undone twice."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), index=True)
    """For a merge, the record that was merged into another."""
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    """The fields that changed, as JSON values."""
    moved: Mapped[dict[str, Any]]
    """What moved with it: ids of `orders` and `studies`, so that an undo moves back exactly these."""
    reason: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[str] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(64))
    changed_at: Mapped[datetime] = mapped_column(index=True)
    decision: Mapped[Decision | None] = mapped_column(column_of(Decision, None))
    """Set where a person must say whether the number still belongs to the same person."""
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(Text)
    former: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the patient's stored files show until then: the fields before the change, as JSON values."""
