"""The reading list: studies that wait for a report, with an order or without; one row for a study of several orders."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.paging import Key, Page, Position, Sorts, in_period, of_ids, rows_after
from ehr_bridge.db.states import UNCERTAIN
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.identity.reading_rank import NO_ORDER, ROUTINE, URGENCY
from ehr_bridge.services.reporting.reports import Reports, ReportView
from ehr_bridge.services.reporting.rows import open_to, visible
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

RANKS = {rank: name.lower() for name, rank in URGENCY.items()} | {ROUTINE: "routine", NO_ORDER: "no_order"}
"""What each rank is called."""


class _Rank(Key):
    """Never null in this list: SQLite reads no index in an order that says where nulls come."""

    may_be_null = False


_CAME = Key(Study.created_at.expression, datetime.fromisoformat)
_URGENCY = (_Rank(Study.reading_rank.expression, int), _CAME)
SORTS = Sorts({"urgency": _URGENCY, "waiting_since": _CAME}, "urgency", of_ids(Study.id.expression))


@dataclass(frozen=True, slots=True)
class ReadingFilters:
    """Which studies to list; None is any. `since` is inclusive, `until` exclusive, of when the first image came."""

    ranks: tuple[int, ...] = ()
    """Any of these; none means all."""
    modality: str | None = None
    is_begun: bool | None = None
    """Whether a report of it was begun."""
    patients: frozenset[uuid.UUID] | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    updated_since: datetime | None = None
    closed: Closed = NOTHING


@dataclass(frozen=True, slots=True)
class Unread:
    """A study that waits for a report."""

    study: Study
    orders: Sequence[Order]
    """Those of its patient that it answers, the primary one first."""
    report: ReportView | None
    """What was begun of it, or issued as preliminary."""

    @property
    def urgency(self) -> str:
        return RANKS[self.study.reading_rank if self.study.reading_rank is not None else NO_ORDER]


@dataclass(frozen=True, slots=True)
class ReadingPage:
    page: Page[Unread]
    counts: Mapping[str, int]
    """How many wait with each urgency."""


class ReadingList:
    def __init__(self, fresh: Fresh, reports: Reports) -> None:
        self._fresh = fresh
        self._reports = reports

    def search(
        self, filters: ReadingFilters, limit: int, offset: int, after: Position | None = None, sort: str | None = None
    ) -> ReadingPage:
        """Emergencies first, then what has waited longest, unless asked otherwise. Raises InvalidInput when the list
        cannot be sorted like that or has no position `after`."""
        query, keys = waiting(filters), SORTS.chosen(sort)
        with self._fresh.read() as session:
            studies, last = rows_after(session, query, keys, limit, offset, after)
            counts = _counts(session, query)
            views = self._reports.views_of(session, _reports(session, studies, filters.closed))
            items = [Unread(one, _orders(one), _of(views, one)) for one in studies]
        return ReadingPage(Page(items, sum(counts.values()), limit, offset, last), counts)


def waiting(filters: ReadingFilters) -> Select[Study]:
    """The studies of the list. The first conditions are those of its index; that on the link is one for which no other
    index is chosen."""
    listed = (Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None), Study.reading_rank.is_not(None))
    query = select(Study).where(*listed, Study.link_status.not_in(UNCERTAIN))
    return query.where(without(Study.patient_id, filters.closed), *_conditions(filters))


def _conditions(filters: ReadingFilters) -> list[ColumnElement[bool]]:
    conditions = in_period(Study.created_at.expression, filters.since, filters.until)
    if filters.ranks:
        conditions.append(Study.reading_rank.in_(filters.ranks))
    if filters.modality is not None:
        conditions.append(Study.modality_key.like(f"%|{escaped(filters.modality)}|%", escape=ESCAPE))
    if filters.is_begun is not None:
        begun = or_(_is_of_study(), _is_of_order()) & (Report.status != ReportStatus.ENTERED_IN_ERROR) & _is_ours()
        begun &= Report.patient_id == Study.patient_id
        found = select(Report.id).where(begun).correlate(Study).exists()
        conditions.append(found if filters.is_begun else ~found)
    if filters.patients is not None:
        conditions.append(Study.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        answering = select(StudyOrder.study_id).where(StudyOrder.order_id == filters.order_id)
        conditions.append(Study.id.in_(answering))
    if filters.study_instance_uid is not None:
        conditions.append(Study.study_instance_uid == filters.study_instance_uid)
    if filters.updated_since is not None:
        conditions.append(Study.updated_at >= filters.updated_since)
    return conditions


def _is_of_study() -> ColumnElement[bool]:
    return Report.study_instance_uid == Study.study_instance_uid


def _is_ours() -> ColumnElement[bool]:
    """What another system has reported as preliminary is read here all the same."""
    return Report.sender.is_(None)


def _is_of_order() -> ColumnElement[bool]:
    """It was begun before there were images."""
    answered = select(StudyOrder.order_id).where(StudyOrder.study_id == Study.id).correlate(Study)
    return Report.study_instance_uid.is_(None) & Report.order_id.in_(answered)


def _counts(session: Session, query: Select[Study]) -> dict[str, int]:
    ranked = query.with_only_columns(Study.reading_rank, func.count()).group_by(Study.reading_rank)
    found = {row[0]: int(row[1]) for row in session.execute(ranked)}
    return {name: found.get(rank, 0) for rank, name in sorted(RANKS.items())}


def _reports(session: Session, studies: Sequence[Study], closed: Closed) -> list[Report]:
    """What was begun or issued of these studies, or of their orders before there were images."""
    uids = [one.study_instance_uid for one in studies]
    orders = [key for one in studies for key in one.order_ids]
    answering = select(ReportOrder.report_id).where(ReportOrder.order_id.in_(orders))
    without_images = Report.study_instance_uid.is_(None) & Report.id.in_(answering)
    query = select(Report).where(
        or_(Report.study_instance_uid.in_(uids), without_images),
        Report.status != ReportStatus.ENTERED_IN_ERROR,
        _is_ours(),
        visible(),
        *open_to(closed),
    )
    return list(session.scalars(query)) if studies else []


def _orders(study: Study) -> list[Order]:
    """One that the EHR has moved to somebody else is not named beside this patient."""
    return [order for order in study.orders if order.patient_id == study.patient_id]


def _of(views: Sequence[ReportView], study: Study) -> ReportView | None:
    orders = set(study.order_ids)
    for view in views:
        if view.report.patient_id != study.patient_id:
            continue  # it was written of somebody else
        uid = view.report.study_instance_uid
        if uid == study.study_instance_uid or (uid is None and orders & {one.order_id for one in view.report.orders}):
            return view
    return None
