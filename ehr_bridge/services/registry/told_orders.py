"""What the EHR tells of orders, and how it is taken: first everything that may refuse it, then the order is changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.rows import Among
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient, StepData
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit.trail import Event
from ehr_bridge.services.registry.desk import EHR, Teller, Why, note_desk, note_ehr, require_reason, why
from ehr_bridge.services.registry.numbers import NamedPatients, survivor_of
from ehr_bridge.services.registry.order_states import Stated, require_statable, state
from ehr_bridge.services.registry.staleness import note_moment, require_newer
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


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """What the EHR, or the desk, tells of one order."""

    accession_number: str
    mrn: str
    data: OrderData
    status: Stated | None = None
    """The reported state, if any."""
    scheduled_study_instance_uid: str | None = None
    """The UID in the filler's worklist (IHE RAD-4, IPC-3 or ZDS-1); None keeps the present one, which is ours unless
    another was sent."""
    as_of: datetime | None = None
    """When the EHR knew this (`staleness.require_newer`)."""
    teller: Teller = EHR


_LOCKED = select(Order).where(Among(Order.accession_number, "numbers")).with_for_update(of=Order)
_HOLDERS = select(Order.scheduled_study_instance_uid, Order.id).where(Among(Order.scheduled_study_instance_uid, "uids"))
_JUST_READ = "order_of_the_last_number"
SAYINGS = {
    OrderStatus.ARRIVED: "order.arrived",
    OrderStatus.COMPLETED: "order.completed",
    OrderStatus.REPORTED: "order.reported",
}
"""Audit actions for reported states."""


def saying(before: OrderStatus, said: Stated) -> str:
    """The audit action of a reported state, after this one."""
    return "order.report_withdrawn" if before == OrderStatus.REPORTED else SAYINGS[said]


def state_event(action: str, order: Order, before: str) -> Event:
    """The audit event of an order that has another state now."""
    return Event(action, "success", order.patient_id, order.id, detail={"before": before, "after": order.status})


def note_read(session: Session, number: str, uid: str | None, orders: Sequence[Order]) -> None:
    """All orders that have this accession number or Study Instance UID were read in the transaction that is about to
    change one."""
    session.info[_JUST_READ] = (number, uid, orders)


def just_read(session: Session, number: str, uid: str | None) -> Sequence[Order] | None:
    """What was read of these, if that was the last thing read."""
    known: tuple[str, str | None, Sequence[Order]] | None = session.info.get(_JUST_READ)
    return known[2] if known is not None and known[:2] == (number, uid) else None


def _named(session: Session, numbers: list[str], uids: list[str]) -> tuple[Iterable[Order], dict[str, uuid.UUID]]:
    """The orders with these numbers, and which have these UIDs. Nobody else has changed what was read within this
    writer's turn."""
    read: tuple[str, str | None, Sequence[Order]] | None = session.info.pop(_JUST_READ, None)
    if read is not None and [read[0]] == numbers and {*uids} <= {read[1]}:
        orders = read[2]
        return orders, {one.scheduled_study_instance_uid: one.id for one in orders}
    holders = session.execute(_HOLDERS, {"uids": uids}) if uids else ()
    return session.scalars(_LOCKED, {"numbers": numbers}), {row[0]: row[1] for row in holders}


@dataclass(frozen=True, slots=True)
class Change:
    """An order as it was told."""

    order: Order
    told: ToldOrder
    told_patient_id: uuid.UUID
    is_new: bool
    fields: list[str]
    before: Mapping[str, Any] | None
    """Former values of the changed fields; None for a new order, or when nothing changed."""
    former_state: OrderStatus | None
    """Of a new order that has another state already."""
    settled: Sequence[str]
    """Fields in which the desk had differed from the EHR, until now."""

    @property
    def events(self) -> list[Event]:
        """What is audited of it, apart from a new state of an order that was there."""
        if not self.is_new and not self.before and not self.settled:
            return []
        moved = ["mrn"] if self.before and "patient_id" in self.before else []
        action = "order.created" if self.is_new else "order.updated"
        order, teller = self.order, self.told.teller
        said: dict[str, Any] = {"fields": self.fields + moved}
        said |= {"settled": self.settled} if self.settled else {}
        said |= {"reason": teller.reason} if teller.is_desk and teller.reason else {}
        made = Event(action, patient_id=order.patient_id, order_id=order.id, detail=said)
        if self.former_state is None or self.told.status is None:
            return [made]
        return [made, state_event(saying(self.former_state, self.told.status), order, self.former_state)]

    @property
    def why(self) -> Why:
        """Why it changed, for the ledger."""
        return why(self.told.teller, set(self.settled) & {*(self.before or ())})

    def settle(self, now: datetime) -> Event | None:
        """When others have followed the change of an order that was there: who was told, and the reported state;
        returns what is audited of it."""
        self.order.told_patient_id = self.told_patient_id
        if not self.told.teller.is_desk:
            self.order.made_here = self.order.registered_here = False
        if self.told.status is None or (before := state(self.order, self.told.status, now)) is None:
            return None
        return state_event(saying(before, self.told.status), self.order, before)


