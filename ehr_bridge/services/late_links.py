"""Order after images: studies that wait for what the EHR tells only now, and are linked when the judge is certain.

They are found by index: the UID given to the order, its accession number, the patient's MRN. A study that anybody ever
linked is left to people.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Patient, Study, StudyLink
from ehr_bridge.db.modifications import Modification
from ehr_bridge.matching import Match, MatchKind
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.claims import judge
from ehr_bridge.services.deletion_steps import OURSELVES
from ehr_bridge.services.identity import stored_identity
from ehr_bridge.services.links import new_link
from ehr_bridge.services.study_jobs import new_job

MOST = 200
"""Studies that one order or patient may wake up; whoever has more of them under one number has another problem."""
REASON = "The EHR told patient or order after the images had come; the verdict is exact."


def link_late(session: Session, patient: Patient, order: Order | None, now: datetime) -> int:
    """Let jobs link the unlinked studies that match a patient or order just told; answers how many.

    Nothing but an exact verdict links, the same that would have linked on arrival.
    """
    count = 0
    for study in _waiting(session, patient, order):
        match = _verdict(session, study)
        if match is None:
            continue
        job = new_job(study, "link", REASON, OURSELVES, now, status="waiting")
        job.link_after = new_link(study, match.patient_id, match.order_id, evidence_of(match))
        session.add(job)
        count += 1
    return count


def still_matches(session: Session, study: Study, job: Modification) -> bool:
    """Whether a job made by `link_late` is still right."""
    if study.link_status != "unlinked" or job.link_after is None:
        return False
    match = _verdict(session, study)
    sides = (job.link_after["patient_id"], job.link_after["order_id"])
    return match is not None and sides == (str(match.patient_id), str(match.order_id) if match.order_id else None)


def evidence_of(match: Match) -> list[dict[str, Any]]:
    return [{"field": e.field, "agrees": e.agrees, "detail": e.detail} for e in match.evidence]


def _verdict(session: Session, study: Study) -> Match | None:
    match, patient, _ = judge(session, stored_identity(study), Confirmation())
    return match if match.kind is MatchKind.EXACT and patient is not None else None


def _waiting(session: Session, patient: Patient, order: Order | None) -> list[Study]:
    """Stored studies that were never linked and name the patient or one of the orders."""
    ids = {key for query in look_ups(session, patient, order) for key in session.scalars(query)}
    waits = exists().where(Modification.study_id == Study.id, Modification.status == "waiting")
    query = select(Study).where(
        Study.id.in_(sorted(ids)),
        Study.link_status == "unlinked",
        ~exists().where(StudyLink.study_id == Study.id),
        ~waits,
    )
    return list(session.scalars(query.limit(MOST))) if ids else []


def look_ups(session: Session, patient: Patient, order: Order | None) -> list[Select[uuid.UUID]]:
    """The queries for stored studies by each key alone: every one has an index, which more conditions would hide."""
    orders = [order] if order is not None else list(session.scalars(_open_orders(patient.id)))
    merged = session.scalars(select(Patient.mrn).where(Patient.merged_into_id == patient.id))
    keys = (
        Study.study_instance_uid.in_([one.scheduled_study_instance_uid for one in orders]),
        Study.accession_key.in_([one.accession_number for one in orders]),
        Study.patient_id_key.in_([patient.mrn, *merged]),
    )
    stored = select(Study.id).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
    return [stored.where(key).limit(5 * MOST) for key in keys]


def _open_orders(patient_id: uuid.UUID) -> Any:
    return (
        select(Order)
        .where(Order.patient_id == patient_id, Order.status != "cancelled")
        .order_by(Order.created_at.desc())
        .limit(MOST)
    )
