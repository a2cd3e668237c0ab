"""Performed steps for people: a list, one of them, and how many need somebody."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, text
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import STILL_OPEN, PerformedOrder, PerformedStep
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import NotFound
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

SORTS = by_time("created_at", PerformedStep.created_at.expression, PerformedStep.id.expression)
PATIENCE = timedelta(minutes=10)
"""Images and orders may come this much later than the modality's word, before somebody should look."""

LONGEST = timedelta(days=1)
"""No examination takes longer; a modality that has said nothing for so long was switched off in the middle."""

IS_OPEN = and_(text(STILL_OPEN), PerformedStep.closed_at.is_(None))
LACKS_ORDER = and_(IS_OPEN, ~exists().where(PerformedOrder.performed_step_id == PerformedStep.id))
LACKS_IMAGES = and_(
    IS_OPEN,
    PerformedStep.status != PerformedStatus.IN_PROGRESS,
    PerformedStep.number_here < PerformedStep.number_of_images,
)


@dataclass(frozen=True, slots=True)
class PerformedFilters:
    """Which steps to list; None is any. `since` is inclusive, `until` exclusive, of when they were created."""

    status: PerformedStatus | None = None
    is_waiting: bool | None = None
    """For an order, for images, or since long for its end."""
    patients: Collection[uuid.UUID] | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed: Closed = NOTHING
    """What the caller may not see."""


class Waiting(NamedTuple):
    """How many steps have waited for a while."""

    for_order: int
    for_images: int
    for_end: int


class PerformedListing:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def search(
        self, filters: PerformedFilters, limit: int, offset: int, sort: str | None = None
    ) -> Page[PerformedStep]:
        """The matching steps, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted
        like that."""
        query = select(PerformedStep).where(*_conditions(filters, self._clock())).order_by(*SORTS.order(sort))
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            for step in page.items:
                _read_orders(step)
        return page

    def get(self, sop_instance_uid: str) -> PerformedStep:
        """Raises NotFound, or NotPermitted when the caller may not see a patient of it."""
        with self._database.read() as session:
            step = session.scalar(select(PerformedStep).where(PerformedStep.sop_instance_uid == sop_instance_uid))
            if step is None:
                raise NotFound("performed_step_not_found", "No modality has reported a step with this UID.")
            for order in _read_orders(step):
                require_open(order.patient_id)
        return step

    def waiting(self) -> Waiting:
        """The steps that somebody should look at: long enough without an order, all of their images, or an end."""
        old = PerformedStep.received_at < self._clock() - PATIENCE
        with self._database.read() as session:
            return Waiting(
                _count(session, LACKS_ORDER, old),
                _count(session, LACKS_IMAGES, old),
                _count(session, _lacks_end(self._clock())),
            )


def patients_of(session: Session, sop_instance_uid: str) -> list[uuid.UUID | None]:
    """Whose a step is: of its orders, and of the study that its images are in."""
    of_step = PerformedStep.sop_instance_uid == sop_instance_uid
    of_orders = select(Order.patient_id).join(PerformedOrder, PerformedOrder.order_id == Order.id)
    of_orders = of_orders.join(PerformedStep, PerformedStep.id == PerformedOrder.performed_step_id).where(of_step)
    of_study = select(Study.patient_id).join(
        PerformedStep, PerformedStep.study_instance_uid == Study.study_instance_uid
    )
    return [*session.scalars(of_orders), *session.scalars(of_study.where(of_step))]


def _read_orders(step: PerformedStep) -> list[Order]:
    """While the session is open: the answer names them."""
    return step.orders


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(PerformedStep).where(*conditions)) or 0


def _of_orders(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        PerformedOrder.performed_step_id == PerformedStep.id, Order.id == PerformedOrder.order_id, *conditions
    )


def _lacks_end(now: datetime) -> ColumnElement[bool]:
    row = PerformedStep
    return and_(IS_OPEN, row.status == PerformedStatus.IN_PROGRESS, row.received_at < now - LONGEST)


def _conditions(filters: PerformedFilters, now: datetime) -> list[ColumnElement[bool]]:
    row = PerformedStep
    conditions = in_period(row.created_at.expression, filters.since, filters.until)
    if filters.status is not None:
        conditions.append(row.status == filters.status)
    if filters.is_waiting is not None:
        waits = or_(LACKS_ORDER, LACKS_IMAGES, _lacks_end(now))
        conditions.append(waits if filters.is_waiting else not_(waits))
    if filters.study_instance_uid is not None:
        conditions.append(row.study_instance_uid == filters.study_instance_uid)
    if filters.order_id is not None:
        conditions.append(_of_orders(Order.id == filters.order_id))
    if filters.patients is not None:
        conditions.append(_of_orders(Order.patient_id.in_(filters.patients)))
    if filters.closed.patients:
        conditions.append(~_of_orders(Order.patient_id.in_(filters.closed.patients)))
        of_study = exists().where(
            Study.study_instance_uid == row.study_instance_uid, Study.patient_id.in_(filters.closed.patients)
        )
        conditions.append(~of_study)
    return conditions
