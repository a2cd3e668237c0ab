"""The verdict: which order, if any, a study answers."""

from __future__ import annotations

from collections.abc import Iterable

from ehr_bridge.matching.compare import compare_patient
from ehr_bridge.matching.model import (
    Evidence,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
)


def match_study(header: HeaderIdentity, orders: Iterable[OrderFacts], patients: Iterable[PatientFacts] = ()) -> Match:
    """The verdict on a study.

    `orders` are those that an exact key of the header points to (StudyInstanceUID given to the order, or accession
    number), `patients` those whose MRN is the header's patient ID. The result does not depend on their order.

    * exact: one order, its patient agrees, nothing contradicts;
    * ambiguous: a key points to an order whose patient disagrees, to a cancelled order, or keys point to two orders;
    * probable: an order whose patient agrees in part, or a patient without an order;
    * none: nothing points anywhere.
    """
    by_id = {order.id: order for order in orders}
    if len(by_id) > 1:
        keys = tuple(e for order in by_id.values() for e in _keys(header, order) if e.agrees)
        several = Evidence("order", False, "the study UID and the accession number point to different orders")
        return Match(MatchKind.AMBIGUOUS, 0.0, (several, *sorted(set(keys), key=lambda e: e.field)))
    if by_id:
        return _judge_order(header, next(iter(by_id.values())))
    known = {patient.id: patient for patient in patients}
    if len(known) == 1:
        return _judge_patient(header, next(iter(known.values())))
    if known:
        return Match(MatchKind.AMBIGUOUS, 0.0, (Evidence("PatientID", False, "several patients have this number"),))
    return Match(MatchKind.NONE, 0.0, (Evidence("order", None, "no order or patient has the file's identifiers"),))


def _judge_order(header: HeaderIdentity, order: OrderFacts) -> Match:
    person = compare_patient(header, order.patient)
    evidence = (*_keys(header, order), *person.values())
    score = _score(evidence)
    if order.is_cancelled:
        cancelled = Evidence("order", False, "the order is cancelled")
        return Match(MatchKind.AMBIGUOUS, score, (cancelled, *evidence), order.patient.id, order.id)
    kind = _same_person(person)
    if kind is MatchKind.EXACT and any(e.agrees is False for e in evidence):
        kind = MatchKind.PROBABLE  # one key led here, the other denies it
    return Match(kind, score, evidence, order.patient.id, order.id)


def _same_person(person: dict[str, Evidence]) -> MatchKind:
    """How far the header's person is the order's patient, given that a key led there.

    The patient ID must agree, or name and birth date where the file has no ID; any contradiction stops it.
    """
    patient_id = person["PatientID"].agrees
    name, birth_date = person["PatientName"].agrees, person["PatientBirthDate"].agrees
    contradictions = sum(e.agrees is False for e in person.values())
    named = name is True and birth_date is True
    if contradictions == 0 and (patient_id is True or named):
        return MatchKind.EXACT
    if contradictions == 1 and (patient_id is True or named):
        return MatchKind.PROBABLE
    return MatchKind.AMBIGUOUS


def _judge_patient(header: HeaderIdentity, patient: PatientFacts) -> Match:
    person = compare_patient(header, patient)
    evidence = tuple(person.values())
    if any(e.agrees is False for e in evidence):
        return Match(MatchKind.AMBIGUOUS, _score(evidence), evidence, patient.id)
    return Match(MatchKind.PROBABLE, _score(evidence), evidence, patient.id)


def _keys(header: HeaderIdentity, order: OrderFacts) -> tuple[Evidence, ...]:
    found = []
    if header.study_instance_uid == order.scheduled_study_instance_uid:
        found.append(Evidence("StudyInstanceUID", True, "the study UID given to the order"))
    if header.accession_number:
        agrees = header.accession_number == order.accession_number
        detail = "the order's accession number" if agrees else "another accession number"
        found.append(Evidence("AccessionNumber", agrees, detail))
    return tuple(found)


def _score(evidence: Iterable[Evidence]) -> float:
    """The share of comparisons with something to say that agree, from 0 to 1."""
    said = [e.agrees for e in evidence if e.agrees is not None]
    return round(sum(said) / len(said), 4) if said else 0.0
