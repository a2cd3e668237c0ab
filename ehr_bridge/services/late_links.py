"""Order after images: studies that wait for what the EHR tells only now, and are linked when the judge is certain.

They are found by index: the UID given to the order, its accession number, the patient's MRN. A study that was linked to
its patient alone on arrival gets its order the same way. What a person ever spoke about is left to people.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Patient, Study, StudyLink
from ehr_bridge.db.modifications import Modification
from ehr_bridge.matching import Basis, Match, Rules
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.claims import CONFIRMATION, judge
from ehr_bridge.services.deletion_steps import OURSELVES
from ehr_bridge.services.identity import stored_identity
from ehr_bridge.services.links import new_link
from ehr_bridge.services.patients import mrns_of
from ehr_bridge.services.study_jobs import UNDER_WAY, new_job

MOST = 200
"""Studies that one order or patient may wake up; whoever has more of them under one number has another problem."""
REASON = "The EHR told patient or order after the images had come; the verdict is certain."


def link_late(session: Session, patient: Patient, order: Order | None, rules: Rules, now: datetime) -> int:
    """Let jobs link the unlinked studies that match a patient or order just told; answers how many.

    Nothing but an automatic verdict links, the same that would have linked on arrival. An order that no key of a study
    names, and that several studies would answer, is left to people.
    """
    verdicts = [(study, _verdict(session, study, rules)) for study in _waiting(session, patient, order)]
    answers = Counter(match.order_id for _, match in verdicts if match is not None)
    count = 0
    for study, match in verdicts:
        if match is None:
            continue
        if match.basis is not Basis.ORDER and match.order_id is not None and answers[match.order_id] > 1:
            continue
        job = new_job(study, "link", REASON, OURSELVES, now, status="waiting")
        job.link_after = _link_to(study, match)
        session.add(job)
        count += 1
    return count


def judge_again(session: Session, study: Study, job: Modification, rules: Rules) -> bool:
    """Bring a job made by `link_late` in line with what is known at its turn; False when nothing certain is left."""
    if not _is_left_to_the_judge(session, study):
        return False
    match = _verdict(session, study, rules)
    if match is None or (match.basis is not Basis.ORDER and _is_wanted_by_others(session, match.order_id, job)):
        return False
    job.link_after = _link_to(study, match)
    return True


def _link_to(study: Study, match: Match) -> dict[str, Any]:
    return new_link(study, match.patient_id, match.order_id, evidence_of(match))


def _is_wanted_by_others(session: Session, order_id: uuid.UUID | None, job: Modification) -> bool:
    """Whether another study's link to this order is on its way."""
    if order_id is None:
        return False
    others = exists().where(
        Modification.id != job.id,
        Modification.kind == "link",
        Modification.status.in_(("waiting", *UNDER_WAY)),
        Modification.link_after["order_id"].as_string() == str(order_id),
    )
    return bool(session.scalar(select(others)))


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
    """Whether no person ever said whose this study is: never linked, or by ourselves to a patient alone."""
    links = list(session.scalars(select(StudyLink).where(StudyLink.study_id == study.id)))
    by_people = exists().where(
        Modification.study_id == study.id,
        Modification.kind.in_(("link", "unlink")),
        Modification.requested_by != OURSELVES.actor,
    )
    if session.scalar(select(by_people)):
        return False
    if study.link_status == "unlinked":
        return not links
    if study.link_status != "linked" or study.order_id is not None or len(links) != 1:
        return False
    return all(one["field"] != CONFIRMATION for one in study.match_evidence)


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
    keys = (
        Study.study_instance_uid.in_([one.scheduled_study_instance_uid for one in orders]),
        Study.accession_key.in_([one.accession_number for one in orders]),
        Study.patient_id_key.in_(mrns_of(session, patient)),
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
