"""The rows on their way to one destination: which is next, who sends, what became of it.

One sender at a time has the lease of a destination, on all nodes together. A node that dies keeps it for `LEASE` at
most; what it has sent and not noted is sent again, under the same id.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.states import UNDELIVERED, DeliveryState, Policy
from ehr_bridge.db.tables.logs import Delivery, Destination, Sending
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.fhir.subscriptions import HANDSHAKE
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, Event
from ehr_bridge.services.delivery.kinds import WITHDRAWN
from ehr_bridge.services.reporting.rows import is_purged, visible

LEASE = timedelta(seconds=180)
"""More than one exchange can take: an answer that does not come on a connection that was kept, a new one, and again."""
MOST_TRIES = 20
"""Failed attempts of one delivery that are kept."""
KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 20_000

_ROWS, _SENDING = table_of(Delivery), table_of(Sending)
_UNDELIVERED = _ROWS.c.state.in_(UNDELIVERED)
_NEXT = (
    select(Delivery, Order.patient_id.label("patient_of_order"))
    .outerjoin(Order, Order.id == Delivery.order_id)
    .order_by(Delivery.id)
)
_NOTE = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("of_id"), _ROWS.c.state == DeliveryState.PENDING)
    .values({name: bindparam(f"new_{name}") for name in ("state", "attempts", "tries", "last_error", "ended_at")})
    .values({name: bindparam(f"new_{name}") for name in ("milliseconds", "receipt", "drop_reason")})
)


@dataclass(slots=True)
class Waiting:
    """A delivery that may be sent now."""

    id: int
    event_id: uuid.UUID
    seq: int
    type: str
    time: datetime
    patients: frozenset[uuid.UUID]
    """Whose it is, or was."""
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    study_instance_uid: str | None
    report_id: uuid.UUID | None
    report_version: int | None
    order_status: str | None
    data: dict[str, Any]
    attempts: int
    tries: list[Any]
    content: bytes | None


@dataclass(slots=True)
class Noted:
    """What is to be written of a delivery."""

    id: int
    state: DeliveryState
    attempts: int
    tries: list[Any]
    last_error: str | None = None
    ended_at: datetime | None = None
    milliseconds: int | None = None
    receipt: str | None = None
    drop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class How:
    """How sending goes: the columns of `destination_sending` but for the lease."""

    failures: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None
    stopped_at: datetime | None = None
    stopped_because: str | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    last_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a destination and what is first in its queue."""

    destination: Destination
    how: How
    waiting: list[Waiting] = field(default_factory=list)
    is_blocked: bool = False
    """A parked delivery stands in front."""


class LeaseLost(Exception):
    """Another node sends to this destination now."""


