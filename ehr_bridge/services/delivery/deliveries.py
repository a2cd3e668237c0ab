"""Deliveries for people: what became of them, sending again, dropping."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, defer

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page, in_period
from ehr_bridge.db.states import UNDELIVERED, DeliveryState
from ehr_bridge.db.tables.logs import Delivery, Destination, Sending
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.delivery.destinations import find
from ehr_bridge.services.delivery.outcomes import is_suspect
from ehr_bridge.services.delivery.queue import depth_of
from ehr_bridge.services.reporting.rows import visible
from ehr_bridge.services.visibility.asker import patient_restricted
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, of_open

SORTS = Sorts(
    {"id": (), "time": Key(Delivery.time.expression, datetime.fromisoformat)},
    "-id",
    Key(Delivery.id.expression, int),
)
IN_TROUBLE = timedelta(minutes=5)
"""A destination that has failed for so long needs somebody."""
AGAIN_AT_ONCE = 10_000
"""Deliveries that are sent again by one request."""


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    """Which deliveries to list; None is any. `since` is inclusive, `until` exclusive, of when it happened."""

    state: DeliveryState | None = None
    type: str | None = None
    patients: Collection[uuid.UUID] | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed: Closed = NOTHING
    """What the caller may not see."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """How one destination fares."""

    name: str
    enabled: bool
    waiting: int
    """Parked ones included."""
    parked: int
    dead: int
    waiting_since: datetime | None
    """When the first of them happened."""
    failing_since: datetime | None
    next_at: datetime | None
    stopped_at: datetime | None
    stopped_because: str | None
    last_error: str | None
    last_error_at: datetime | None
    last_sent_at: datetime | None
    fails_at: int | None = None
    """The first one that waits, where the destination answers and fails at it again and again."""

    def needs_somebody(self, now: datetime) -> bool:
        """Nothing will change by itself, or has not for a while."""
        is_failing = self.failing_since is not None and now - self.failing_since >= IN_TROUBLE
        return self.enabled and (is_failing or self.stopped_at is not None or self.parked > 0)


class Deliveries:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def search(
        self, destination: str, filters: DeliveryFilters, limit: int, offset: int, sort: str | None = None
    ) -> Page[Delivery]:
        """The matching deliveries to a destination, latest first unless asked otherwise. Raises NotFound, and
        InvalidInput when the list cannot be sorted like that."""
        with self._database.read() as session:
            to = find(session, destination)
            query = select(Delivery).where(Delivery.destination_id == to.id, *_conditions(filters))
            query = query.options(defer(Delivery.content)).order_by(*SORTS.order(sort))
            return fetch_page(session, query, limit, offset)

    def is_shown(self, row: Delivery) -> bool:
        """Whether what is sent may be shown: not of a report whose study is deleted, or is to be."""
        if row.report_id is None:
            return True
        with self._database.read() as session:
            return session.scalar(select(Report.id).where(Report.id == row.report_id, ~visible())) is None

    def get(self, delivery_id: int, closed: Closed) -> tuple[Delivery, str]:
        """A delivery and the name of its destination. Raises NotFound, or NotPermitted when the caller may not see its
        patient."""
        with self._database.read() as session:
            return _found(session, delivery_id, closed)

    def resend(self, delivery_id: int, closed: Closed, origin: Origin) -> tuple[Delivery, str]:
        """Send it again, before all that waits behind it, with the same id for the receiver. Raises NotFound,
        NotPermitted."""
        with self._database.write() as session:
            row, name = _found(session, delivery_id, closed)
            _again(row)
            _let_go(session, row.destination_id)
            detail = {"destination": name, "delivery": row.id, "event": str(row.event_id)}
            audit.append(session, origin, _event("delivery.resent", row, detail), self._clock())
        return row, name

    def resend_since(
        self, name: str, since: datetime, states: Collection[DeliveryState], closed: Closed, origin: Origin
    ) -> int:
        """Send again what happened from then on and is in one of these states, the first ones of it; returns how many.
        Raises NotFound."""
        with self._database.write() as session:
            to = find(session, name)
            query = select(Delivery).where(Delivery.destination_id == to.id, Delivery.state.in_(states))
            query = query.where(Delivery.time >= since, *of_open(Delivery, closed)).options(defer(Delivery.content))
            rows = session.scalars(query.order_by(Delivery.id).limit(AGAIN_AT_ONCE)).all()
            for row in rows:
                _again(row)
            if rows:
                _let_go(session, to.id)
                detail = {"destination": name, "since": since.isoformat(), "count": len(rows)}
                audit.append(session, origin, Event("delivery.resent", detail=detail), self._clock())
        return len(rows)

    def drop(self, delivery_id: int, reason: str, closed: Closed, origin: Origin) -> tuple[Delivery, str]:
        """Do not send it; what waits behind it goes on. Raises NotFound, NotPermitted, Conflict when it was sent."""
        with self._database.write() as session:
            row, name = _found(session, delivery_id, closed)
            if row.state == DeliveryState.SENT:
                raise Conflict("delivery_sent", "It was sent already; the receiver alone can take it back.")
            if row.state != DeliveryState.DROPPED:
                row.state, row.ended_at = DeliveryState.DROPPED, self._clock()
                row.dropped_by, row.drop_reason = origin.actor, reason
                _let_go(session, row.destination_id)
                detail = {"destination": name, "delivery": row.id, "event": str(row.event_id), "reason": reason}
                audit.append(session, origin, _event("delivery.dropped", row, detail), self._clock())
        return row, name

    def states(self) -> list[QueueState]:
        """How each destination fares, by name."""
        with self._database.read() as session:
            rows = session.execute(
                select(Destination, Sending)
                .join(Sending, Sending.destination_id == Destination.id)
                .order_by(Destination.name)
            ).all()
            return [_state(session, *row) for row in rows]

    def backlog(self) -> tuple[int, datetime | None]:
        """How many wait for all destinations together, and when the first of them happened."""
        with self._database.read() as session:
            depths = [depth_of(session, key) for key in session.scalars(select(Destination.id)).all()]
        since = [first for _, first in depths if first is not None]
        return sum(count for count, _ in depths), min(since, default=None)

    def in_trouble(self) -> int:
        """How many destinations need somebody."""
        now = self._clock()
        return sum(one.needs_somebody(now) for one in self.states())


def _found(session: Session, delivery_id: int, closed: Closed) -> tuple[Delivery, str]:
    row = session.get(Delivery, delivery_id)
    if row is None:
        raise NotFound("delivery_not_found", "There is no such delivery, or it is no longer kept.")
    if session.scalar(select(Delivery.id).where(Delivery.id == row.id, *of_open(Delivery, closed))) is None:
        raise patient_restricted()
    return row, session.get_one(Destination, row.destination_id).name


def _again(row: Delivery) -> None:
    row.state, row.attempts, row.tries = DeliveryState.PENDING, 0, []
    row.ended_at = row.dropped_by = row.drop_reason = row.receipt = row.milliseconds = None


def _let_go(session: Session, destination_id: uuid.UUID) -> None:
    """A person has done something about it: look again now."""
    session.get_one(Sending, destination_id).next_at = None


def _event(action: str, row: Delivery, detail: dict[str, object]) -> Event:
    return Event(
        action,
        patient_id=row.patient_id,
        order_id=row.order_id,
        study_instance_uid=row.study_instance_uid,
        detail=detail,
    )


def _state(session: Session, destination: Destination, sending: Sending) -> QueueState:
    waiting, since = depth_of(session, destination.id)
    count = select(func.count()).select_from(Delivery).where(Delivery.destination_id == destination.id)
    parked = session.scalar(count.where(Delivery.state == DeliveryState.PARKED)) or 0
    dead = session.scalar(count.where(Delivery.state == DeliveryState.DEAD)) or 0
    names = ("failing_since", "next_at", "stopped_at", "stopped_because", "last_error", "last_error_at", "last_sent_at")
    how = {name: getattr(sending, name) for name in names}
    fails_at = _fails_at(session, destination.id) if sending.failing_since is not None else None
    return QueueState(destination.name, destination.enabled, waiting, parked, dead, since, **how, fails_at=fails_at)


def _fails_at(session: Session, destination_id: uuid.UUID) -> int | None:
    query = select(Delivery.id, Delivery.tries).where(Delivery.destination_id == destination_id)
    first = session.execute(query.where(Delivery.state.in_(UNDELIVERED)).order_by(Delivery.id).limit(1)).first()
    return first.id if first is not None and is_suspect(first.tries) else None


def _conditions(filters: DeliveryFilters) -> list[ColumnElement[bool]]:
    row = Delivery
    pairs = ((row.state, filters.state), (row.type, filters.type), (row.order_id, filters.order_id))
    conditions: list[ColumnElement[bool]] = [column == value for column, value in pairs if value is not None]
    if filters.study_instance_uid is not None:
        conditions.append(row.study_instance_uid == filters.study_instance_uid)
    if filters.patients is not None:
        conditions.append(row.patient_id.in_(filters.patients))
    conditions += in_period(row.time.expression, filters.since, filters.until)
    return [*conditions, *of_open(row, filters.closed)]
