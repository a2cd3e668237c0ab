"""The audit events of changes of patients and orders."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin

TAKEN_BACK = {
    "patient_updated": "patient.updated",
    "patient_merged": "patient.unmerged",
    "order_updated": "order.updated",
    "order_cancelled": "order.reinstated",
    "accession_corrected": "order.renumbered",
}
"""The audit actions of undoing a change, by its kind."""


def note(
    session: Session,
    action: str,
    change: IdentityChange,
    origin: Origin,
    now: datetime,
    patient_id: uuid.UUID | None = None,
    **detail: Any,
) -> None:
    """The event of one change, within its transaction; `patient_id` where it concerns another record too."""
    counts = {"studies": len(change.moved.get("studies", [])), "orders": len(change.moved.get("orders", []))}
    event = Event(
        action,
        patient_id=patient_id or change.patient_id,
        order_id=change.order_id,
        detail={"change_id": str(change.id), "fields": sorted(change.after), **counts, **detail},
    )
    audit.append(session, origin, event, now)
