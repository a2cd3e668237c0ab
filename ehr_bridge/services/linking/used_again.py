"""A number that may be used again: a correction that changes the name and also birth date or sex.

It may be the same person, registered wrongly, or another one who got the number, or whose data were written over a
record by mistake. Our row follows the EHR; stored files stay as they are, and nothing is automatically linked to the
number, until a person agrees, refuses, or undoes the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import Decision, JobKind, LinkStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.second_looks import StudyMatchKey
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.matching import NAME_PARTS, EvidenceGrade, HeaderIdentity
from ehr_bridge.matching.compare import Population, compare_person
from ehr_bridge.matching.evidence import evidence_of
from ehr_bridge.matching.keys import number_key
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.identity.attributes import EHR_VALUES, as_before, patient_facts
from ehr_bridge.services.jobs.study_jobs import new_job
from ehr_bridge.services.linking.links import new_link
from ehr_bridge.services.linking.withheld import release, withheld_by, withhold
from ehr_bridge.services.registry.order_states import plain
from ehr_bridge.services.registry.patients import PatientData

BEYOND_FORM = {EvidenceGrade.SLIP, EvidenceGrade.OTHER}
BY_THE_EHR = "The EHR said the former again."


def hold_back(
    session: Session,
    patient: Patient,
    studies: Sequence[Study],
    change: IdentityChange,
    origin: Origin,
    now: datetime,
) -> bool:
    """Whether the studies of a corrected patient, all of these, must not follow; if so, asks a person.

    While a correction waits for its decision, every further one is compared with what the files have. A correction back
    to the former values withdraws the question.
    """
    pending = session.get(IdentityChange, patient.pending_change_id) if patient.pending_change_id else None
    former = dict(pending.former or {}) if pending is not None else _former(patient, change.before)
    if is_another_person(as_before(patient, former), patient):
        if pending is None and (studies or _has_waiting(session, patient)):
            patient.pending_change_id, change.decision, change.former = change.id, Decision.PENDING, former
            for study in studies:
                withhold(session, study, change.id, now)
            return True
        return pending is not None
    if pending is not None:
        settle(session, pending, Decision.WITHDRAWN, BY_THE_EHR, origin, now)
    return False


def is_another_person(before: Patient, after: Patient) -> bool:
    """Whether the name differs beyond form, and birth date or sex differ too; unknown values never differ."""
    beyond = _differing(before, after, BEYOND_FORM)
    return "PatientName" in beyond and bool(beyond & {"PatientBirthDate", "PatientSex"})


def is_somebody_else(said: Mapping[str, Any], known: Patient) -> bool:
    """Whether name and birth date, as somebody says them, both contradict the record, more than by a typing error;
    unknown values never do."""
    person = {name: said[name] for name in (*NAME_PARTS, "birth_date") if name in said}
    if all(getattr(known, name) == value for name, value in person.items()):
        return False
    differing = _differing(as_before(known, person), known, {EvidenceGrade.OTHER})
    return differing >= {"PatientName", "PatientBirthDate"}


def _differing(one: Patient, other: Patient, grades: Set[EvidenceGrade]) -> set[str]:
    """The attributes of the person that differ so far."""
    said: dict[str, Any] = {name: EHR_VALUES[f"patient.{source}"].of(one, None) for name, source in _HEADER.items()}
    header = HeaderIdentity(study_instance_uid="", accession_number="", patient_id="", issuer_of_patient_id="", **said)
    lines = evidence_of(compare_person(header, patient_facts(other), Population()))
    return {line.field for line in lines if line.grade in grades}


_HEADER = {"patient_name": "name", "patient_birth_date": "birth_date", "patient_sex": "sex"}


def require_pending(change: IdentityChange) -> None:
    """Raises Conflict `nothing_to_decide`."""
    if change.decision != Decision.PENDING:
        raise Conflict("nothing_to_decide", "This change needs no decision, or has one already.")


def settle(
    session: Session, change: IdentityChange, decision: Decision, reason: str, origin: Origin, now: datetime
) -> list[Study]:
    """End the question that a change asked; returns the studies that waited, restored to their previous state."""
    studies = withheld_by(session, change)
    _decide(session, change, decision, reason, origin, now)
    for study in studies:
        release(session, study)
    return studies


def refuse(session: Session, change: IdentityChange, reason: str, origin: Origin, now: datetime) -> None:
    """The number is another person's: its former studies are unlinked by jobs, and wait for a person. Until then they
    stay withheld."""
    studies = withheld_by(session, change)
    _decide(session, change, Decision.REFUSED, reason, origin, now)
    for study in studies:
        job = new_job(study, JobKind.UNLINK, reason, origin, now, waits=True)
        job.link_after, job.change_id = new_link(study, None, (), []), change.id
        session.add(job)


def _decide(
    session: Session, change: IdentityChange, decision: Decision, reason: str, origin: Origin, now: datetime
) -> None:
    change.decision, change.decision_reason = decision, reason
    change.decided_by, change.decided_at = origin.actor, now
    patient = session.get_one(Patient, change.patient_id)
    if patient.pending_change_id == change.id:
        patient.pending_change_id = None
    session.flush()


def _former(patient: Patient, before: Mapping[str, Any]) -> dict[str, Any]:
    """All former values of a patient, in the ledger's form."""
    return {name: plain(getattr(patient, name)) for name in PatientData.__slots__} | dict(before)


def _has_waiting(session: Session, patient: Patient) -> bool:
    """Whether images that arrived under the number are waiting."""
    keys = sorted(number_key(patient.mrn))
    waiting = exists().where(
        StudyMatchKey.key.in_(keys), Study.id == StudyMatchKey.study_id, Study.link_status != LinkStatus.LINKED
    )
    return bool(session.scalar(select(waiting)))
