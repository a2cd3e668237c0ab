"""The list of orders as people work through it: each with how far its report is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, Position
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.registry.order_search import OrderWish, search_orders
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import open_to, shown_to
from ehr_bridge.services.visibility.restrictions import Closed

NO_REPORT = "none"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the report of an order is, as far as the caller may know."""

    id: uuid.UUID
    status: ReportStatus
    is_being_written: bool
    claimed_by: str | None
    """The name of who is at it just now; None: nobody, or the caller does not write reports."""
    is_critical: bool
    """A critical result of which nobody has been told yet."""


@dataclass(frozen=True, slots=True)
class Row:
    """An order of the list."""

    order: Order
    report: Standing | None


class DayList:
    def __init__(self, fresh: Fresh, clock: Callable[[], datetime]) -> None:
        self._fresh = fresh
        self._clock = clock

    def search(
        self,
        wish: OrderWish,
        reports: Collection[str],
        who: Reporter,
        limit: int,
        offset: int,
        after: Position | None = None,
        sort: str | None = None,
    ) -> Page[Row]:
        """The matching orders. `reports`: only those whose report has one of these states, or that have none
        (`NO_REPORT`); nothing means all. Raises InvalidInput when the list cannot be sorted like that or has no
        position `after`."""
        further = [_report_is(reports, who, wish.closed)] if reports else []
        with self._fresh.read() as session:
            page = search_orders(session, wish, limit, offset, after, sort, further)
            standings = self._standings(session, [order.id for order in page.items], who, wish.closed)
            return page.of([Row(order, standings.get(order.id)) for order in page.items])

    def _standings(
        self, session: Session, ids: Collection[uuid.UUID], who: Reporter, closed: Closed
    ) -> dict[uuid.UUID, Standing]:
        """Of the report that changed last, where an order has several."""
        if not ids:
            return {}
        query = (
            select(ReportOrder.order_id, Report)
            .join(Report, Report.id == ReportOrder.report_id)
            .join(Order, Order.id == ReportOrder.order_id)
            .where(ReportOrder.order_id.in_(ids), *_counts(who, closed))
            .order_by(Report.updated_at, Report.id)
        )
        now = self._clock()
        return {row.order_id: _standing(row.Report, who, now) for row in session.execute(query)}


def _report_is(states: Collection[str], who: Reporter, closed: Closed) -> ColumnElement[bool]:
    def has_one(*further: ColumnElement[bool]) -> ColumnElement[bool]:
        """An EXISTS in another: so SQLite begins with the reports of the order, not with all that have this state."""
        counts = exists().where(Report.id == ReportOrder.report_id, *_counts(who, closed), *further)
        return exists().where(ReportOrder.order_id == Order.id, counts.correlate(ReportOrder, Order))

    conditions = [~has_one()] if NO_REPORT in states else []
    named = [state for state in states if state != NO_REPORT]
    return or_(*conditions, *([has_one(Report.status.in_(named))] if named else []))


def _counts(who: Reporter, closed: Closed) -> list[ColumnElement[bool]]:
    """Whether a report is one of its order, for this person: one that was withdrawn is none, nor is one of somebody
    else, whose order this is no longer."""
    is_theirs = Report.patient_id == Order.patient_id
    return [*shown_to(who), *open_to(closed), Report.status != ReportStatus.ENTERED_IN_ERROR, is_theirs]


def _standing(report: Report, who: Reporter, now: datetime) -> Standing:
    is_claimed = who.writes and report.claimed_until is not None and report.claimed_until > now
    return Standing(
        report.id,
        report.status,
        who.writes and report.draft_kind is not None,
        report.claimed_name if is_claimed else None,
        report.critical_level is not None and report.critical_told_at is None,
    )
