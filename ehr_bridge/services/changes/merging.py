"""Merging two records of one person, and what a merge would change, before anybody decides."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.access import RestrictedPatient, RestrictionMember
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.changes.ledger import move_studies, note_change
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.linking.following import follow
from ehr_bridge.services.linking.withheld import studies_of
from ehr_bridge.services.registry.numbers import find_patient_record

WAITING = frozenset({OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS})

type Restriction = Literal["none", "both", "merged", "survivor"]
"""Which of the two is restricted to named people, before the merge; after it both are, if one is."""


@dataclass(frozen=True, slots=True)
class MovedStudy:
    study: Study
    stays: bool
    """It answers an order of somebody else too, and so stays where it is until a person decides."""


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would change."""

    merged: Patient
    survivor: Patient
    orders: list[Order]
    studies: list[MovedStudy]
    restriction: Restriction
    open_to: int | None
    """How many people may see the patient afterwards; None: everybody who may read."""

    @property
    def number_of_images(self) -> int:
        """Whose files would name the survivor."""
        return sum(moved.study.number_of_instances for moved in self.studies if not moved.stays)

    @property
    def number_waiting(self) -> int:
        """Orders that modalities would be offered under the survivor's name and number."""
        return sum(order.status in WAITING for order in self.orders)


def merge_records(
    session: Session, mrn: str, into: str, reason: str, origin: Origin, now: datetime
) -> tuple[IdentityChange, Patient, Patient]:
    """Orders and studies of the first record move to the second, which survives; returns the change and both. Raises as
    `IdentityChanges.merge` says."""
    patient, survivor = find_patient_record(session, mrn), find_patient_record(session, into)
    if patient.id == survivor.id:
        message = "name another record than the one that is merged"
        raise InvalidInput("invalid_request", "A record cannot be merged into itself.", (("into", message),))
    if patient.merged_into_id is not None or survivor.merged_into_id is not None:
        raise Conflict("patient_merged", "One of these records was merged into another; use the surviving record.")
    sides = ({"merged_into_id": None}, {"merged_into_id": survivor.id})
    change = note_change(session, "patient_merged", patient, None, sides, reason, origin, now)
    patient.merged_into_id = survivor.id
    orders = list(session.scalars(select(Order).where(Order.patient_id == patient.id)))
    for order in orders:
        order.patient_id = survivor.id
    session.flush()
    session.expire_all()
    studies = studies_of(session, patient_id=patient.id)
    change.moved = move_studies(session, studies, survivor.id, origin, now)
    change.moved = {**change.moved, "orders": [str(order.id) for order in orders]}
    follow(session, studies, change, reason, origin, now)
    return change, patient, survivor


def preview_merge(session: Session, mrn: str, into: str, origin: Origin, now: datetime) -> MergePreview:
    """What it would change; merges within the caller's transaction, which must not be kept. Raises like
    `merge_records`."""
    named = [find_patient_record(session, one).id for one in (mrn, into)]
    before = [_members(session, one) for one in named]
    change, patient, survivor = merge_records(session, mrn, into, "preview", origin, now)
    session.flush()
    orders = [session.get_one(Order, uuid.UUID(key)) for key in change.moved["orders"]]
    studies = [session.get_one(Study, uuid.UUID(key)) for key in change.moved["studies"]]
    after = _members(session, survivor.id)
    return MergePreview(
        patient,
        survivor,
        orders,
        [MovedStudy(study, study.patient_id != survivor.id) for study in studies],
        _RESTRICTIONS[before[0] is not None, before[1] is not None],
        None if after is None else len(after),
    )


_RESTRICTIONS: Mapping[tuple[bool, bool], Restriction] = {
    (False, False): "none",
    (True, True): "both",
    (True, False): "merged",
    (False, True): "survivor",
}


def _members(session: Session, patient_id: uuid.UUID) -> frozenset[str] | None:
    """Who may see a patient: those on the lists of all records that are restricted; None where none is."""
    records = list(survivors(session, [patient_id]))
    restricted = select(RestrictedPatient.patient_id).where(RestrictedPatient.patient_id.in_(records))
    count = len(session.scalars(restricted).all())
    if count == 0:
        return None
    on_all = (
        select(RestrictionMember.subject)
        .where(RestrictionMember.patient_id.in_(restricted))
        .group_by(RestrictionMember.subject)
        .having(func.count() == count)
    )
    return frozenset(session.scalars(on_all))
