"""Order after images: studies that wait for what the EHR tells only now, and are linked when the judge is certain.

They are found by index: the UID given to the order, its accession number, the patient's MRN. A study that was linked to
its patient alone on arrival gets its order the same way. What a person ever spoke about is left to people.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import batched, islice
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Patient, Study, StudyLink
from ehr_bridge.db.modifications import Modification
from ehr_bridge.matching import Basis, Match, Rules
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.deletion_steps import OURSELVES
from ehr_bridge.services.identity import stored_identity
from ehr_bridge.services.links import new_link
from ehr_bridge.services.patients import mrns_of
from ehr_bridge.services.study_jobs import UNDER_WAY, new_job
from ehr_bridge.services.verdicts import CONFIRMATION, judge

MOST = 200
"""Studies that one order or patient may wake up; whoever has more of them under one number has another problem."""
JUDGED = 1000
"""Studies that are judged for one order or patient, in one transaction; those that name an order come first."""
REASON = "The EHR told patient or order after the images had come; the verdict is certain."
OF_ARRIVED = "Nobody could link the study when its images came; the verdict is certain."


def link_late(session: Session, patient: Patient, order: Order | None, rules: Rules, now: datetime) -> int:
    """Let jobs link the unlinked studies that match a patient or order just told; answers how many.

    Nothing but an automatic verdict links, the same that would have linked on arrival. An order that no key of a study
    names, and that several studies would answer, is left to people.
    """
    verdicts: list[tuple[Study, Match]] = []
    for study in islice(_waiting(session, patient, order), JUDGED):
        match = _verdict(session, study, rules)
        if match is not None:
            verdicts.append((study, match))
        if len(verdicts) == MOST:
            break
    answers = Counter(match.order_id for _, match in verdicts)
    count = 0
    for study, match in verdicts:
        if match.basis is not Basis.ORDER and match.order_id is not None and answers[match.order_id] > 1:
            continue
        _ask(session, study, match, REASON, now)
        count += 1
    return count


def link_arrived(session: Session, study: Study, rules: Rules, now: datetime) -> bool:
    """Let a job link a study that could not be linked when it came; whether the judge of arrivals is certain of it.

    What else wants the same order is looked at when it is the job's turn (`judge_again`).
    """
    match = _verdict(session, study, rules) if _is_left_to_the_judge(session, study) else None
    if match is not None:
        _ask(session, study, match, OF_ARRIVED, now)
    return match is not None


def _ask(session: Session, study: Study, match: Match, reason: str, now: datetime) -> None:
    job = new_job(study, "link", reason, OURSELVES, now, status="waiting")
    job.link_after = _link_to(study, match)
    session.add(job)


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
    """Whether another study's link to this order is on its way, or was refused because two of them wanted it."""
    if order_id is None:
        return False
    on_its_way = Modification.status.in_(("waiting", *UNDER_WAY))
    refused = (Modification.error_code == "study_changed") & (Modification.requested_by == OURSELVES.actor)
    others = exists().where(
        Modification.id != job.id,
        Modification.kind == "link",
        Modification.link_after["order_id"].as_string() == str(order_id),
        Study.id == Modification.study_id,
        on_its_way | (refused & (Study.link_status == "unlinked")),
    )
    return bool(session.scalar(select(others)))


def evidence_of(match: Match) -> list[dict[str, Any]]:
    return [line.as_json() for line in match.evidence]


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


def _waiting(session: Session, patient: Patient, order: Order | None) -> Iterator[Study]:
    """Stored studies that nobody but the judge spoke about, and that name one of the orders or the patient.

    However many more there are that somebody did speak about: they are passed over, they do not use anything up.
    """
    waits = exists().where(Modification.study_id == Study.id, Modification.status == "waiting")
    open_ones = Study.link_status.in_(("unlinked", "linked")) & Study.order_id.is_(None) & ~waits
    seen: set[uuid.UUID] = set()
    for query in look_ups(session, patient, order):
        ids = [row.id for row in sorted(session.execute(query), key=lambda row: row.created_at, reverse=True)]
        fresh = [study_id for study_id in ids if study_id not in seen]
        seen.update(fresh)
        for some in batched(fresh, MOST, strict=False):
            found = {study.id: study for study in session.scalars(select(Study).where(Study.id.in_(some), open_ones))}
            studies = (found[study_id] for study_id in some if study_id in found)
            yield from (study for study in studies if _is_left_to_the_judge(session, study))


def look_ups(session: Session, patient: Patient, order: Order | None) -> list[Select[uuid.UUID, datetime]]:
    """The queries for stored studies by each key alone, the surest key first.

    Every one has an index, which more conditions would hide; ids and times are all that is read of them.
    """
    orders = [order] if order is not None else list(session.scalars(_open_orders(patient.id)))
    keys = (
        Study.study_instance_uid.in_([one.scheduled_study_instance_uid for one in orders]),
        Study.accession_key.in_([one.accession_number for one in orders]),
        Study.patient_id_key.in_(mrns_of(session, patient)),
    )
    stored = select(Study.id, Study.created_at).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
    return [stored.where(key) for key in keys]


def _open_orders(patient_id: uuid.UUID) -> Any:
    return (
        select(Order)
        .where(Order.patient_id == patient_id, Order.status != "cancelled")
        .order_by(Order.created_at.desc())
        .limit(MOST)
    )
