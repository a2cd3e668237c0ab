"""Writes the events that other systems read (`FeedEvent`): the one place that says which change is which fact.

It watches the rows that a session writes, so whoever changes a patient, an order or a study tells it: the EHR, an
arrival by any door, a job, a merge and its undoing, the purge. When the transaction ends, what it has changed becomes
events, in the same transaction and in the writer's turn; so numbers have no gaps, and a reader who sees one event has
seen, or can read, every earlier one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import event, exists, func, inspect, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import STEPS, dated, is_new, moment
from ehr_bridge.db.rows import ClosingRows, table_of, write_now
from ehr_bridge.db.states import LinkStatus, OrderStatus
from ehr_bridge.db.tables.base import Dated
from ehr_bridge.db.tables.logs import DestinationEvent, FeedEvent
from ehr_bridge.db.tables.registry import OF_IMAGES, Order, Patient
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.meters import EVENTS
from ehr_bridge.reporting.states import AMENDMENTS, SHOWN, ReportStatus

_TOUCHED, _TOLD = "rows_that_became_facts", "events_that_were_written"
_ANSWERS, _ORDER_IDS = "answers", "order_ids"
"""The attribute of a study that holds the orders it answers, and what is remembered of it."""
NOTICE = "notice.created"
"""A person is told something that concerns them. It names them: destinations alone are told, where that was chosen."""
_COLUMNS = ("type", "patient_id", "order_id", "study_instance_uid")
_TABLE = table_of(FeedEvent)
_IS_HEARD = "somebody_is_told_of_events"
IS_HEARD = exists(select(table_of(DestinationEvent).c.type)).label(_IS_HEARD)
"""Column for the first question of a transaction, for `note_heard`."""
_ROWS = ClosingRows(FeedEvent, seq=select(func.coalesce(func.max(_TABLE.c.seq), 0) + 1).scalar_subquery())


class Fact(NamedTuple):
    """An event that is about to be written; an id that is None does not belong to it."""

    type: str
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    into_patient_id: uuid.UUID | None = None
    report_id: uuid.UUID | None = None
    version: int | None = None
    """Of the report."""
    notice_id: uuid.UUID | None = None
    subject: str | None = None
    """Who is told by this notice, as the audit trail names people."""
    kind: str | None = None
    """Why."""


type Heard = Callable[[Session, Sequence[Fact]], None]
"""Told in the transaction, when these events are written: they are the newest ones there are."""


@dataclass(slots=True)
class _Touched:
    """A row that the transaction has changed, with the former values of its attributes."""

    row: Any
    is_new: bool
    former: dict[str, Any] = field(default_factory=dict)

    def before(self, name: str) -> Any:
        return self.former[name] if name in self.former else getattr(self.row, name)

    def changed(self) -> set[str]:
        return {name for name, value in self.former.items() if name == STEPS or value != getattr(self.row, name)}


def tell_facts(database: Database, clock: Callable[[], datetime], *heard: Heard) -> None:
    """From now on every transaction of `Database.write` writes its events before it is committed, and those who want to
    hear of them write in it what they make of them."""

    def note(session: Session, _flush: Any, _instances: Any) -> None:
        touched: dict[int, _Touched] = session.info.setdefault(_TOUCHED, {})
        for row, names in dated(session):
            known = touched.setdefault(id(row), _Touched(row, is_new(row)))
            if not known.is_new:
                _remember(known, names)

    def tell(session: Session) -> None:
        session.flush()
        touched: dict[int, _Touched] | None = session.info.pop(_TOUCHED, None)
        if not touched:
            return
        if facts := [*_facts(touched.values())]:
            write_facts(session, facts, moment(session, clock), *heard)

    event.listen(database.write_session, "before_flush", note)
    event.listen(database.write_session, "before_commit", tell, insert=True)
    event.listen(database.write_session, "after_commit", _count)


def write_facts(session: Session, facts: list[Fact], at: datetime, *heard: Heard) -> None:
    """At the end of a transaction of `Database.write`: these become the newest events, and who wants to hear of them is
    told."""
    _write(session, facts, at)
    session.info.setdefault(_TOLD, []).extend(fact.type for fact in facts)
    if heard and session.info.get(_IS_HEARD, True):
        write_now(session)
        for one in heard:
            one(session, facts)


def _count(session: Session) -> None:
    for kind in session.info.pop(_TOLD, ()):
        EVENTS.add(kind)


def note_heard(session: Session, *, is_heard: bool) -> None:
    """Whether there is anybody to tell, as this transaction has read it in the writer's turn with `IS_HEARD`."""
    session.info[_IS_HEARD] = is_heard


def _remember(touched: _Touched, names: set[str]) -> None:
    state = inspect(touched.row)
    for name in names & (set(state.mapper.column_attrs.keys()) | {STEPS}):
        former = state.attrs[name].history.deleted
        touched.former.setdefault(name, former[0] if former else None)
    if _ANSWERS in names:
        history = state.attrs[_ANSWERS].history
        former = tuple(one.order_id for one in (*history.unchanged, *history.deleted))
        touched.former.setdefault(_ORDER_IDS, former)


