"""Everything about a patient by date: orders, studies, reports, documents and uploads, the latest first.

A page costs one narrow statement for each kind, by the patient's index, and one for each kind that the page shows. A
patient has hundreds of these, not millions, so their dates are sorted here: no database compares a study's day with an
order's moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.paging import Position, cursor_refused
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.db.tables.results.attached import AttachedDocument
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.services.identity.study_index import shown_accession_number
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import open_to, orders_of, shown_to
from ehr_bridge.services.studies.listing import stored
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

type Rows = Select[*tuple[Any, ...]]
"""The key of a row, its moment, when it came here, and perhaps a time of day."""


class EntryKind(StrEnum):
    """What stands on a timeline. Of one moment, a later one here comes first."""

    ORDER = "order"
    UPLOAD = "upload"
    STUDY = "study"
    DOCUMENT = "document"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. What does not apply is None or empty."""

    kind: EntryKind
    at: datetime
    day: date
    title: str | None
    status: str | None = None
    """Of an order, a report or an upload; of a study its link; of a document its kind."""
    modalities: tuple[str, ...] = ()
    accession_number: str | None = None
    number_of_images: int | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    report_id: uuid.UUID | None = None
    document_id: uuid.UUID | None = None
    upload_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class TimelineWish:
    """Whose, and which part of it."""

    patients: frozenset[uuid.UUID]
    """All records of one person."""
    who: Reporter
    kinds: Collection[str] = field(default_factory=lambda: frozenset(EntryKind))
    modality: str | None = None
    """Only orders, studies and reports of it; documents and uploads have none."""
    limit: int = 50
    after: Position | None = None
    closed: Closed = NOTHING


class _Place(NamedTuple):
    """Where an entry stands, and which row it is of."""

    at: datetime
    rank: int
    key: uuid.UUID

    @property
    def position(self) -> Position:
        return self.at.isoformat(), str(self.rank), str(self.key)


class TimelinePage(NamedTuple):
    items: list[Entry]
    total: int
    last: Position | None


RANKS = {kind: rank for rank, kind in enumerate(EntryKind)}
KINDS = tuple(EntryKind)


class Timeline:
    def __init__(self, fresh: Fresh, zone: tzinfo) -> None:
        self._fresh = fresh
        self._zone = zone

    def of(self, wish: TimelineWish) -> TimelinePage:
        """One page. Raises InvalidInput when `after` is no place on a timeline."""
        with self._fresh.read() as session:
            places = sorted(self._places(session, wish), reverse=True)
            total = len(places)
            if wish.after is not None:
                after = _read(wish.after)
                places = [place for place in places if place < after]
            page = places[: wish.limit]
            last = page[-1].position if len(places) > wish.limit else None
            return TimelinePage(self._entries(session, page), total, last)

    def _places(self, session: Session, wish: TimelineWish) -> Iterable[_Place]:
        finders: dict[EntryKind, Callable[[TimelineWish], Rows]] = {
            EntryKind.ORDER: _orders,
            EntryKind.STUDY: _studies,
            EntryKind.REPORT: _reports,
        }
        if wish.modality is None:
            finders |= {EntryKind.DOCUMENT: _documents, EntryKind.UPLOAD: _uploads}
        for kind, find in finders.items():
            if kind in wish.kinds:
                for key, *moments in session.execute(find(wish)):
                    yield _Place(self._moment(*moments), RANKS[kind], key)

    def _moment(self, said: date | datetime | None, instead: datetime, at: time | None = None) -> datetime:
        """When something was: as it says, or else when it came here."""
        if said is None:
            return instead
        if isinstance(said, datetime):
            return said
        if at is None and instead.astimezone(self._zone).date() == said:
            return instead
        return datetime.combine(said, at or time.min, self._zone).astimezone(UTC)

    def _entries(self, session: Session, page: list[_Place]) -> list[Entry]:
        shown: dict[uuid.UUID, Entry] = {}
        for kind, (model, make) in _MAKERS.items():
            places = {place.key: place for place in page if place.rank == RANKS[kind]}
            if places:
                for row in session.scalars(select(model).where(model.id.in_(places))):
                    at = places[row.id].at
                    shown[row.id] = make(row, at, at.astimezone(self._zone).date())
        return [shown[place.key] for place in page if place.key in shown]


def _read(after: Position) -> _Place:
    try:
        at, rank, key = after
        return _Place(datetime.fromisoformat(at or ""), int(rank or ""), uuid.UUID(key or ""))
    except ValueError:
        raise cursor_refused() from None


