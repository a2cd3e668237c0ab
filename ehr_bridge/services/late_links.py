"""Order after images: studies that wait for what the EHR tells only now, and are linked when the judge is certain.

They are found by index: the UID given to the order, its accession number, the patient's MRN. A study that was linked to
its patient alone on arrival gets its order the same way. What a person ever spoke about is left to people.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Patient, Study, StudyLink
from ehr_bridge.db.modifications import Modification
from ehr_bridge.matching import Match, Rules
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.claims import CONFIRMATION, judge
from ehr_bridge.services.deletion_steps import OURSELVES
from ehr_bridge.services.identity import stored_identity
from ehr_bridge.services.links import new_link
from ehr_bridge.services.study_jobs import new_job

MOST = 200
"""Studies that one order or patient may wake up; whoever has more of them under one number has another problem."""
REASON = "The EHR told patient or order after the images had come; the verdict is certain."
NOT_WAITING = Modification.status != "waiting"


def link_late(session: Session, patient: Patient, order: Order | None, rules: Rules, now: datetime) -> int:
    """Let jobs link the unlinked studies that match a patient or order just told; answers how many.

    Nothing but an automatic verdict links, the same that would have linked on arrival.
    """
    count = 0
    for study in _waiting(session, patient, order):
        match = _verdict(session, study, rules)
        if match is None:
            continue
        job = new_job(study, "link", REASON, OURSELVES, now, status="waiting")
        job.link_after = new_link(study, match.patient_id, match.order_id, evidence_of(match))
        session.add(job)
        count += 1
    return count


def still_matches(session: Session, study: Study, job: Modification, rules: Rules) -> bool:
    """Whether a job made by `link_late` is still right."""
    if job.link_after is None or not _is_left_to_the_judge(session, study):
        return False
    match = _verdict(session, study, rules)
    sides = (job.link_after["patient_id"], job.link_after["order_id"])
    return match is not None and sides == (str(match.patient_id), str(match.order_id) if match.order_id else None)


def evidence_of(match: Match) -> list[dict[str, Any]]:
    return [{"field": e.field, "agrees": e.agrees, "detail": e.detail} for e in match.evidence]


def _verdict(session: Session, study: Study, rules: Rules) -> Match | None:
    """The verdict that would link a study now, or link it further: an order for a study that had only its patient."""
    match, patient, order = judge(session, stored_identity(study), Confirmation(), rules)
    if not match.is_automatic or patient is None:
        return None
    is_news = study.patient_id is None or (study.patient_id == patient.id and order is not None)
    return match if is_news else None


def _is_left_to_the_judge(session: Session, study: Study) -> bool:
    """Whether no person ever said whose this study is: never linked, or on arrival to a patient alone."""
    links = list(session.scalars(select(StudyLink).where(StudyLink.study_id == study.id)))
    if study.link_status == "unlinked":
        return not links
    if study.link_status != "linked" or study.order_id is not None or len(links) != 1:
        return False
    job = exists().where(Modification.study_id == study.id, Modification.kind.in_(("link", "unlink")), NOT_WAITING)
    said = any(one["field"] == CONFIRMATION for one in study.match_evidence)
    return not said and not session.scalar(select(job))


def _waiting(session: Session, patient: Patient, order: Order | None) -> list[Study]:
    """Stored studies that nobody but the judge spoke about, and that name the patient or one of the orders."""
    ids = {key for query in look_ups(session, patient, order) for key in session.scalars(query)}
    waits = exists().where(Modification.study_id == Study.id, Modification.status == "waiting")
    query = select(Study).where(
        Study.id.in_(sorted(ids)),
        Study.link_status.in_(("unlinked", "linked")),
        Study.order_id.is_(None),
        ~waits,
    )
    found = list(session.scalars(query.limit(MOST))) if ids else []
    return [study for study in found if _is_left_to_the_judge(session, study)]


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