def _write(session: Session, facts: list[Fact], at: datetime) -> None:
    rows = []
    for fact in facts:
        said = {name: value for name, value in fact._asdict().items() if value is not None and name != "type"}
        data = {name: value if isinstance(value, int) else str(value) for name, value in said.items()}
        row = {"id": uuid.uuid4(), "time": at, "data": data}
        rows.append(row | {name: getattr(fact, name) for name in _COLUMNS})
    _ROWS.add(session, rows)


def _facts(touched: Collection[_Touched]) -> Iterator[Fact]:
    for kind, facts_of in _FACTS_OF.items():
        for one in touched:
            if isinstance(one.row, kind):
                yield from facts_of(one)


def _of_patient(touched: _Touched) -> Iterator[Fact]:
    patient: Patient = touched.row
    names = touched.changed() - {"updated_at", "issuer_key"}
    if touched.is_new:
        yield Fact("patient.created", patient.id)
    elif "merged_into_id" in names and patient.merged_into_id is not None:
        yield Fact("patient.merged", patient.id, into_patient_id=patient.merged_into_id)
    elif names:
        yield Fact("patient.changed", patient.id)


def _of_order(touched: _Touched) -> Iterator[Fact]:
    order: Order = touched.row
    names = touched.changed() - OF_IMAGES - Order.NOT_SHOWN - {"arrived_at"}
    if touched.is_new:
        yield Fact("order.created", order.patient_id, order.id)
        return
    if names - {"status"}:
        yield Fact("order.changed", order.patient_id, order.id)
    if "status" in names:
        kind = "order.cancelled" if order.status == OrderStatus.CANCELLED else "order.status"
        yield Fact(kind, order.patient_id, order.id)


_DESCRIPTION = frozenset({"study_date", "study_time", "study_description", "orthanc_study_id"})
"""What else answers show of a study. How many images it has is told when its reception has settled."""


class _Shown(NamedTuple):
    """What the feed tells of a study: nothing before its first image is recorded, nor while it is deleted."""

    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    further_orders: frozenset[uuid.UUID]
    is_linked: bool
    is_available: bool


def _shown(value: Callable[[str], Any]) -> _Shown | None:
    if value("orthanc_study_id") is None or value("deleted_at") is not None:
        return None
    if value("link_status") != LinkStatus.LINKED or value("patient_id") is None:
        return _Shown(None, None, frozenset(), is_linked=False, is_available=value("is_available"))
    primary = value("order_id")
    further = frozenset(value(_ORDER_IDS)) - {primary}
    return _Shown(value("patient_id"), primary, further, is_linked=True, is_available=value("is_available"))


def _of_study(touched: _Touched) -> Iterator[Fact]:
    study: Study = touched.row
    uid = study.study_instance_uid
    before = None if touched.is_new else _shown(touched.before)
    after = _shown(lambda name: getattr(study, name))
    if after is None:
        if before is not None:
            yield Fact("study.deleted", before.patient_id, before.order_id, uid)
        return
    is_moved = before is None or before[:4] != after[:4]
    if before is not None and before.is_linked and is_moved:
        yield Fact("study.unlinked", before.patient_id, before.order_id, uid)
    if after.is_linked and is_moved:
        yield Fact("study.linked", after.patient_id, after.order_id, uid)
    if before is not None and touched.changed() & _DESCRIPTION:
        yield Fact("study.changed", after.patient_id, after.order_id, uid)
    if after.is_available and (before is None or not before.is_available):
        yield Fact("study.available", after.patient_id, after.order_id, uid)


def _of_report(touched: _Touched) -> Iterator[Fact]:
    """Nothing is told of drafts."""
    report: Report = touched.row
    number = 0 if touched.is_new else touched.before("number")
    told = (report.patient_id, report.order_id, report.study_instance_uid, None, report.id, report.number)
    if report.number != number:
        kind = "amended" if report.status in AMENDMENTS else _KINDS[report.status]
        yield Fact(f"report.{kind}", *told)
    level, critical_before = report.critical_level, None if touched.is_new else touched.before("critical_level")
    if level is not None and report.status in SHOWN and (number == 0 or level != critical_before):
        yield Fact("report.critical", *told)


_KINDS = {
    ReportStatus.PRELIMINARY: "preliminary",
    ReportStatus.FINAL: "final",
    ReportStatus.ENTERED_IN_ERROR: "withdrawn",
}


_FACTS_OF: dict[type[Dated], Callable[[_Touched], Iterator[Fact]]] = {
    Patient: _of_patient,
    Order: _of_order,
    Study: _of_study,
    Report: _of_report,
}
"""In the order in which the facts of one transaction are told: what others name comes first."""
