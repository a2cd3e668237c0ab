"""Imaging orders as the EHR places them: upsert by accession number, find, list, cancel."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, Position
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient, StepData
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.numbers import as_uuid, find_patient, find_patient_record
from ehr_bridge.services.registry.order_search import OrderWish, search_orders
from ehr_bridge.services.registry.order_states import Stated, move, order_shows, state
from ehr_bridge.services.registry.staleness import take_moment
from ehr_bridge.services.visibility.asker import require_open


@dataclass(frozen=True, slots=True)
class OrderData:
    """What an EHR says of an order and its first step. The patient is named by MRN beside it."""

    modality: str
    description: str
    scheduled_at: datetime | None
    ordered_by: str | None
    placer_order_number: str | None = None
    requested_procedure_id: str | None = None
    scheduled_procedure_step_id: str | None = None
    procedure_code: str | None = None
    station_ae_title: str | None = None
    body_part: str | None = None
    laterality: str | None = None
    priority: str | None = None
    further_steps: tuple[StepData, ...] = ()
    """The steps after the first one, each with an id of its own."""


SAYINGS = {
    OrderStatus.ARRIVED: "order.arrived",
    OrderStatus.COMPLETED: "order.completed",
    OrderStatus.REPORTED: "order.reported",
}
"""Audit actions for reported states."""


class Listener(Protocol):
    """Informed of changes of an order, within the transaction."""

    def order_told(
        self, session: Session, order: Order, before: Mapping[str, Any] | None, origin: Origin, now: datetime
    ) -> None:
        """`before` is None for a new order, else the former values of the changed fields."""

    def order_cancelled(
        self, session: Session, order: Order, shown: Mapping[str, Any], origin: Origin, now: datetime
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

    def upsert(
        self,
        accession_number: str,
        mrn: str,
        data: OrderData,
        origin: Origin,
        said: Stated | None = None,
        scheduled_study_instance_uid: str | None = None,
        as_of: datetime | None = None,
    ) -> tuple[Order, bool]:
        """Create or update the order with that accession number; `said` is the reported state. Says whether it is new.

        `scheduled_study_instance_uid` is the UID in the filler's worklist (IHE RAD-4, IPC-3 or ZDS-1); None keeps the
        present one, which is ours unless another was sent. `as_of` is when the EHR knew this (`staleness.take_moment`).

        Raises:
            NotFound: no patient has that MRN.
            Conflict: it is cancelled and `said` is another state; or the UID is another order's, or comes too late; or
                what was told last is newer.
            InvalidInput: `as_of` lies in the future.
        """
        now = self._clock()
        with self._database.write() as session:
            patient = find_patient(session, mrn)
            order = session.scalar(
                select(Order).where(Order.accession_number == accession_number).with_for_update(of=Order)
            )
            created = order is None
            if order is None:
                order = self._new_order(accession_number, patient, now)
            take_moment(order, as_of, now)
            changed = [f.name for f in fields(OrderData) if getattr(order, f.name) != getattr(data, f.name)]
            before = None if created else {name: getattr(order, name) for name in changed}
            if not created and order.patient_id != patient.id:
                before = {**(before or {}), "patient_id": order.patient_id}
            if scheduled_study_instance_uid not in (None, order.scheduled_study_instance_uid):
                changed.append("scheduled_study_instance_uid")
                if before is not None:
                    before["scheduled_study_instance_uid"] = order.scheduled_study_instance_uid
                _schedule_under(session, order, str(scheduled_study_instance_uid))
            if before or created:
                for name in changed:
                    setattr(order, name, getattr(data, name, getattr(order, name)))
                order.patient, order.patient_id = patient, patient.id
                session.add(order)
                session.flush()
                event = Event(
                    "order.created" if created else "order.updated",
                    patient_id=patient.id,
                    order_id=order.id,
                    detail={"fields": changed + (["mrn"] if before and "patient_id" in before else [])},
                )
                audit.append(session, origin, event, now)
                self._listener.order_told(session, order, before, origin, now)
            order.made_here, order.told_patient_id = False, find_patient_record(session, mrn).id
            if said is not None:
                self._state(session, order, said, origin, now)
            return order, created

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
        action = "order.report_withdrawn" if before == OrderStatus.REPORTED else SAYINGS[said]
        self._note(session, action, order, before, origin, now)

    def _note(self, session: Session, action: str, order: Order, before: str, origin: Origin, now: datetime) -> None:
        detail = {"before": before, "after": order.status}
        audit.append(session, origin, Event(action, "success", order.patient_id, order.id, detail=detail), now)

    def _new_order(self, accession_number: str, patient: Patient, now: datetime) -> Order:
        uid = self._new_uid()
        return Order(
            id=uuid.uuid4(),
            accession_number=accession_number,
            patient=patient,
            patient_id=patient.id,
            status=OrderStatus.SCHEDULED,
            scheduled_study_instance_uid=uid,
            study_instance_uid=uid,
            created_at=now,
        )

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

    def search(
        self, wish: OrderWish, limit: int, offset: int, after: Position | None = None, sort: str | None = None
    ) -> Page[Order]:
        """The matching orders; latest appointment first unless asked otherwise. Filters match any step. Raises
        InvalidInput when the list cannot be sorted like that or has no position `after`."""
        with self._fresh.read() as session:
            return search_orders(session, wish, limit, offset, after, sort)

    def cancel(self, id_or_accession_number: str, origin: Origin) -> Order:
        """Cancel an order; its images stay with the patient. Cancelling twice changes nothing.

        Raises:
            NotFound: there is no such order.
            Conflict: it is reported.
        """
        now = self._clock()
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            if order.status == OrderStatus.CANCELLED:
                return order
            shown = order_shows(order)
            move(order, OrderStatus.CANCELLED)
            self._note(session, "order.cancelled", order, shown["status"], origin, now)
            self._listener.order_cancelled(session, order, shown, origin, now)
            return order


def _schedule_under(session: Session, order: Order, uid: str) -> None:
    """Expect the order's images under this Study Instance UID. Raises Conflict when another order has it, or this one
    already has images."""
    if order.orthanc_study_id is not None or order.study_instance_uid != order.scheduled_study_instance_uid:
        raise Conflict("study_uid_too_late", "This order already has images; its Study Instance UID cannot change.")
    if session.scalar(select(Order.id).where(Order.scheduled_study_instance_uid == uid, Order.id != order.id)):
        raise Conflict("study_uid_of_another_order", "Another order has this Study Instance UID; give each its own.")
    order.scheduled_study_instance_uid = order.study_instance_uid = uid


def find_order(session: Session, id_or_accession_number: str) -> Order:
    """The order with that accession number or that id; no UUID is as short as an accession number (VR SH).

    Raises:
        NotFound: there is neither.
        NotPermitted: the caller may not see its patient (`visibility.asker`).
    """
    key = as_uuid(id_or_accession_number)
    if key is None:
        order = session.scalar(select(Order).where(Order.accession_number == id_or_accession_number))
    else:
        order = session.get(Order, key)
    if order is None:
        raise NotFound("order_not_found", "No order has this accession number or id; place the order first.")
    require_open(order.patient_id)
    return order
