"""When what happened of an examination: from the order to the signed report, and the times between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, null, select
from sqlalchemy.sql import FromClause

from ehr_bridge.db.like import often
from ehr_bridge.db.states import UNCERTAIN, OrderStatus
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.db.tables.results.reports import Report, ReportOrder, ReportVersion
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.reporting.states import SIGNED, ReportStatus
from ehr_bridge.services.registry.order_search import ROUTINE
from ehr_bridge.services.visibility.restrictions import Closed, without


@dataclass(frozen=True, slots=True)
class Leg:
    """A time between two milestones of an examination."""

    name: str
    start: str
    end: str
    may_be_early: bool = False
    """What ends before it begins took no time; else it is left out, because something else was measured."""


LEGS = (
    Leg("order_to_arrival", "ordered", "arrived"),
    Leg("appointment_to_images", "scheduled", "imaged", may_be_early=True),
    Leg("arrival_to_images", "arrived", "imaged"),
    Leg("images_to_completed", "imaged", "completed"),
    Leg("completed_to_preliminary", "completed", "preliminary"),
    Leg("preliminary_to_signed", "preliminary", "signed"),
    Leg("completed_to_signed", "completed", "signed"),
    Leg("order_to_signed", "ordered", "signed"),
)
MILESTONES = ("ordered", "scheduled", "arrived", "imaged", "completed", "preliminary", "signed")


def milestones(since: datetime, until: datetime, closed: Closed) -> Select[tuple[object, ...]]:
    """A row for each order whose study got its first image in this period.

    Read from the index of studies by their arrival, and for each of them by keys. An order made here for images that
    had come says nothing of when they were ordered. A report counts for the patient for whom it is.
    """
    first = and_(ScheduledStep.order_id == Order.id, ScheduledStep.position == 0)
    answered = and_(Order.id == StudyOrder.order_id, Order.study_instance_uid == Study.study_instance_uid)
    return (
        select(
            Order.id.label("order_id"),
            ScheduledStep.modality.label("modality"),
            func.coalesce(Order.priority, ROUTINE).label("priority"),
            Study.created_at.label("imaged"),
            case((Order.made_here, null()), else_=Order.created_at).label("ordered"),
            ScheduledStep.scheduled_at.label("scheduled"),
            Order.arrived_at.label("arrived"),
            Order.completed_at.label("completed"),
            _issued({ReportStatus.PRELIMINARY}).label("preliminary"),
            _issued(SIGNED).label("signed"),
        )
        .select_from(Study)
        .join(StudyOrder, StudyOrder.study_id == Study.id)
        .join(Order, answered)
        .join(ScheduledStep, first)
        .where(
            Study.orthanc_study_id.is_not(None),
            Study.deleted_at.is_(None),
            Study.created_at >= since,
            Study.created_at < until,
            Study.link_status.not_in(UNCERTAIN),
            Order.status != OrderStatus.CANCELLED,
            without(Study.patient_id, closed),
            without(Order.patient_id, closed),
        )
    )


def has(leg: Leg, rows: FromClause) -> ColumnElement[bool]:
    """Whether this time of an examination is known."""
    start, end = rows.c[leg.start], rows.c[leg.end]
    known = and_(start.is_not(None), end.is_not(None))
    return known if leg.may_be_early else and_(known, end >= start)


def minutes(leg: Leg, start: datetime | None, end: datetime | None) -> float | None:
    """The time of it; None where it is not known, as `has` says."""
    if start is None or end is None:
        return None
    taken = (end - start).total_seconds() / 60
    if taken < 0:
        return 0.0 if leg.may_be_early else None
    return taken


def _issued(states: Collection[ReportStatus]) -> ColumnElement[datetime]:
    """When a report of the order first reached one of these states."""
    return (
        select(func.min(ReportVersion.issued_at))
        .join(Report, Report.id == ReportVersion.report_id)
        .join(ReportOrder, ReportOrder.report_id == Report.id)
        .where(
            ReportOrder.order_id == Order.id,
            often(Report.patient_id == Order.patient_id),
            Report.status != ReportStatus.ENTERED_IN_ERROR,
            ReportVersion.status.in_(sorted(states)),
        )
        .correlate(Order)
        .scalar_subquery()
    )
