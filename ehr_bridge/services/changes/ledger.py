"""The ledger of corrections by the EHR to patients and orders: before, after, and the studies that follow.

The rows change at once, and images that arrive later get the new values; files that are already stored follow by jobs
(`following`). A change can be undone as long as its result is still in effect.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order, Patient, StepData
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.linking.contradictions import doubt
from ehr_bridge.services.linking.following import follow
from ehr_bridge.services.linking.links import link_of, set_link
from ehr_bridge.services.linking.second_looks import Before, Cause, order_changed, orders_told, patients_told
from ehr_bridge.services.linking.used_again import hold_back
from ehr_bridge.services.linking.withheld import studies_of, studies_of_patients
from ehr_bridge.services.registry.desk import TOLD, Why, is_ours
from ehr_bridge.services.registry.order_states import plain

IN_FILES = frozenset({"ordered_by", "patient_id", "accession_number"})
"""Fields of an order that are also in its studies' files."""

type Sides = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The changed fields before and after."""


class Followers:
    """Called by `Patients` and `Orders` within their transactions."""

    def __init__(self, in_files: Set[str] = IN_FILES) -> None:
        """`in_files` are further fields of an order that a site's coercion rules write into files."""
        self._in_files = IN_FILES | in_files

    def patients_told(
        self,
        session: Session,
        told: Sequence[tuple[Patient, Before]],
        origin: Origin,
        now: datetime,
        whys: Mapping[uuid.UUID, Why] | None = None,
    ) -> None:
        """Patients are new (None) or have changed in these fields."""
        changed = [(patient, before) for patient, before in told if before is not None]
        if changed:
            self._patients_changed(session, changed, origin, now, whys or {})
        patients_told(session, told, now)

    def _patients_changed(
        self,
        session: Session,
        changed: Sequence[tuple[Patient, Mapping[str, Any]]],
        origin: Origin,
        now: datetime,
        whys: Mapping[uuid.UUID, Why],
    ) -> None:
        changes = [
            _change(
                "patient_updated",
                patient,
                None,
                _sides(patient, before),
                whys.get(patient.id, TOLD).reason,
                origin,
                now,
            )
            for patient, before in changed
        ]
        session.add_all(changes)
        session.flush()
        theirs = studies_of_patients(session, [patient.id for patient, _ in changed])
        for (patient, _), change in zip(changed, changes, strict=True):
            studies = theirs.get(patient.id, [])
            if not hold_back(session, patient, studies, change, origin, now):
                follow(session, studies, change, change.reason, origin, now)

    def orders_told(
        self,
        session: Session,
        told: Sequence[tuple[Order, Before]],
        origin: Origin,
        now: datetime,
        whys: Mapping[uuid.UUID, Why] | None = None,
    ) -> None:
        """Orders are new (None) or have changed in these fields."""
        for order, before in told:
            if before is not None and self._in_files & set(before):
                why = (whys or {}).get(order.id, TOLD)
                self._order_changed(session, order, before, why, origin, now)
        orders_told(session, told, now)

    def _order_changed(
        self, session: Session, order: Order, before: Mapping[str, Any], why: Why, origin: Origin, now: datetime
    ) -> None:
        sides = _sides(order, before)
        change = note_change(session, "order_updated", order.patient, order, sides, why.reason, origin, now)
        studies = studies_of(session, order_id=order.id)
        if "patient_id" in before and is_ours(order) and not why.is_desk:
            _leave_to_people(session, studies, before["patient_id"], change, order, origin, now)
            studies = []
        elif "patient_id" in before:
            change.moved = move_studies(session, studies, order.patient_id, origin, now)
        follow(session, studies, change, why.reason, origin, now)

    def order_cancelled(
        self,
        session: Session,
        order: Order,
        shown: Mapping[str, Any],
        origin: Origin,
        now: datetime,
        why: Why = TOLD,
    ) -> None:
        """An order is cancelled: its images stay with the patient, without the order."""
        sides = ({"status": shown["status"], "shown": dict(shown)}, {"status": order.status})
        change = note_change(session, "order_cancelled", order.patient, order, sides, why.reason, origin, now)
        studies = studies_of(session, order_id=order.id)
        change.moved = move_studies(session, studies, order.patient_id, origin, now, without=order)
        follow(session, studies, change, why.reason, origin, now)
        order_changed(session, order, Cause.ORDER_CANCELLED, now)


