"""The list of orders: its filters and its orders of rows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.util import find_tables

from ehr_bridge.db.paging import Key, Page, Position, Sorts, in_period, rows_after
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import STAT, Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.services.identity.reading_rank import ROUTINE as BETWEEN
from ehr_bridge.services.identity.reading_rank import URGENCY
from ehr_bridge.services.registry.searching import BY_NAME, among_found, number_fits, person_fits
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

PRIORITIES = ("STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW")
ROUTINE = "ROUTINE"
"""What an order is that says nothing of its priority."""
EMERGENCIES, UNSCHEDULED = "emergencies", "unscheduled"
ALSO = (EMERGENCIES, UNSCHEDULED)
OPEN = (OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS)
"""Emergencies of all years that are done are not what somebody looks for beside a day, unless by their state."""
WAITING = frozenset({OrderStatus.SCHEDULED, OrderStatus.ARRIVED})
_STAT: ColumnElement[str] = literal_column(f"'{STAT}'")
"""As a word: the index of emergencies is not found by a parameter."""
_URGENCY = case(URGENCY, value=Order.priority, else_=BETWEEN)
_SCHEDULED_AT = Key(ScheduledStep.scheduled_at.expression, datetime.fromisoformat)
SORTS = Sorts(
    {
        "scheduled_at": _SCHEDULED_AT,
        "accession_number": (),
        "created_at": Key(Order.created_at.expression, datetime.fromisoformat),
        "updated_at": Key(Order.updated_at.expression, datetime.fromisoformat),
        "urgency": (Key(_URGENCY, int), _SCHEDULED_AT),
        "patient_name": BY_NAME,
        "modality": (Key(ScheduledStep.modality.expression), _SCHEDULED_AT),
        "station_ae_title": (Key(ScheduledStep.station_ae_title.expression), _SCHEDULED_AT),
        "status": (Key(Order.status.expression), _SCHEDULED_AT),
        "assigned_to": (Key(Order.assigned_name.expression), _SCHEDULED_AT),
    },
    "-scheduled_at",
    Key(Order.accession_number.expression),
)
"""By the appointment of the first step; orders without one come last. By urgency: emergencies, then what is urgent,
then all others, then what can wait (`LOW`), as in the reading list; each soonest first. `patient_name` needs the
patients joined."""


@dataclass(frozen=True, slots=True)
class OrderWish:
    """Which orders to find; None matches all."""

    text: str | None = None
    """Part of an accession number (`searching.number_fits`), or what finds its patient (`searching.person_fits`)."""
    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    """Of a study that answers the order, or is expected."""
    accession_number: str | None = None
    modality: str | None = None
    """Of any step, like the next."""
    station_ae_title: str | None = None
    body_part: str | None = None
    """In any case."""
    priorities: tuple[str, ...] = ()
    """Any of these; none means all. An order that says nothing is `ROUTINE`."""
    states: tuple[str, ...] = ()
    """Any of these; none means all."""
    since: datetime | None = None
    until: datetime | None = None
    also: tuple[str, ...] = ()
    """Of `ALSO`: what is found beside the period, whatever its appointment."""
    assigned_to: str | None = None
    """Who does the examination, by subject; '' finds what is nobody's."""
    closed: Closed = NOTHING
    """What the caller may not see."""
    updated_since: datetime | None = None


def search_orders(
    session: Session,
    wish: OrderWish,
    limit: int,
    offset: int,
    after: Position | None,
    sort: str | None,
    further: Sequence[ColumnElement[bool]] = (),
) -> Page[Order]:
    """As `Orders.search`; `further`: what an order must fulfil beside the wish."""
    keys = SORTS.chosen(sort)
    conditions = [without(Order.patient_id, wish.closed), *conditions_of(wish), *further]
    if wish.text:
        conditions.append(_text_fits(session, wish.text))
    total = session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0
    query = _with_what_sorts(select(Order.id), keys).where(*conditions)
    ids, last = rows_after(session, query, keys, limit, offset, after)
    # Asked again: on PostgreSQL an order may have come to a closed patient since its id was read.
    rows = select(Order).where(Order.id.in_(ids), without(Order.patient_id, wish.closed))
    found = {order.id: order for order in session.scalars(rows)} if ids else {}
    return Page([found[each] for each in ids if each in found], total, limit, offset, last)


