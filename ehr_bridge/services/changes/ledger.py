"""The ledger of corrections by the EHR to patients and orders: before, after, and the studies that follow.

The rows change at once, and images that arrive later get the new values; files that are already stored follow by jobs
(`following`). A change can be undone as long as its result is still in effect.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Set
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
from ehr_bridge.services.linking.second_looks import Cause, order_changed, patient_changed
from ehr_bridge.services.linking.used_again import hold_back
from ehr_bridge.services.linking.withheld import studies_of
from ehr_bridge.services.registry.order_states import plain

IN_FILES = frozenset({"ordered_by", "patient_id", "accession_number"})
"""Fields of an order that are also in its studies' files."""
TOLD = "from the EHR"


class Followers:
    """Called by `Patients` and `Orders` within their transactions."""

    def __init__(self, in_files: Set[str] = IN_FILES) -> None:
        """`in_files` are further fields of an order that a site's coercion rules write into files."""
        self._in_files = IN_FILES | in_files

    def patient_told(
        self, session: Session, patient: Patient, before: Mapping[str, Any] | None, origin: Origin, now: datetime
    ) -> None:
        """A patient is new (`before` is None) or has changed in these fields."""
        if before is not None:
            after = {name: getattr(patient, name) for name in before}
            change = note_change(session, "patient_updated", patient, None, (before, after), TOLD, origin, now)
            if not hold_back(session, patient, change, origin, now):
                follow(session, studies_of(session, patient_id=patient.id), change, TOLD, origin, now)
        cause = Cause.PATIENT_REGISTERED if before is None else Cause.PATIENT_CORRECTED
        patient_changed(session, patient, cause, now, before)

    def order_told(
        self, session: Session, order: Order, before: Mapping[str, Any] | None, origin: Origin, now: datetime
    ) -> None:
        """An order is new (`before` is None) or has changed in these fields."""
        if before is not None and self._in_files & set(before):
            after = {name: getattr(order, name) for name in before}
            change = note_change(session, "order_updated", order.patient, order, (before, after), TOLD, origin, now)
            studies = studies_of(session, order_id=order.id)
            if "patient_id" in before and order.made_here:
                _leave_to_people(session, studies, before["patient_id"], change, order, origin, now)
                studies = []
            elif "patient_id" in before:
                change.moved = move_studies(session, studies, order.patient_id, origin, now)
            follow(session, studies, change, TOLD, origin, now)
        order_changed(session, order, Cause.ORDER_PLACED if before is None else Cause.ORDER_CHANGED, now, before)

    def order_cancelled(
        self, session: Session, order: Order, shown: Mapping[str, Any], origin: Origin, now: datetime
    ) -> None:
        """An order is cancelled: its images stay with the patient, without the order."""
        sides = ({"status": shown["status"], "shown": dict(shown)}, {"status": order.status})
        change = note_change(session, "order_cancelled", order.patient, order, sides, TOLD, origin, now)
        studies = studies_of(session, order_id=order.id)
        change.moved = move_studies(session, studies, order.patient_id, origin, now, without=order)
        follow(session, studies, change, TOLD, origin, now)
        order_changed(session, order, Cause.ORDER_CANCELLED, now)


def note_change(
    session: Session,
    kind: str,
    patient: Patient,
    order: Order | None,
    sides: tuple[Mapping[str, Any], Mapping[str, Any]],
    reason: str,
    origin: Origin,
    now: datetime,
    undoes: IdentityChange | None = None,
) -> IdentityChange:
    """Write a change into the ledger, within the caller's transaction."""
    before, after = sides
    change = IdentityChange(
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
    session.add(change)
    session.flush()
    return change


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
