"""The list of reports: its filters and its orders of rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Key, Page, Position, Sorts, in_period, of_ids, rows_after
from ehr_bridge.db.tables.results.reports import Report, ReportOrder, ReportSeen, ReportVersion
from ehr_bridge.services.reporting.attention import WaitsFor
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import issued_for, open_to, studies_that_hide, visible
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

SORTS = Sorts(
    {
        "updated_at": Key(Report.updated_at.expression, datetime.fromisoformat),
        "issued_at": Key(Report.issued_at.expression, datetime.fromisoformat),
        "created_at": Key(Report.created_at.expression, datetime.fromisoformat),
    },
    "-updated_at",
    of_ids(Report.id.expression),
)


@dataclass(frozen=True, slots=True)
class ReportFilters:
    """Which reports to list; None is any. `since` is inclusive, `until` exclusive, of when the latest version was
    issued."""

    states: tuple[str, ...] = ()
    """Any of these; none means all."""
    author: str | None = None
    """Who wrote a version of it, or is writing one."""
    patients: frozenset[uuid.UUID] | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_unread: bool | None = None
    """Whether the caller has yet to see the latest version."""
    is_written: bool | None = None
    """Whether something of it is being written; only those who write reports are told."""
    waits_for: WaitsFor | None = None
    updated_since: datetime | None = None
    closed: Closed = NOTHING


def search_reports(
    session: Session,
    filters: ReportFilters,
    who: Reporter,
    limit: int,
    offset: int,
    after: Position | None,
    sort: str | None,
    waiting: Callable[[WaitsFor], ColumnElement[bool]],
) -> Page[Report]:
    """As `Reports.search`; `waiting` says which reports wait for something."""
    keys = SORTS.chosen(sort)
    conditions = [*issued_for(who), *open_to(filters.closed), *_conditions(filters, who, waiting)]
    rows, last = rows_after(session, select(Report).where(visible(), *conditions), keys, limit, offset, after)
    return Page(rows, _count(session, conditions), limit, offset, last)


def _count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """All of them, less those that are hidden."""
    count = select(func.count()).select_from(Report).where(*conditions)
    may_be_hidden = Report.study_instance_uid.in_(studies_that_hide())
    hidden = session.scalar(count.where(may_be_hidden, not_(visible()))) or 0
    return (session.scalar(count) or 0) - hidden


def _conditions(
    filters: ReportFilters, who: Reporter, waiting: Callable[[WaitsFor], ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    row = Report
    conditions = in_period(row.issued_at.expression, filters.since, filters.until)
    if filters.states:
        conditions.append(row.status.in_(filters.states))
    if filters.author is not None:
        conditions.append(_is_by(filters.author, who))
    if filters.patients is not None:
        conditions.append(row.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        conditions.append(row.id.in_(select(ReportOrder.report_id).where(ReportOrder.order_id == filters.order_id)))
    if filters.study_instance_uid is not None:
        conditions.append(row.study_instance_uid == filters.study_instance_uid)
    if filters.is_unread is not None:
        seen = exists().where(
            ReportSeen.report_id == row.id, ReportSeen.subject == who.subject, ReportSeen.number >= row.number
        )
        is_new = (row.number > 0) & ~seen
        conditions.append(is_new if filters.is_unread else not_(is_new))
    if filters.is_written is not None:
        is_written = row.draft_kind.is_not(None) if who.writes else false()
        conditions.append(is_written if filters.is_written else not_(is_written))
    if filters.waits_for is not None:
        conditions.append(waiting(filters.waits_for))
    if filters.updated_since is not None:
        conditions.append(row.updated_at >= filters.updated_since)
    return conditions


def _is_by(author: str, who: Reporter) -> ColumnElement[bool]:
    issued = exists().where(ReportVersion.report_id == Report.id, ReportVersion.author == author)
    return or_(issued, Report.draft_author == author) if who.writes else issued
