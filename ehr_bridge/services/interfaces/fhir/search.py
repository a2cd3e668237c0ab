"""Finds patients, orders, studies and audit events as FHIR asks for them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Key, Position, Sorts, of_ids
from ehr_bridge.db.rows import Among
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.db.time_limit import limited
from ehr_bridge.errors import NotFound
from ehr_bridge.fhir.searching import Search
from ehr_bridge.fhir.systems import Systems
from ehr_bridge.services.audit.export import fhir_event, numbers_of
from ehr_bridge.services.interfaces.fhir.meanings import Asking, condition
from ehr_bridge.services.interfaces.fhir.pages import count_all, page_of
from ehr_bridge.services.interfaces.fhir.report_conditions import MEANINGS, answers, is_of
from ehr_bridge.services.interfaces.fhir.reports import FoundReport, found_reports, issued
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import count_shown, find_report, open_to
from ehr_bridge.services.studies.listing import StudyView, stored, views_of
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import Closed, without

SEARCH_SECONDS = 10.0
"""For a statement of a search; a longer one is answered as if the database were away."""
MOST_INCLUDED = 1000
"""Resources of one `_revinclude`; an answer says when there are more."""

_OF_STUDIES = Among(Instance.study_id, "studies")
_SERIES = (
    select(Instance.study_id, Instance.series_instance_uid, func.min(Instance.modality), func.count())
    .where(_OF_STUDIES)
    .group_by(Instance.study_id, Instance.series_instance_uid)
    .order_by(Instance.series_instance_uid)
)
_INSTANCES = (
    select(Instance.study_id, Instance.series_instance_uid, Instance.sop_instance_uid, Instance.sop_class_uid)
    .where(_OF_STUDIES, Instance.sop_class_uid != "")
    .order_by(Instance.sop_instance_uid)
)
_NAMES = {"family", "given", "name"}
_FIRST_STEP = (ScheduledStep.order_id == Order.id) & (ScheduledStep.position == 0)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the caller may find."""

    closed: Closed
    studies: frozenset[str] | None = None
    """Only these, by UID; None: all."""
    sender: str | None = None
    """Only the reports that they have sent; None: all."""


@dataclass(frozen=True, slots=True)
class Found[Row]:
    """One page of a search."""

    rows: list[Row]
    last: Position | None
    """Where the last row stands, if more follow."""
    total: int | None
    """None where nobody asked."""


@dataclass(frozen=True, slots=True)
class SeriesCount:
    """A series, as far as its images are recorded."""

    series_instance_uid: str
    modality: str
    number_of_instances: int
    instances: list[tuple[str, str]] = field(default_factory=list)
    """UID and SOP Class of each whose class is known, where they were asked for."""


@dataclass(frozen=True, slots=True)
class _List:
    query: Select[Any]
    sorts: Sorts
    patient: InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None] | None
    """By which closed patients are left out."""


def _updated(column: ColumnElement[datetime]) -> Key:
    return Key(column, datetime.fromisoformat)


_LISTS: Mapping[str, _List] = {
    "Patient": _List(
        select(Patient),
        Sorts(
            {
                "_id": (),
                "family": Key(Patient.searched_family.expression),
                "birthdate": Key(Patient.birth_date.expression, date.fromisoformat),
                "_lastUpdated": _updated(Patient.updated_at.expression),
            },
            "_id",
            of_ids(Patient.id.expression),
        ),
        Patient.id,
    ),
    "ServiceRequest": _List(
        select(Order),
        Sorts(
            {
                "_id": (),
                "authored": _updated(Order.created_at.expression),
                "occurrence": Key(ScheduledStep.scheduled_at.expression, datetime.fromisoformat),
                "_lastUpdated": _updated(Order.updated_at.expression),
            },
            "_id",
            of_ids(Order.id.expression),
        ),
        Order.patient_id,
    ),
    "ImagingStudy": _List(
        stored().with_only_columns(Study.id),
        Sorts(
            {
                "arrival": _updated(Study.created_at.expression),
                "started": Key(Study.study_date_key.expression, date.fromisoformat),
                "_lastUpdated": _updated(Study.updated_at.expression),
            },
            "-arrival",
            of_ids(Study.id.expression),
        ),
        Study.patient_id,
    ),
    "DiagnosticReport": _List(
        issued(),
        Sorts(
            {
                "issued": Key(Report.issued_at.expression, datetime.fromisoformat),
                "_lastUpdated": _updated(Report.updated_at.expression),
            },
            "-issued",
            of_ids(Report.id.expression),
        ),
        Report.patient_id,
    ),
    "AuditEvent": _List(select(AuditEvent), Sorts({"date": ()}, "-date", Key(AuditEvent.id.expression, int)), None),
}
"""`_sort` names of FHIR, and the usual order of each list."""


