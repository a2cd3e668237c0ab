"""Imaging orders as the EHR places them: upsert by accession number, look up, list, cancel."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Order, Patient
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit import Event, Origin
from ehr_bridge.services.paging import Page, fetch_page
from ehr_bridge.services.patients import as_uuid, find_patient
from ehr_bridge.services.restrictions import NOTHING, Closed, without

TRANSITIONS: dict[str, frozenset[str]] = {
    "scheduled": frozenset({"arrived", "in_progress", "completed", "cancelled"}),
    "arrived": frozenset({"in_progress", "completed", "cancelled"}),
    "in_progress": frozenset({"completed", "reported"}),
    "completed": frozenset({"in_progress", "reported"}),
    "reported": frozenset({"completed"}),
    "cancelled": frozenset(),
}
"""Where an order may go from each state; an order that has images is not cancelled away."""


@dataclass(frozen=True, slots=True)
class OrderData:
    """What an EHR says of an order. The patient is named by MRN beside it."""

    modality: str
    description: str
    scheduled_at: datetime | None
    ordered_by: str | None
    placer_order_number: str | None
    station_ae_title: str | None
    body_part: str | None
    priority: str | None


class Orders:
    def __init__(self, database: Database, clock: Callable[[], datetime], new_uid: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_uid = new_uid

    def upsert(self, accession_number: str, mrn: str, data: OrderData, origin: Origin) -> tuple[Order, bool]:
        """The order with that accession number, as `data` says; and whether it is new.

        Raises:
            NotFound: no patient has that MRN.
            Conflict: the order already has images and would move to another patient.
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
            changed = [f.name for f in fields(OrderData) if getattr(order, f.name) != getattr(data, f.name)]
            if order.patient_id != patient.id:
                _require_no_images(order)
                order.patient = patient
                changed.append("mrn")
            if not changed and not created:
                return order, False
            for name in changed:
                if name != "mrn":
                    setattr(order, name, getattr(data, name))
            order.updated_at = now
            session.add(order)
            session.flush()
            event = Event(
                "order.created" if created else "order.updated",
                patient_id=patient.id,
                order_id=order.id,
                detail={"fields": changed},
            )
            audit.append(session, origin, event, now)
            return order, created

    def _new_order(self, accession_number: str, patient: Patient, now: datetime) -> Order:
        uid = self._new_uid()
        return Order(
            id=uuid.uuid4(),
            accession_number=accession_number,
            patient=patient,
            patient_id=patient.id,
            status="scheduled",
            scheduled_study_instance_uid=uid,
            study_instance_uid=uid,
            created_at=now,
            updated_at=now,
        )

    def get(self, id_or_accession_number: str) -> Order:
        """Raises NotFound."""
        with self._database.read() as session:
            return find_order(session, id_or_accession_number)

    def search(
        self, text: str | None, status: str | None, limit: int, offset: int, closed: Closed = NOTHING
    ) -> Page[Order]:
        """Orders, latest appointment first; `text` is a beginning of an accession number, MRN or family name."""
        query = select(Order).join(Order.patient).where(without(Order.patient_id, closed))
        if status:
            query = query.where(Order.status == status)
        if text:
            pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            query = query.where(
                or_(
                    Order.accession_number.ilike(pattern, escape="\\"),
                    Patient.mrn.ilike(pattern, escape="\\"),
                    Patient.family_name.ilike(pattern, escape="\\"),
                )
            )
        query = query.order_by(Order.scheduled_at.desc(), Order.accession_number)
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def cancel(self, id_or_accession_number: str, origin: Origin) -> Order:
        """Cancel an order that has no images; cancelling twice changes nothing.

        Raises:
            NotFound: there is no such order.
            Conflict: it has images or is finished.
        """
        now = self._clock()
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            if order.status == "cancelled":
                return order
            move(order, "cancelled")
            order.updated_at = now
            event = Event("order.cancelled", patient_id=order.patient_id, order_id=order.id)
            audit.append(session, origin, event, now)
            return order


def find_order(session: Session, id_or_accession_number: str) -> Order:
    """The order with that accession number, or else with that id.

    Raises:
        NotFound: there is neither.
    """
    order = session.scalar(select(Order).where(Order.accession_number == id_or_accession_number))
    if order is None and (key := as_uuid(id_or_accession_number)) is not None:
        order = session.get(Order, key)
    if order is None:
        raise NotFound("order_not_found", "No order has this accession number or id; place the order first.")
    return order


def move(order: Order, status: str) -> None:
    """Take an order to another state.

    Raises:
        Conflict: it cannot go there from where it is.
    """
    if status not in TRANSITIONS[order.status]:
        raise Conflict("order_state", f"An order that is '{order.status}' cannot become '{status}'.")
    order.status = status


def _require_no_images(order: Order) -> None:
    if order.orthanc_study_id is not None:
        raise Conflict(
            "order_has_images",
            "This order already has images; its patient can only be changed by reconciliation.",
        )
