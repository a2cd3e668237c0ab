"""Writes, in the transaction of an event, a row for each destination that is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.facts import Fact
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.states import DeliveryState
from ehr_bridge.db.tables.logs import Delivery, Destination, DestinationEvent, FeedEvent
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report

_EVENTS, _TOLD, _ORDERS, _DELIVERIES = map(table_of, (FeedEvent, DestinationEvent, Order, Delivery))
_DESTINATIONS, _REPORTS = map(table_of, (Destination, Report))
_COPIED = ("seq", "type", "time", "patient_id", "order_id", "study_instance_uid", "data")
_NEWEST = select(func.max(_EVENTS.c.seq)).scalar_subquery()
_ADD = insert(_DELIVERIES).from_select(
    ["destination_id", "event_id", *_COPIED, "order_status", "state", "attempts", "tries"],
    select(
        _TOLD.c.destination_id,
        _EVENTS.c.id,
        *(_EVENTS.c[name] for name in _COPIED),
        _ORDERS.c.status,
        literal(DeliveryState.PENDING, _DELIVERIES.c.state.type),
        literal(0),
        literal([], _DELIVERIES.c.tries.type),
    )
    .select_from(_EVENTS)
    .join(_TOLD, _TOLD.c.type == _EVENTS.c.type)
    .outerjoin(_ORDERS, _ORDERS.c.id == _EVENTS.c.order_id)
    .where(_EVENTS.c.seq > _NEWEST - bindparam("count"))
    .order_by(_EVENTS.c.seq),
)
_ENDS = select(_NEWEST, select(func.max(_DELIVERIES.c.id)).scalar_subquery())
_NAME_REPORT = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id > bindparam("last"), _DELIVERIES.c.seq == bindparam("of_seq"))
    .values(report_id=bindparam("of_report"), report_version=bindparam("of_version"))
)


_SENDER = [func.lower(column) for column in (_REPORTS.c.sender, _REPORTS.c.sender_application)]
_CALLED = [func.replace(func.replace(one, " ", "-"), "_", "-") for one in _SENDER]
"""As a destination would be called: in small letters, with hyphens."""
_NOT_BACK = delete(_DELIVERIES).where(
    _DELIVERIES.c.id > bindparam("last"),
    exists().where(
        _REPORTS.c.id == _DELIVERIES.c.report_id,
        _REPORTS.c.sender.is_not(None),
        _DESTINATIONS.c.id == _DELIVERIES.c.destination_id,
        or_(func.lower(_DESTINATIONS.c.name).in_(_CALLED), func.lower(_DESTINATIONS.c.reports_from).in_(_SENDER)),
    ),
)
"""A report from outside is not told to the destination with the name of its sender, or that says it is the sender."""


def enqueue(session: Session, facts: Sequence[Fact]) -> None:
    """These are the newest events; nobody else can have written one since (`db.facts`)."""
    connection = session.connection()
    of_reports = [(n, fact) for n, fact in enumerate(facts, 1) if fact.report_id is not None and not fact.notice_id]
    if not of_reports:
        connection.execute(_ADD, {"count": len(facts)})
        return
    newest, last = connection.execute(_ENDS).one()
    connection.execute(_ADD, {"count": len(facts)})
    first = newest - len(facts)
    rows = [
        {"last": last or 0, "of_seq": first + number, "of_report": fact.report_id, "of_version": fact.version}
        for number, fact in of_reports
    ]
    connection.execute(_NAME_REPORT, rows)
    connection.execute(_NOT_BACK, {"last": last or 0})