class Queue:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def head(self, destination_id: uuid.UUID, limit: int) -> Head | None:
        """None when there is no such destination any more."""
        with self._database.read() as session:
            destination, sending = session.get(Destination, destination_id), session.get(Sending, destination_id)
            if destination is None or sending is None:
                return None
            how = How(**{name: getattr(sending, name) for name in How.__dataclass_fields__})
            is_blocked = destination.policy == Policy.BLOCK
            states = UNDELIVERED if is_blocked else (DeliveryState.PENDING,)
            query = _NEXT.where(Delivery.destination_id == destination_id, Delivery.state.in_(UNDELIVERED))
            rows = session.execute(query.where(Delivery.state.in_(states), ~is_held()).limit(limit)).all()
        waiting: list[Waiting] = []
        for row in rows:
            if row[0].state == DeliveryState.PARKED:
                return Head(destination, how, waiting, is_blocked=not waiting)
            waiting.append(_waiting(row[0], row[1]))
        return Head(destination, how, waiting)

    def lease(self, destination_id: uuid.UUID, holder: str) -> bool:
        """Whether this holder may send to a destination, until `LEASE` is over or it says that it ends."""
        now = self._clock()
        free = or_(_SENDING.c.lease_by == holder, _SENDING.c.lease_until.is_(None), _SENDING.c.lease_until < now)
        take = update(_SENDING).where(_SENDING.c.destination_id == destination_id, free)
        with self._database.write_relaxed() as session:
            done = session.connection().execute(take.values(lease_by=holder, lease_until=now + LEASE))
        return bool(done.rowcount)

    def release(self, holder: str) -> None:
        """End all leases of a holder, so that another node need not wait for their end."""
        with self._database.write_relaxed() as session:
            mine = update(_SENDING).where(_SENDING.c.lease_by == holder)
            session.connection().execute(mine.values(lease_until=None, lease_by=None))

    def note(self, destination_id: uuid.UUID, holder: str, noted: Sequence[Noted], how: How) -> None:
        """Write what became of deliveries, and go on having the lease. What a person has dropped meanwhile stays
        dropped. Raises LeaseLost; then nothing is written."""
        now = self._clock()
        mine = update(_SENDING).where(_SENDING.c.destination_id == destination_id, _SENDING.c.lease_by == holder)
        values = {name: getattr(how, name) for name in How.__dataclass_fields__}
        with self._database.write_relaxed() as session:
            connection = session.connection()
            if not connection.execute(mine.values(lease_until=now + LEASE, **values)).rowcount:
                raise LeaseLost
            if noted:
                connection.execute(_NOTE, [_values(one) for one in noted])

    def tell_stopped(self, destination: Destination, because: str) -> None:
        """Into the audit trail: nothing more is sent there until a person says so."""
        detail = {"destination": destination.name, "reason": because}
        with self._database.write() as session:
            audit.append(session, OURSELVES, Event("destination.stopped", detail=detail), self._clock())

    def keep_content(self, contents: Sequence[tuple[int, bytes]], numbered: uuid.UUID | None = None) -> None:
        """Write down what will be sent, before it is sent: however often that is, it stays the same. `numbered` is the
        destination, where each of them but handshakes has the next number."""
        if contents:
            keep = update(_ROWS).where(_ROWS.c.id == bindparam("of_id")).values(content=bindparam("new_content"))
            with self._database.write_relaxed() as session:
                connection = session.connection()
                connection.execute(keep, [{"of_id": key, "new_content": one} for key, one in contents])
                if numbered is not None:
                    of = _ROWS.c.destination_id == numbered
                    told = select(func.count()).where(of, _ROWS.c.content.is_not(None), _ROWS.c.type != HANDSHAKE)
                    told = told.where(_ROWS.c.id.in_([key for key, _ in contents]))
                    count = func.coalesce(_SENDING.c.numbered, 0) + told.scalar_subquery()
                    connection.execute(
                        update(_SENDING).where(_SENDING.c.destination_id == numbered).values(numbered=count)
                    )

    def forget_old(self) -> int:
        """Delete what was sent or dropped long ago, not too much at once; returns how many."""
        ended = (DeliveryState.SENT, DeliveryState.DROPPED)
        old = select(_ROWS.c.id).where(_ROWS.c.time < self._clock() - KEPT, _ROWS.c.state.in_(ended))
        with self._database.read() as session:
            ids = session.scalars(old.limit(FORGOTTEN_AT_ONCE)).all()
        if not ids:
            return 0
        with self._database.write() as session:
            session.connection().execute(delete(_ROWS).where(_ROWS.c.id.in_(ids)))
        return len(ids)


def is_held() -> ColumnElement[bool]:
    """A report in doubt is told nobody of until a radiologist has decided, and one whose study is to be deleted until
    that is decided, but for its withdrawal; what is of other reports goes on."""
    is_deleted = and_(~visible(), ~is_purged(), Delivery.type != WITHDRAWN)
    return exists().where(Report.id == Delivery.report_id, or_(Report.doubt.is_not(None), is_deleted))


def is_waiting(session: Session, destination_id: uuid.UUID) -> bool:
    return bool(session.scalar(select(exists().where(Delivery.destination_id == destination_id, _UNDELIVERED))))


def depth_of(session: Session, destination_id: uuid.UUID) -> tuple[int, datetime | None]:
    """How many wait, parked ones included, and since when the first does."""
    waiting = Delivery.destination_id == destination_id
    query = select(func.count()).select_from(Delivery).where(waiting, Delivery.state.in_(UNDELIVERED))
    first = select(Delivery.time).where(waiting, Delivery.state.in_(UNDELIVERED)).order_by(Delivery.id).limit(1)
    return session.scalar(query) or 0, session.scalar(first)


def _waiting(delivery: Delivery, patient_of_order: uuid.UUID | None) -> Waiting:
    names = [name for name in Waiting.__dataclass_fields__ if name != "patients"]
    whose = frozenset(one for one in (delivery.patient_id, patient_of_order) if one is not None)
    return Waiting(patients=whose, **{name: getattr(delivery, name) for name in names})


def _values(one: Noted) -> dict[str, Any]:
    values = {f"new_{name}": getattr(one, name) for name in Noted.__dataclass_fields__ if name != "id"}
    return values | {"of_id": one.id}