class FhirSearch:
    def __init__(self, fresh: Fresh, zone: tzinfo, systems: Systems) -> None:
        """`zone` is that of days without an offset."""
        self._fresh = fresh
        self.zone = zone
        self.systems = systems

    def patients(self, search: Search, reach: Reach, after: Position | None) -> Found[Patient]:
        """Raises InvalidInput, or NotPermitted when the search names a patient whom the caller may not see."""
        with self._fresh.read() as session:
            return self._find(session, search, reach, after)

    def orders(self, search: Search, reach: Reach, after: Position | None) -> Found[Order]:
        """Raises like `patients`."""
        with self._fresh.read() as session:
            return self._find(session, search, reach, after)

    def studies(self, search: Search, reach: Reach, after: Position | None) -> Found[StudyView]:
        """Raises like `patients`."""
        with self._fresh.read() as session:
            found: Found[uuid.UUID] = self._find(session, search, reach, after)
            return Found(views_of(session, found.rows), found.last, found.total)

    def reports(self, search: Search, reach: Reach, after: Position | None) -> Found[FoundReport]:
        """Raises like `patients`."""
        with self._fresh.read() as session:
            found: Found[Report] = self._find(session, search, reach, after)
            return Found(found_reports(session, found.rows), found.last, found.total)

    def report(self, key: uuid.UUID, who: Reporter, sender: str | None = None) -> FoundReport:
        """A report of which something was issued; its `sender` finds it whatever became of its study. Raises NotFound,
        or NotPermitted."""
        with self._fresh.read() as session:
            own = session.get(Report, key) if sender is not None else None
            if own is None or own.sender != sender:
                own = find_report(session, key, replace(who, writes=False))
            return found_reports(session, [own])[0]

    def reports_of(self, column: str, ids: Collection[uuid.UUID], reach: Reach) -> list[FoundReport]:
        """The reports of these patients (`patient`), orders (`based-on`) or studies, one more than `MOST_INCLUDED` at
        most."""
        those = {
            "patient": Report.patient_id.in_(ids),
            "based-on": answers(Order.id.in_(ids)),
            "imagingStudy": is_of(Study.id.in_(ids)),
        }
        query = issued().where(those[column], *open_to(reach.closed)).order_by(Report.id).limit(MOST_INCLUDED + 1)
        with self._fresh.read() as session:
            return found_reports(session, list(session.scalars(query)))

    def events(
        self, search: Search, reach: Reach, after: Position | None, hidden: Set[uuid.UUID] | None
    ) -> Found[dict[str, Any]]:
        """Audit events as resources; the numbers of `hidden` patients are left out, None hides all. Raises like
        `patients`."""
        with self._fresh.read() as session:
            found: Found[AuditEvent] = self._find(session, search, reach, after)
            numbers = numbers_of(session, found.rows, hidden)
            rows = [fhir_event(one, numbers) | {"id": str(one.id)} for one in found.rows]
            return Found(rows, found.last, found.total)

    def study(self, key: uuid.UUID, reach: Reach) -> StudyView:
        """A stored study by the id of its row. Raises NotFound, or NotPermitted."""
        with self._fresh.read() as session:
            study = session.scalar(stored().where(Study.id == key, *_within(reach)))
            if study is None:
                raise NotFound("study_not_found", "The archive holds no study with this id.")
            require_open(study.patient_id)
            return views_of(session, [study.id])[0]

    def patients_with(self, ids: Collection[uuid.UUID], reach: Reach) -> list[Patient]:
        """Those with these ids whom the caller may see."""
        query = select(Patient).where(Patient.id.in_(ids), without(Patient.id, reach.closed))
        with self._fresh.read() as session:
            return list(session.scalars(query))

    def orders_with(self, ids: Collection[uuid.UUID], reach: Reach) -> list[Order]:
        """Those with these ids whose patients the caller may see."""
        query = select(Order).where(Order.id.in_(ids), without(Order.patient_id, reach.closed))
        with self._fresh.read() as session:
            return list(session.scalars(query))

    def orders_of(self, patients: Collection[uuid.UUID], reach: Reach) -> list[Order]:
        """The orders of patients, one more than `MOST_INCLUDED` at most."""
        query = select(Order).where(Order.patient_id.in_(patients), without(Order.patient_id, reach.closed))
        with self._fresh.read() as session:
            return list(session.scalars(query.order_by(Order.id).limit(MOST_INCLUDED + 1)))

    def studies_of(self, column: str, ids: Collection[uuid.UUID], reach: Reach) -> list[StudyView]:
        """The studies of these patients (`patient`), that answer these orders (`basedon`), or with these ids (`_id`);
        one more than `MOST_INCLUDED` at most."""
        answers = select(StudyOrder.study_id).where(StudyOrder.order_id.in_(ids))
        by = {"patient": Study.patient_id.in_(ids), "basedon": Study.id.in_(answers), "_id": Study.id.in_(ids)}
        those = by[column]
        query = stored().with_only_columns(Study.id).where(those, without(Study.patient_id, reach.closed))
        query = query.where(*_within(reach)).order_by(Study.id).limit(MOST_INCLUDED + 1)
        with self._fresh.read() as session:
            return views_of(session, list(session.scalars(query)))

    def series(
        self, studies: Collection[uuid.UUID], in_full: Collection[uuid.UUID] = ()
    ) -> dict[uuid.UUID, list[SeriesCount]]:
        """The series of studies, by study; with every instance of those that are wanted `in_full`."""
        found: dict[uuid.UUID, list[SeriesCount]] = {}
        with self._fresh.read() as session:
            for study, uid, modality, count in session.execute(_SERIES, {"studies": [*studies]}):
                found.setdefault(study, []).append(SeriesCount(uid, modality, count))
            if in_full:
                _add_instances(session, found, in_full)
        return found

    def _find(self, session: Session, search: Search, reach: Reach, after: Position | None) -> Found[Any]:
        name = search.resource.name
        listed = _LISTS[name]
        asking = Asking(session, self.zone, self.systems)
        conditions = [condition(MEANINGS[name][one.parameter.name], asking, one) for one in search.criteria]
        if listed.patient is not None:
            conditions.append(without(listed.patient, reach.closed))
        if name == "ImagingStudy":
            conditions += _within(reach)
        if name == "DiagnosticReport":
            conditions += open_to(reach.closed)
            conditions += [] if reach.sender is None else [Report.sender == reach.sender]
        if name == "Patient" and _is_by_name_alone(search):
            conditions = [Patient.id.in_(select(Patient.id).where(*conditions).correlate(None))]
        query = listed.query.where(*conditions)
        if name == "ServiceRequest" and _asks_for_step(search):
            query = query.join(ScheduledStep, _FIRST_STEP)
        count = partial(count_all, session, query, search)
        if name == "DiagnosticReport":
            count = partial(count_shown, session, [Report.number > 0, *conditions])
        if self._fresh.is_joined:
            return Found(*page_of(session, query, search, listed.sorts, after, count))
        with limited(session, SEARCH_SECONDS):
            return Found(*page_of(session, query, search, listed.sorts, after, count))


def _add_instances(
    session: Session, series: Mapping[uuid.UUID, Sequence[SeriesCount]], studies: Collection[uuid.UUID]
) -> None:
    by_uid = {(study, one.series_instance_uid): one for study in studies for one in series.get(study, ())}
    for study, uid, instance, sop_class in session.execute(_INSTANCES, {"studies": [*studies]}):
        if (one := by_uid.get((study, uid))) is not None:  # else its series came between both questions
            one.instances.append((instance, sop_class or ""))


def _is_by_name_alone(search: Search) -> bool:
    """All patients are looked at: in the index that has their names, and not in whole rows. Without a criterion a page
    is read in its order, and ends when it is full."""
    return bool(search.criteria) and {one.parameter.name for one in search.criteria} <= _NAMES


def _asks_for_step(search: Search) -> bool:
    """Whether the appointment counts, which is that of the first step; otherwise no step is read."""
    named = {one.parameter.name for one in search.criteria}
    return "occurrence" in named or (search.sort or "").removeprefix("-") == "occurrence"


def _within(reach: Reach) -> list[ColumnElement[bool]]:
    return [] if reach.studies is None else [Study.study_instance_uid.in_(sorted(reach.studies))]
