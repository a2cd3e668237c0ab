"""Orders follow their report: reported when it is signed, completed again when it is withdrawn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.reporting.states import SIGNED
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.order_states import TRANSITIONS, move
from ehr_bridge.services.reporting.rows import is_purged, orders_of


def follow_report(session: Session, report: Report, origin: Origin, now: datetime) -> None:
    """Set the state of the orders that a report answers after a version was issued. A cancelled order stays so; one
    that is another patient's by now has no report in it."""
    answered = orders_of(report) if report.status in SIGNED else []
    for order in (one.order for one in report.orders):
        is_signed = order in answered or (order.has_signed_report and _has_another(session, order, report))
        was_signed, order.has_signed_report = order.has_signed_report, is_signed
        if is_signed and OrderStatus.REPORTED in TRANSITIONS[order.status]:
            _move(session, order, OrderStatus.REPORTED, "order.reported", report, origin, now)
        elif was_signed and not is_signed and order.status == OrderStatus.REPORTED:
            _move(session, order, OrderStatus.COMPLETED, "order.report_withdrawn", report, origin, now)


def _has_another(session: Session, order: Order, report: Report) -> bool:
    """Whether another signed report of its patient answers the order: beside ours there may be one from outside."""
    other = select(Report.id).join(ReportOrder, ReportOrder.report_id == Report.id)
    other = other.where(ReportOrder.order_id == order.id, Report.id != report.id, Report.status.in_(sorted(SIGNED)))
    return session.scalar(other.where(Report.patient_id == order.patient_id, ~is_purged()).limit(1)) is not None


def _move(
    session: Session, order: Order, to: OrderStatus, action: str, report: Report, origin: Origin, now: datetime
) -> None:
    before = order.status
    move(order, to)
    event = Event(
        action,
        patient_id=order.patient_id,
        order_id=order.id,
        study_instance_uid=report.study_instance_uid,
        detail={"before": before, "after": to, "report_id": str(report.id)},
    )
    audit.append(session, origin, event, now)
