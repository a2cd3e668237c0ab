"""Imaging orders as the EHR places them: upsert by accession number, find, list, cancel."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, Position
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.errors import BridgeError, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.desk import (
    EHR,
    TOLD,
    Teller,
    Why,
    note_desk,
    note_ehr,
    require_reason,
    why,
)
from ehr_bridge.services.registry.numbers import as_uuid, find_patient
from ehr_bridge.services.registry.order_search import OrderWish, search_orders
from ehr_bridge.services.registry.order_states import Stated, move, order_shows, state
from ehr_bridge.services.registry.patients import Outcome
from ehr_bridge.services.registry.told_orders import (
    Change,
    Taking,
    ToldOrder,
    just_read,
    note_read,
    saying,
    state_event,
)
from ehr_bridge.services.visibility.asker import require_open

_OF_NUMBER = select(Order).where(Order.accession_number == bindparam("number"))
_OF_NUMBER_OR_UID = select(Order).where(
    (Order.accession_number == bindparam("number")) | (Order.scheduled_study_instance_uid == bindparam("uid"))
)


class Listener(Protocol):
    """Informed of changes of an order, within the transaction."""

    def orders_told(
        self,
        session: Session,
        told: Sequence[tuple[Order, Mapping[str, Any] | None]],
        origin: Origin,
        now: datetime,
        whys: Mapping[uuid.UUID, Why] | None = None,
    ) -> None:
        """Each with the former values of its changed fields; None for a new order. `whys`: why, by order; those
        without one come from the EHR."""

    def order_cancelled(
        self,
        session: Session,
        order: Order,
        shown: Mapping[str, Any],
        origin: Origin,
        now: datetime,
        why: Why = TOLD,
    ) -> None:
        """An order is cancelled; `shown` is the state it had and what it showed of its images."""


class Orders:
    def __init__(
        self,
        database: Database,
        fresh: Fresh,
        clock: Callable[[], datetime],
        new_uid: Callable[[], str],
        listener: Listener,
    ) -> None:
        self._database = database
        self._fresh = fresh
        self._clock = clock
        self._new_uid = new_uid
        self._listener = listener

    def upsert(self, told: ToldOrder, origin: Origin) -> tuple[Order, bool]:
        """Create or update the order with that accession number; says whether it is new.

        Raises:
            NotFound: no patient has that MRN.
            Conflict: it is cancelled and another state is reported; the UID is another order's, or comes too late; or
                what was told last is newer.
            InvalidInput: `as_of` lies in the future; or the desk gives no reason (`desk.require_reason`).
            NotPermitted: the caller may not see its patient (`visibility.asker`).
        """
        (outcome,) = self.upsert_all([told], origin)
        if isinstance(outcome, BridgeError):
            raise outcome
        return outcome

    def upsert_all(self, told: Sequence[ToldOrder], origin: Origin) -> list[Outcome[Order]]:
        """Like `upsert`, for several orders in one transaction; a refusal concerns its item only. Each accession number
        may come once."""
        now = self._clock()
        outcomes: list[Outcome[Order]] = []
        changes: list[Change] = []
        with self._database.write() as session:
            taking = Taking(session, told, self._new_uid, now)
            for one in told:
                try:
                    change = taking.take(one)
                except BridgeError as refusal:
                    outcomes.append(refusal)
                    continue
                outcomes.append((change.order, change.is_new))
                changes.append(change)
            self._write(session, changes, origin, now)
        return outcomes

    def _write(self, session: Session, changes: Sequence[Change], origin: Origin, now: datetime) -> None:
        """Audit what was taken, let others follow it, and set the states that were reported."""
        session.add_all([change.order for change in changes if change.is_new])
        events = [event for change in changes for event in change.events]
        audit.append_all(session, origin, events, now)
        changed = [(change.order, change.before) for change in changes if change.is_new or change.before]
        if changed:
            whys = {change.order.id: change.why for change in changes}
            self._listener.orders_told(session, changed, origin, now, whys)
        later = [change.settle(now) for change in changes if not change.is_new]
        audit.append_all(session, origin, [event for event in later if event is not None], now)

    def arrive(self, id_or_accession_number: str, origin: Origin) -> Order:
        """The patient has arrived. An order with a later state stays as it is.

        Raises:
            NotFound: there is no such order.
            Conflict: it is cancelled.
        """
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            self._state(session, order, OrderStatus.ARRIVED, origin, self._clock())
            return order

    def withdraw_arrival(self, id_or_accession_number: str, origin: Origin) -> Order:
        """The patient has not arrived after all. A scheduled order stays as it is.

        Raises:
            NotFound: there is no such order.
            Conflict: images have arrived since, or its state has changed otherwise.
        """
        now = self._clock()
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            if order.status == OrderStatus.SCHEDULED:
                return order
            before = order.status
            move(order, OrderStatus.SCHEDULED)
            order.arrived_at = None
            self._note(session, "order.arrival_withdrawn", order, before, origin, now)
            return order

    def _state(self, session: Session, order: Order, said: Stated, origin: Origin, now: datetime) -> None:
        """Set the state that somebody reported, and record it in the audit trail."""
        before = state(order, said, now)
        if before is None:
            return
        self._note(session, saying(before, said), order, before, origin, now)

    def _note(self, session: Session, action: str, order: Order, before: str, origin: Origin, now: datetime) -> None:
        audit.append(session, origin, state_event(action, order, before), now)

    def told_of(self, order: Order) -> str:
        """The patient of an order as the EHR last named them, by id: a record that was merged into the present one
        stays named, so that taking the merge back finds the order."""
        told = order.told_patient_id
        with self._database.read() as session:
            is_theirs = told is not None and find_patient(session, str(told)).id == order.patient_id
        return str(told if is_theirs else order.patient_id)

    def get(self, id_or_accession_number: str) -> Order:
        """Raises NotFound."""
        with self._fresh.read() as session:
            return find_order(session, id_or_accession_number)

    def number_of(self, text: str) -> str:
        """The accession number of an order that is named by its id; other text is the number itself. Raises NotFound
        when there is no order with that id."""
        return text if as_uuid(text) is None else self.get(text).accession_number

    def known(self, id_or_accession_number: str, uid: str | None = None) -> Order | None:
        """Like `get`, but None where there is none; `upsert` within the same `together` does not read it again, nor
        which order has the Study Instance UID `uid`. Raises NotPermitted when the caller may not see its patient."""
        with self._database.look() as session:
            if not self._database.is_joined or as_uuid(id_or_accession_number) is not None:
                try:
                    return find_order(session, id_or_accession_number)
                except NotFound:
                    return None
            named = just_read(session, id_or_accession_number, uid)
            if named is None:
                named = session.scalars(_OF_NUMBER_OR_UID, {"number": id_or_accession_number, "uid": uid}).all()
                note_read(session, id_or_accession_number, uid, named)
            order = next((one for one in named if one.accession_number == id_or_accession_number), None)
            require_open(None if order is None else order.patient_id)
            return order

    def placed_as(self, placer_order_number: str, of: Collection[uuid.UUID] | None = None) -> list[Order]:
        """The orders with that number of the placer, of these patients if they are known."""
        query = select(Order).where(Order.placer_order_number == placer_order_number)
        query = query if of is None else query.where(Order.patient_id.in_(of))
        with self._database.read() as session:
            orders = list(session.scalars(query.order_by(Order.created_at)))
        for order in orders:
            require_open(order.patient_id)
        return orders

    def search(
        self, wish: OrderWish, limit: int, offset: int, after: Position | None = None, sort: str | None = None
    ) -> Page[Order]:
        """The matching orders; latest appointment first unless asked otherwise. Filters match any step. Raises
        InvalidInput when the list cannot be sorted like that or has no position `after`."""
        with self._fresh.read() as session:
            return search_orders(session, wish, limit, offset, after, sort)

    def cancel(self, id_or_accession_number: str, origin: Origin, teller: Teller = EHR) -> Order:
        """Cancel an order; its images stay with the patient. Cancelling twice changes nothing.

        Raises:
            NotFound: there is no such order.
            Conflict: it is reported.
            InvalidInput: the EHR told it, and the desk gives no reason.
        """
        now = self._clock()
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            if order.status == OrderStatus.CANCELLED:
                self._agree_to_cancelled(session, order, teller, origin, now)
                return order
            require_reason(order, teller, ["status"])
            shown = order_shows(order)
            move(order, OrderStatus.CANCELLED)
            if teller.is_desk:
                note_desk(order, {"status": shown["status"]})
            self._note(session, "order.cancelled", order, shown["status"], origin, now)
            self._listener.order_cancelled(session, order, shown, origin, now, why(teller))
            return order

    def _agree_to_cancelled(
        self, session: Session, order: Order, teller: Teller, origin: Origin, now: datetime
    ) -> None:
        """The EHR cancels what the desk has cancelled: they agree."""
        if teller.is_desk or (settled := note_ehr(order, {"status"})) in ([], ["registered_here"]):
            return
        event = Event("order.updated", patient_id=order.patient_id, order_id=order.id, detail={"settled": settled})
        audit.append(session, origin, event, now)


def find_order(session: Session, id_or_accession_number: str) -> Order:
    """The order with that accession number or that id; no UUID is as short as an accession number (VR SH).

    Raises:
        NotFound: there is neither.
        NotPermitted: the caller may not see its patient (`visibility.asker`).
    """
    key = as_uuid(id_or_accession_number)
    of_number = {"number": id_or_accession_number}
    order = session.scalar(_OF_NUMBER, of_number) if key is None else session.get(Order, key)
    if order is None:
        raise NotFound("order_not_found", "No order has this accession number or id; place the order first.")
    require_open(order.patient_id)
    return order
