"""FHIR Subscriptions: destinations that somebody has made at the FHIR door. Their rows, order, retries and addresses
are those of webhooks that hold back what follows a refusal; only who makes them and what is sent differ."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeliveryState, DestinationKind, Policy
from ehr_bridge.db.tables.logs import Delivery, Destination, FeedEvent, Sending
from ehr_bridge.errors import InvalidInput, NotFound
from ehr_bridge.fhir.subscriptions import HANDSHAKE, Subscribed, invalid
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.delivery.destinations import DestinationData, Destinations
from ehr_bridge.services.delivery.kinds import CRITERIA

ELEMENTS = {"url": "channel.endpoint", "allow_networks": "channel.extension", "token": "channel.header"}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One as it is now."""

    row: Destination
    said: Subscribed
    status: str
    """`requested` until it has answered for the first time, `active`, `error`, or `off`."""
    error: str | None
    count: int
    """Events that it was told of."""


class Subscriptions:
    def __init__(self, database: Database, clock: Callable[[], datetime], destinations: Destinations) -> None:
        self._database = database
        self._clock = clock
        self._destinations = destinations

    def all(self) -> list[Subscription]:
        """By the time at which they were made."""
        query = select(Destination, Sending).join(Sending, Sending.destination_id == Destination.id)
        query = query.where(Destination.subscription.is_not(None)).order_by(Destination.created_at, Destination.id)
        with self._database.read() as session:
            return [_now(session, *row) for row in session.execute(query).all()]

    def get(self, key: uuid.UUID | None) -> Subscription:
        """Raises NotFound."""
        with self._database.read() as session:
            return _found(session, key)

    def create(self, said: Subscribed, origin: Origin) -> Subscription:
        """A new one, which is asked first whether it listens. Raises InvalidInput."""
        with self._database.together() as session:
            name = f"subscription-{uuid.uuid4().hex[:20]}"
            row = self._put(name, said, said.headers, origin)
            if not said.is_off:
                self._ask(session, row.id)
            session.flush()
            return _found(session, row.id)

    def change(self, key: uuid.UUID | None, said: Subscribed, origin: Origin) -> Subscription:
        """What it says now; where it does not work, it is asked again, and gets what it has refused. Headers that are
        not given stay, for the same server. Raises NotFound, InvalidInput."""
        with self._database.together() as session:
            before = _found(session, key)
            row = self._put(before.row.name, said, said.headers or None, origin)
            if before.status in ("error", "off") and not said.is_off:
                again = update(Delivery).where(
                    Delivery.destination_id == row.id, Delivery.state == DeliveryState.PARKED
                )
                session.execute(again.values(state=DeliveryState.PENDING, attempts=0, ended_at=None))
                self._destinations.start(row.name, origin)
                if before.count == 0 and not _is_asked(session, row.id):
                    self._ask(session, row.id)
            session.flush()
            session.expire_all()
            return _found(session, row.id)

    def remove(self, key: uuid.UUID | None, origin: Origin) -> None:
        """With all that waits for it. Raises NotFound."""
        with self._database.together() as session:
            self._destinations.remove(_found(session, key).row.name, origin)

    def _put(self, name: str, said: Subscribed, headers: Sequence[str] | None, origin: Origin) -> Destination:
        kept = {"criteria": said.criteria, "payload": said.payload, "is_empty": said.is_empty, "reason": said.reason}
        data = DestinationData(
            DestinationKind.WEBHOOK,
            CRITERIA[said.criteria],
            url=said.endpoint,
            policy=Policy.BLOCK,
            allow_networks=said.networks,
            is_ehr=False,
            enabled=not said.is_off,
            description=said.reason,
            subscription=kept,
        )
        try:
            return self._destinations.put(name, data, "\n".join(headers) if headers else None, origin).destination
        except InvalidInput as error:
            raise invalid([(ELEMENTS.get(field, "channel"), why) for field, why in error.errors]) from None

    def _ask(self, session: Session, key: uuid.UUID) -> None:
        seq = session.scalar(select(func.max(FeedEvent.seq))) or 0
        what: dict[str, Any] = {"seq": seq, "event_id": uuid.uuid4(), "type": HANDSHAKE, "time": self._clock()}
        state = DeliveryState.PENDING
        session.add(Delivery(destination_id=key, data={}, state=state, attempts=0, tries=[], **what))


def _is_asked(session: Session, key: uuid.UUID) -> bool:
    asked = select(Delivery.id).where(Delivery.destination_id == key, Delivery.type == HANDSHAKE)
    return session.scalar(asked.where(Delivery.state == DeliveryState.PENDING).limit(1)) is not None


def _found(session: Session, key: uuid.UUID | None) -> Subscription:
    row = None if key is None else session.get(Destination, key)
    if row is None or row.subscription is None:
        raise NotFound("resource_not_found", "There is no Subscription with this id.")
    return _now(session, row, session.get_one(Sending, row.id))


def _now(session: Session, row: Destination, sending: Sending) -> Subscription:
    kept = dict(row.subscription or {})
    said = Subscribed(
        kept["criteria"],
        row.url or "",
        kept["reason"],
        kept["payload"],
        kept["is_empty"],
        tuple(str(one) for one in row.allow_networks),
        (),
        not row.enabled,
    )
    parked = select(Delivery.id).where(Delivery.destination_id == row.id, Delivery.state == DeliveryState.PARKED)
    if not row.enabled or sending.stopped_at is not None:
        status = "off"
    elif sending.failing_since is not None or session.scalar(parked.limit(1)) is not None:
        status = "error"
    else:
        status = "requested" if sending.last_sent_at is None else "active"
    error = sending.last_error if status == "error" or sending.stopped_at is not None else None
    return Subscription(row, said, status, error, sending.numbered or 0)