class Taking:
    """Takes what is told of several orders, each accession number once, within one transaction. Reads all that they
    name first, with a few queries."""

    def __init__(self, session: Session, told: Sequence[ToldOrder], new_uid: Callable[[], str], now: datetime) -> None:
        self._session = session
        self._new_uid = new_uid
        self._now = now
        self._patients = NamedPatients(session, [one.mrn for one in told])
        numbers = sorted(one.accession_number for one in told)
        uids = sorted({uid for one in told if (uid := one.scheduled_study_instance_uid)})
        orders, self._holders = _named(session, numbers, uids)
        self._orders = {order.accession_number: order for order in orders}

    def take(self, told: ToldOrder) -> Change:
        """Set what was told on the order; a new one is not in the session yet. Raises as `Orders.upsert` says, before
        anything is set."""
        with self._session.no_autoflush:
            record = self._patients.find_record(told.mrn)
            patient = survivor_of(self._session, record)
        order = self._orders.get(told.accession_number)
        is_new = order is None
        if order is None:
            order = self._new_order(told, patient, record)
        else:
            require_open(order.patient_id)
        require_newer(order, told.as_of, self._now)
        uid = told.scheduled_study_instance_uid
        is_rescheduled = uid is not None and uid != order.scheduled_study_instance_uid
        if is_rescheduled:
            self._require_free(order, str(uid))
        if told.status is not None:
            require_statable(order, told.status)
        if not is_new:
            require_reason(order, told.teller, _differing(order, told, patient))
        note_moment(order, told.as_of)
        changed, before = _set(order, told, patient)
        if is_rescheduled:
            self._schedule_under(order, str(uid), is_new=is_new)
        former = state(order, told.status, self._now) if is_new and told.status is not None else None
        settled = _note_teller(order, told.teller, {} if is_new else before)
        return Change(order, told, record.id, is_new, changed, None if is_new else before or None, former, settled)

    def _require_free(self, order: Order, uid: str) -> None:
        """Raises Conflict when another order has this UID, or this one already has images."""
        if order.orthanc_study_id is not None or order.study_instance_uid != order.scheduled_study_instance_uid:
            raise Conflict("study_uid_too_late", "This order already has images; its Study Instance UID cannot change.")
        if self._holders.get(uid, order.id) != order.id:
            raise Conflict(
                "study_uid_of_another_order", "Another order has this Study Instance UID; give each its own."
            )

    def _schedule_under(self, order: Order, uid: str, *, is_new: bool) -> None:
        """Expect the order's images under this Study Instance UID."""
        self._holders.pop(order.scheduled_study_instance_uid, None)
        self._holders[uid] = order.id
        order.scheduled_study_instance_uid = order.study_instance_uid = uid
        if not is_new:
            self._session.flush()  # a new order may take the former UID, and rows are inserted before others change

    def _new_order(self, told: ToldOrder, patient: Patient, record: Patient) -> Order:
        uid = self._new_uid()
        return Order(
            id=uuid.uuid4(),
            accession_number=told.accession_number,
            patient=patient,
            patient_id=patient.id,
            told_patient_id=record.id,
            made_here=False,
            registered_here=told.teller.is_desk,
            status=OrderStatus.SCHEDULED,
            scheduled_study_instance_uid=uid,
            study_instance_uid=uid,
            created_at=self._now,
        )


def _set(order: Order, told: ToldOrder, patient: Patient) -> tuple[list[str], dict[str, Any]]:
    """The fields that changed, and former values, also of the patient."""
    uid, data = told.scheduled_study_instance_uid, told.data
    changed = _changed(order, data)
    before = {name: getattr(order, name) for name in changed}
    for name in changed:
        setattr(order, name, getattr(data, name))
    if order.patient_id != patient.id:
        before["patient_id"] = order.patient_id
        order.patient, order.patient_id = patient, patient.id
    if uid not in (None, order.scheduled_study_instance_uid):
        changed.append("scheduled_study_instance_uid")
        before["scheduled_study_instance_uid"] = order.scheduled_study_instance_uid
    return changed, before


def _changed(order: Order, data: OrderData) -> list[str]:
    return [f.name for f in fields(OrderData) if getattr(order, f.name) != getattr(data, f.name)]


def _differing(order: Order, told: ToldOrder, patient: Patient) -> list[str]:
    """What would change."""
    return _changed(order, told.data) + (["patient_id"] if order.patient_id != patient.id else [])


def _note_teller(order: Order, teller: Teller, before: Mapping[str, Any]) -> list[str]:
    """What follows of who it was that said it; returns the fields in which the desk had differed until now."""
    if teller.is_desk:
        note_desk(order, before)
        return []
    said = None if teller.said is None else teller.said | ({"patient_id"} if "mrn" in teller.said else frozenset())
    return note_ehr(order, said)