def note_change(
    session: Session,
    kind: str,
    patient: Patient,
    order: Order | None,
    sides: Sides,
    reason: str,
    origin: Origin,
    now: datetime,
    undoes: IdentityChange | None = None,
) -> IdentityChange:
    """Write a change into the ledger, within the caller's transaction."""
    change = _change(kind, patient, order, sides, reason, origin, now, undoes)
    session.add(change)
    session.flush()
    return change


def _change(
    kind: str,
    patient: Patient,
    order: Order | None,
    sides: Sides,
    reason: str,
    origin: Origin,
    now: datetime,
    undoes: IdentityChange | None = None,
) -> IdentityChange:
    before, after = sides
    return IdentityChange(
        id=uuid.uuid4(),
        kind=kind,
        undoes_id=undoes.id if undoes else None,
        patient_id=patient.id,
        order_id=order.id if order else None,
        before={name: plain(value) for name, value in before.items()},
        after={name: plain(value) for name, value in after.items()},
        moved={},
        reason=reason,
        changed_by=origin.actor,
        address=origin.address,
        changed_at=now,
    )


def _sides(row: Patient | Order, before: Mapping[str, Any]) -> Sides:
    return before, {name: getattr(row, name) for name in before}


def move_studies(
    session: Session,
    studies: Iterable[Study],
    patient_id: uuid.UUID,
    origin: Origin,
    now: datetime,
    *,
    without: Order | None = None,
) -> dict[str, Any]:
    """Link these studies to another patient with their orders, or `without` one of them, in the database only; returns
    what moved, for the ledger.

    Where the other orders of a study stay another patient's, it stays with them, and a person decides.
    """
    answered = {}
    for study in studies:
        answered[str(study.id)] = list(map(str, study.order_ids))
        orders = [order for order in study.orders if order is not without]
        is_torn = len({order.patient_id for order in orders} | {patient_id}) > 1
        goes_to = study.patient_id if is_torn and study.patient_id is not None else patient_id
        link = replace(link_of(session, study), patient_id=goes_to, match_patient_id=goes_to, link_id=None, orders={})
        kept = tuple(order.id for order in orders if order.patient_id == goes_to)
        link = link if kept == study.order_ids else link.with_orders(kept)
        set_link(session, study, link, origin.actor, now)
        if is_torn:
            doubt(session, study, origin, {"orders": answered[str(study.id)]}, now)
    return {"studies": list(answered), "answered": answered, "orders": []}


def _leave_to_people(
    session: Session,
    studies: list[Study],
    patient_id: uuid.UUID,
    change: IdentityChange,
    order: Order,
    origin: Origin,
    now: datetime,
) -> None:
    """The number under which a person made an order for studies turns out to be that of another patient's order.

    The studies stay with the patient whom that person chose, without the order, until somebody has reviewed them.
    """
    move_studies(session, studies, patient_id, origin, now, without=order)
    for study in studies:
        doubt(session, study, origin, {"change_id": str(change.id)}, now)


def as_field(name: str, value: Any) -> Any:
    """A field of a patient or order, from the ledger's JSON."""
    if value is None:
        return None
    if name == "patient_id":
        return uuid.UUID(value)
    if name == "birth_date":
        return date.fromisoformat(value)
    if name == "further_steps":
        return tuple(StepData(**{field: as_field(field, said) for field, said in one.items()}) for one in value)
    return datetime.fromisoformat(value) if name == "scheduled_at" else value
