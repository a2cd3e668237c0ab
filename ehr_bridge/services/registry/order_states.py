"""The states of an order: the allowed transitions, those caused by images and those reported by the EHR."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any, Literal

from ehr_bridge.db.states import OrderStatus, PerformedStatus
from ehr_bridge.db.tables.registry import Order, StepData
from ehr_bridge.errors import Conflict

_ENDS = {OrderStatus.COMPLETED, OrderStatus.REPORTED, OrderStatus.CANCELLED}
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.SCHEDULED: frozenset({OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS} | _ENDS),
    OrderStatus.ARRIVED: frozenset({OrderStatus.SCHEDULED, OrderStatus.IN_PROGRESS} | _ENDS),
    OrderStatus.IN_PROGRESS: frozenset(_ENDS),
    OrderStatus.COMPLETED: frozenset({OrderStatus.IN_PROGRESS, OrderStatus.REPORTED, OrderStatus.CANCELLED}),
    OrderStatus.REPORTED: frozenset({OrderStatus.COMPLETED}),
    OrderStatus.CANCELLED: frozenset(),
}
"""Allowed transitions. A reported order cannot be cancelled; studies of a cancelled order stay with the patient
(`ehr_bridge.services.changes.ledger`)."""


def move(order: Order, status: OrderStatus) -> None:
    """Change the state of an order. Raises Conflict when the transition is not allowed."""
    if status not in TRANSITIONS[order.status]:
        raise Conflict("order_state", f"An order that is '{order.status}' cannot become '{status}'.")
    order.status, order.quiet_since = status, None


Stated = Literal[OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.COMPLETED, OrderStatus.REPORTED]
"""States that the EHR may report; the others are caused by images, or by cancelling."""
_FORWARD = tuple(status for status in OrderStatus if status != OrderStatus.CANCELLED)


def state(order: Order, said: Stated, now: datetime) -> OrderStatus | None:
    """Set the state that was reported; returns the former state, or None where nothing changed.

    A report of an earlier state than the present one changes nothing. Only `reported` can be withdrawn, by `completed`,
    and not while a report of ours is signed. Raises Conflict when the order is cancelled.
    """
    before = order.status
    require_statable(order, said)
    is_withdrawn = (before, said) == (OrderStatus.REPORTED, OrderStatus.COMPLETED) and not order.has_signed_report
    if said == OrderStatus.COMPLETED:
        order.quiet_since = None
    if _FORWARD.index(said) <= _FORWARD.index(before) and not is_withdrawn:
        return None
    move(order, said)
    if said == OrderStatus.ARRIVED:
        order.arrived_at = now
    return before


def require_statable(order: Order, said: Stated) -> None:
    """Whether `state` would take it. Raises Conflict when the order is cancelled."""
    if order.status == OrderStatus.CANCELLED:
        raise Conflict(
            "order_state",
            f"A cancelled order cannot become '{said}'; place another, or undo the cancellation.",
        )


def waiting_state(order: Order) -> Stated:
    """The state of an order without images: whether its patient has arrived."""
    return OrderStatus.ARRIVED if order.arrived_at is not None else OrderStatus.SCHEDULED


def said_by_modality(order: Order, performed: PerformedStatus) -> OrderStatus:
    """The state that an order has by what modalities say of it (MPPS): what was discontinued waits again."""
    states = {PerformedStatus.IN_PROGRESS: OrderStatus.IN_PROGRESS, PerformedStatus.COMPLETED: OrderStatus.COMPLETED}
    return states.get(performed) or waiting_state(order)


def perform(order: Order, performed: PerformedStatus | None) -> OrderStatus | None:
    """Set what modalities say of an order; None is that they have done a part of it. Returns the former state, or None
    where it stays: a cancelled or reported order is for others to say."""
    order.performed = performed
    before = order.status
    if before in {OrderStatus.REPORTED, OrderStatus.CANCELLED}:
        return None
    after = OrderStatus.IN_PROGRESS if performed is None else said_by_modality(order, performed)
    order.quiet_since = None
    if after == before:
        return None
    order.status = after
    return before


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
"""What an order shows of its study."""


def order_shows(order: Order) -> dict[str, Any]:
    """The state of an order and what it shows of its study, as JSON."""
    return {name: plain(getattr(order, name)) for name in SHOWN}


def plain(value: Any) -> Any:
    """An id, date, time or steps as JSON has them; anything else unchanged."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, StepData):
        return {name: plain(one) for name, one in asdict(value).items()}
    return value.isoformat() if isinstance(value, date | datetime | time) else value