def _with_what_sorts(query: Select[Any], keys: Sequence[Key]) -> Select[Any]:
    """Ids alone are sorted, and only tables joined that have a key: an order has a first step and a patient, so neither
    finds or counts anything."""
    tables = {table for key in keys for table in find_tables(key.column, check_columns=True)}
    if table_of(ScheduledStep) in tables:
        query = query.join(ScheduledStep, (ScheduledStep.order_id == Order.id) & (ScheduledStep.position == 0))
    if table_of(Patient) in tables:
        query = query.join(Patient, Patient.id == Order.patient_id)
    return query


def _text_fits(session: Session, text: str) -> ColumnElement[bool]:
    """Whether an order has the text in its number, or is of a patient whom it finds."""
    persons = among_found(session, Order.patient_id.expression, select(Patient.id).where(person_fits(text)))
    numbers = number_fits(Order.accession_number.expression, text.strip())
    return among_found(session, Order.id.expression, select(Order.id).where(numbers), select(Order.id).where(persons))


def conditions_of(wish: OrderWish) -> list[ColumnElement[bool]]:
    """But for the text, and what the caller may not see."""
    conditions = [
        column == value
        for column, value in ((Order.id, wish.order_id), (Order.accession_number, wish.accession_number))
        if value is not None
    ]
    if wish.patients is not None:
        conditions.append(Order.patient_id.in_(wish.patients))
    if wish.states:
        conditions.append(Order.status.in_(wish.states))
    if wish.body_part is not None:
        conditions.append(func.upper(Order.body_part) == wish.body_part.upper())
    if wish.priorities:
        named = Order.priority.in_(wish.priorities)
        conditions.append(or_(named, Order.priority.is_(None)) if ROUTINE in wish.priorities else named)
    if wish.assigned_to is not None:
        # Almost all are nobody's: written like this, SQLite takes the index of the other conditions.
        is_nobodys = func.coalesce(Order.assigned_to, "") == ""
        conditions.append(Order.assigned_to == wish.assigned_to if wish.assigned_to else is_nobodys)
    if wish.updated_since:
        conditions.append(Order.updated_at >= wish.updated_since)
    if wish.study_instance_uid is not None:
        conditions.append(_of_study(wish.study_instance_uid))
    conditions += _of_a_step(wish)
    return conditions


def _of_a_step(wish: OrderWish) -> list[ColumnElement[bool]]:
    """What one and the same step must fulfil, as conditions of its order."""
    where = [
        column == value
        for column, value in (
            (ScheduledStep.modality, wish.modality),
            (ScheduledStep.station_ae_title, wish.station_ae_title),
        )
        if value is not None
    ]
    period = in_period(ScheduledStep.scheduled_at.expression, wish.since, wish.until)
    if not period:
        return [_has_step(*where)] if where else []
    when = and_(*period)
    if UNSCHEDULED in wish.also:
        when = or_(when, ScheduledStep.scheduled_at.is_(None))
    of_period = select(ScheduledStep.order_id).where(*where, when)
    if wish.since is None and wish.states and WAITING.issuperset(wish.states):
        # Few wait, however many appointments have been: each is asked for its steps, not every step for its order.
        fits: ColumnElement[bool] = of_period.where(ScheduledStep.order_id == Order.id).correlate(Order).exists()
        if EMERGENCIES in wish.also:
            fits = or_(fits, and_(Order.priority == _STAT, *([_has_step(*where)] if where else [])))
        return [fits]
    if EMERGENCIES not in wish.also:
        return [Order.id.in_(of_period)]
    other = aliased(Order)
    emergencies = select(other.id).where(other.priority == _STAT, other.status.in_(wish.states or OPEN))
    if where:
        emergencies = emergencies.where(other.id.in_(select(ScheduledStep.order_id).where(*where)))
    return [Order.id.in_(of_period.union(emergencies))]


def _has_step(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return Order.id.in_(select(ScheduledStep.order_id).where(*where))


def _of_study(uid: str) -> ColumnElement[bool]:
    answered = select(StudyOrder.order_id).join(Study, Study.id == StudyOrder.study_id)
    return or_(
        Order.study_instance_uid == uid,
        Order.scheduled_study_instance_uid == uid,
        Order.id.in_(answered.where(Study.study_instance_uid == uid)),
    )
