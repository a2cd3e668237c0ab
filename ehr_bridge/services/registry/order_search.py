"""The list of orders: its filters and its orders of rows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Key, Page, Position, Sorts, fetch_sorted, in_period
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.services.identity.reading_rank import ROUTINE as BETWEEN
from ehr_bridge.services.identity.reading_rank import URGENCY
from ehr_bridge.services.registry.searching import among_found, number_fits, person_fits
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

PRIORITIES = ("STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW")
ROUTINE = "ROUTINE"
"""What an order is that says nothing of its priority."""
EMERGENCIES, UNSCHEDULED = "emergencies", "unscheduled"
ALSO = (EMERGENCIES, UNSCHEDULED)
WAITING = frozenset({OrderStatus.SCHEDULED, OrderStatus.ARRIVED})
_STAT = PRIORITIES[0]
_URGENCY = case(URGENCY, value=Order.priority, else_=BETWEEN)
_SCHEDULED_AT = Key(ScheduledStep.scheduled_at.expression, datetime.fromisoformat)
_NAME = (Patient.family_name, Patient.given_name, Patient.middle_name)
SORTS = Sorts(
    {
        "scheduled_at": _SCHEDULED_AT,
        "accession_number": (),
        "created_at": Key(Order.created_at.expression, datetime.fromisoformat),
        "updated_at": Key(Order.updated_at.expression, datetime.fromisoformat),
        "urgency": (Key(_URGENCY, int), _SCHEDULED_AT),
        "patient_name": tuple(Key(func.coalesce(part, "")) for part in _NAME),
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
    first = (ScheduledStep.order_id == Order.id) & (ScheduledStep.position == 0)
    query = select(Order).join(ScheduledStep, first).where(without(Order.patient_id, wish.closed))
    query = query.where(*conditions_of(wish), *further)
    if (sort or "").removeprefix("-") == "patient_name":
        query = query.join(Patient, Patient.id == Order.patient_id)
    if wish.text:
        query = query.where(_text_fits(session, wish.text))
    return fetch_sorted(session, query, SORTS.chosen(sort), limit, offset, after)


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
        conditions.append(Order.assigned_to == (wish.assigned_to or None))
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
    fits: ColumnElement[bool]
    period = in_period(ScheduledStep.scheduled_at.expression, wish.since, wish.until)
    if not period:
        return [_has_step(*where)] if where else []
    when = and_(*period)
    if UNSCHEDULED in wish.also:
        when = or_(when, ScheduledStep.scheduled_at.is_(None))
    fits = _has_step(*where, when)
    if wish.since is None and wish.states and WAITING.issuperset(wish.states):
        # Few wait, however many appointments have been: each is asked for its steps, not every step for its order.
        steps = select(ScheduledStep.order_id).where(ScheduledStep.order_id == Order.id, *where, when)
        fits = steps.correlate(Order).exists()
    if EMERGENCIES in wish.also:
        emergency = Order.priority == _STAT
        fits = or_(fits, and_(emergency, _has_step(*where)) if where else emergency)
    return [fits]


def _has_step(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return Order.id.in_(select(ScheduledStep.order_id).where(*where))


def _of_study(uid: str) -> ColumnElement[bool]:
    answered = select(StudyOrder.order_id).join(Study, Study.id == StudyOrder.study_id)
    return or_(
        Order.study_instance_uid == uid,
        Order.scheduled_study_instance_uid == uid,
        Order.id.in_(answered.where(Study.study_instance_uid == uid)),
    )
