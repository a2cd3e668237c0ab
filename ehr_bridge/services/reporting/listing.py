"""The list of reports: its filters and its orders of rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, false, func, not_, or_, select, union
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.like import often
from ehr_bridge.db.paging import Key, Page, Position, Sorts, in_period, of_ids, rows_after
from ehr_bridge.db.tables.results.reports import Report, ReportOrder, ReportSeen, ReportVersion
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.reporting.attention import WaitsFor
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import count_shown, issued_for, number_shown, open_to, visible
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

FREQUENT = 5_000
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
    common = [*issued_for(who), *open_to(filters.closed), *_conditions(filters, who, waiting)]
    unread, counted = _is_unread(filters.is_unread, who), list(common)
    if filters.author is not None:
        counted.append(_is_by(filters.author, who))
        common.append(_wrote(filters.author, who) if _is_frequent(session, filters.author) else counted[-1])
    rows, last = rows_after(session, select(Report).where(visible(), *common, *unread), keys, limit, offset, after)
    total = _count_unread(session, counted, who) if filters.is_unread else count_shown(session, [*counted, *unread])
    return Page(rows, total, limit, offset, last)


def _count_unread(session: Session, conditions: Sequence[ColumnElement[bool]], who: Reporter) -> int:
    """All that were issued, less those that the caller has seen: a person has seen few of all years. By one statement,
    as `count_shown`: what is issued and seen between two would be taken off and not counted."""
    issued = [*conditions, Report.number > 0]
    ever_seen = Report.id.in_(select(ReportSeen.report_id).where(ReportSeen.subject == who.subject))
    seen = number_shown([*issued, ever_seen, _is_seen(who)])
    return session.scalar(select(number_shown(issued) - seen)) or 0


def _is_seen(who: Reporter) -> ColumnElement[bool]:
    """The latest version."""
    row = ReportSeen
    return exists().where(row.report_id == Report.id, row.subject == who.subject, row.number >= Report.number)


def _is_unread(wanted: bool | None, who: Reporter) -> list[ColumnElement[bool]]:
    if wanted is None:
        return []
    is_new = (Report.number > 0) & ~_is_seen(who)
    return [is_new if wanted else not_(is_new)]


def _conditions(
    filters: ReportFilters, who: Reporter, waiting: Callable[[WaitsFor], ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """But for whether the caller has read them, and whose they are."""
    row, other = Report, aliased(Report)
    conditions = in_period(row.issued_at.expression, filters.since, filters.until)
    if filters.states:
        fits = row.status.in_(filters.states)
        conditions.append(often(fits) if ReportStatus.FINAL in filters.states else fits)
    if filters.patients is not None:
        conditions.append(row.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        conditions.append(row.id.in_(select(ReportOrder.report_id).where(ReportOrder.order_id == filters.order_id)))
    if filters.study_instance_uid is not None:
        conditions.append(row.study_instance_uid == filters.study_instance_uid)
    if filters.is_written is not None:
        written = select(other.id).where(other.draft_kind.is_not(None))
        is_written = row.id.in_(written) if who.writes else false()
        conditions.append(is_written if filters.is_written else not_(is_written))
    if filters.waits_for is not None:
        conditions.append(waiting(filters.waits_for))
    if filters.updated_since is not None:
        conditions.append(row.updated_at >= filters.updated_since)
    return conditions


def _is_frequent(session: Session, author: str) -> bool:
    """Somebody who wrote so many that a page of them is found soon by looking through all in their order."""
    some = select(ReportVersion.report_id).where(ReportVersion.author == author).limit(FREQUENT).subquery()
    return session.scalar(select(func.count()).select_from(some)) == FREQUENT


def _wrote(author: str, who: Reporter) -> ColumnElement[bool]:
    """The same as `_is_by`, asked of each report."""
    issued = exists().where(ReportVersion.report_id == Report.id, ReportVersion.author == author)
    return or_(issued, Report.draft_author == author) if who.writes else issued


def _is_by(author: str, who: Reporter) -> ColumnElement[bool]:
    """Beginning with what this person wrote, and not with all reports."""
    other = aliased(Report)
    issued = select(ReportVersion.report_id).where(ReportVersion.author == author)
    drafts = select(other.id).where(other.draft_author == author, other.draft_kind.is_not(None))
    return Report.id.in_(union(issued, drafts)) if who.writes else Report.id.in_(issued)