def _orders(wish: TimelineWish) -> Rows:
    first = (ScheduledStep.order_id == Order.id) & (ScheduledStep.position == 0)
    query = select(Order.id, ScheduledStep.scheduled_at, Order.created_at).outerjoin(ScheduledStep, first)
    query = query.where(Order.patient_id.in_(wish.patients), without(Order.patient_id, wish.closed))
    return query if wish.modality is None else query.where(Order.id.in_(_orders_with(wish.modality)))


def _orders_with(modality: str) -> Select[uuid.UUID]:
    return select(ScheduledStep.order_id).where(ScheduledStep.modality == modality)


def _studies(wish: TimelineWish) -> Rows:
    query = stored().with_only_columns(Study.id, Study.study_date, Study.created_at, Study.study_time)
    query = query.where(Study.patient_id.in_(wish.patients), ~Study.is_document)
    query = query.where(without(Study.patient_id, wish.closed))
    return query if wish.modality is None else query.where(_has(wish.modality))


def _has(modality: str) -> Any:
    return Study.modality_key.like(f"%|{escaped(modality)}|%", escape=ESCAPE)


def _reports(wish: TimelineWish) -> Rows:
    query = select(Report.id, Report.issued_at, Report.created_at).where(Report.patient_id.in_(wish.patients))
    query = query.where(*shown_to(wish.who), *open_to(wish.closed))
    if wish.modality is None:
        return query
    of_study = Report.study_instance_uid.in_(select(Study.study_instance_uid).where(_has(wish.modality)))
    return query.where(or_(of_study, Report.order_id.in_(_orders_with(wish.modality))))


def _documents(wish: TimelineWish) -> Rows:
    there = stored().with_only_columns(Study.study_instance_uid).where(Study.is_document)
    there = there.where(Study.patient_id.in_(wish.patients), without(Study.patient_id, wish.closed))
    document = AttachedDocument
    query = select(document.id, document.dated, document.attached_at)
    return query.where(document.study_instance_uid.in_(there))


def _uploads(wish: TimelineWish) -> Rows:
    """Of images that are there; documents stand on the timeline themselves."""
    log, is_away = DicomUploadLog, or_(Study.is_document, Study.deleted_at.is_not(None))
    query = select(log.id, log.uploaded_at, log.uploaded_at).where(log.patient_id.in_(wish.patients), ~log.is_deleted)
    query = query.where(without(log.patient_id, wish.closed))
    away = select(Study.study_instance_uid).where(Study.patient_id.in_(wish.patients), is_away)
    return query.where(log.study_instance_uid.not_in(away))


def _of_order(order: Order, at: datetime, day: date) -> Entry:
    return Entry(
        EntryKind.ORDER,
        at,
        day,
        order.description,
        order.status,
        tuple(sorted({step.modality for step in order.steps})),
        order.accession_number,
        order.number_of_images if order.orthanc_study_id is not None else None,
        order_id=order.id,
        study_instance_uid=order.study_instance_uid if order.orthanc_study_id is not None else None,
    )


def _of_study(study: Study, at: datetime, day: date) -> Entry:
    return Entry(
        EntryKind.STUDY,
        at,
        day,
        study.study_description,
        study.link_status,
        tuple(study.modalities),
        shown_accession_number(study) or None,
        study.number_of_instances,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
    )


def _of_report(report: Report, at: datetime, day: date) -> Entry:
    orders = orders_of(report)
    return Entry(
        EntryKind.REPORT,
        at,
        day,
        report.title,
        report.status,
        accession_number=orders[0].accession_number if orders else None,
        order_id=orders[0].id if orders else None,
        study_instance_uid=report.study_instance_uid,
        report_id=report.id,
    )


def _of_document(document: AttachedDocument, at: datetime, day: date) -> Entry:
    return Entry(
        EntryKind.DOCUMENT,
        at,
        day,
        document.title,
        document.kind,
        study_instance_uid=document.study_instance_uid,
        document_id=document.id,
    )


def _of_upload(log: DicomUploadLog, at: datetime, day: date) -> Entry:
    return Entry(
        EntryKind.UPLOAD,
        at,
        day,
        None,
        log.upload_status,
        number_of_images=log.number_of_files,
        order_id=log.order_id,
        study_instance_uid=log.study_instance_uid,
        upload_id=log.upload_id,
    )


_MAKERS: dict[EntryKind, tuple[Any, Callable[[Any, datetime, date], Entry]]] = {
    EntryKind.ORDER: (Order, _of_order),
    EntryKind.STUDY: (Study, _of_study),
    EntryKind.REPORT: (Report, _of_report),
    EntryKind.DOCUMENT: (AttachedDocument, _of_document),
    EntryKind.UPLOAD: (DicomUploadLog, _of_upload),
}
