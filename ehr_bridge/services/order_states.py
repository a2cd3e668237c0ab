"""The states of an order, and where it may go from each."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from typing import Any

from ehr_bridge.db.models import Order
from ehr_bridge.errors import Conflict

TRANSITIONS: dict[str, frozenset[str]] = {
    "scheduled": frozenset({"arrived", "in_progress", "completed", "cancelled"}),
    "arrived": frozenset({"in_progress", "completed", "cancelled"}),
    "in_progress": frozenset({"completed", "reported", "cancelled"}),
    "completed": frozenset({"in_progress", "reported", "cancelled"}),
    "reported": frozenset({"completed"}),
    "cancelled": frozenset(),
}
"""Where an order may go from each state. One that was reported is not cancelled; studies of a cancelled one stay with
the patient (`ehr_bridge.services.changes`)."""


def move(order: Order, status: str) -> None:
    """Take an order to another state.

    Raises:
        Conflict: it cannot go there from where it is.
    """
    if status not in TRANSITIONS[order.status]:
        raise Conflict("order_state", f"An order that is '{order.status}' cannot become '{status}'.")
    order.status = status


SHOWN = (
    "study_instance_uid",
    "orthanc_study_id",
    "number_of_series",
    "number_of_images",
    "study_date",
    "study_time",
    "uploaded_by_id",
    "uploaded_at",
    "upload_source",
    "status",
)
"""What an order shows of the study that answers it."""


def order_shows(order: Order) -> dict[str, Any]:
    """The state of an order and what it shows of its study, as JSON."""
    return {name: plain(getattr(order, name)) for name in SHOWN}


def plain(value: Any) -> Any:
    """An id, day or moment as JSON writes it; anything else as it is."""
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime | time) else value
