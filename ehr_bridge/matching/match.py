"""The match: the patient whose study it is, and the order it answers, if any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ehr_bridge.matching.compare import Comparison, Population, compare_person
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.matching.evidence import evidence_of
from ehr_bridge.matching.ids import IdGrade
from ehr_bridge.matching.kinds import compare_modalities, evidence_of_images
from ehr_bridge.matching.model import (
    Basis,
    Evidence,
    EvidenceGrade,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
    StepFacts,
)
from ehr_bridge.matching.order_keys import is_nearly, key_lines, keys_of
from ehr_bridge.matching.patients import judge_patients, rank, share_ids
from ehr_bridge.matching.person_names import Grade
from ehr_bridge.matching.rules import Rules

DEFAULT = Rules()
NOBODY = Population()


def match_study(
    header: HeaderIdentity,
    orders: Iterable[OrderFacts],
    patients: Iterable[PatientFacts] = (),
    population: Population = NOBODY,
    rules: Rules = DEFAULT,
    *,
    is_complete: bool = True,
) -> Match:
    """The match of a study. The result does not depend on the order of the candidates.

    `orders` are those that a key of the header names, `patients` those that share a key with it
    (`ehr_bridge.matching.keys`). If the patient is found without an order, `add_order` looks for one.

    * exact: one order whose patient agrees, or one patient by MRN; nothing contradicts;
    * probable: likely, with a contradiction, or found without a key;
    * ambiguous: a key whose patient disagrees, two that fit equally, or agreement that relatives and namesakes share;
    * none: no candidate.

    Only `is_automatic` may be acted on without a person.
    """
    by_id = {order.id: order for order in orders}
    known = {patient.id: patient for patient in patients}
    if len(by_id) > 1:
        keys = {line for order in by_id.values() for line in key_lines(header, order, rules) if line.agrees}
        several = Evidence.against("order", "order_keys_apart")
        return Match(MatchKind.AMBIGUOUS, 0.0, (several, *sorted(keys, key=lambda line: line.field)))
    if by_id:
        (order,) = by_id.values()
        return judge_order(header, order, known.values(), population, rules)
    compared = share_ids([compare_person(header, one, population) for one in known.values()])
    ranked = rank(_prefer_written_id(header, compared), population)
    return judge_patients(ranked, rules, is_complete=is_complete)


def add_order(header: HeaderIdentity, match: Match, orders: Iterable[OrderFacts], rules: Rules = DEFAULT) -> Match:
    """The match of a patient, completed with the order that the study answers: the only open one of the same kind of
    images whose appointment is close to the study date. If several fit, a person decides.

    A study with an unknown accession number answers none of our orders; the patient is as certain as without the
    number. `orders` are the patient's open ones; where the study has such a number, all of the patient's.
    """
    if match.patient_id is None or match.order_id is not None:
        return match
    if number := keys_of(header, rules).get("accession_number"):
        return _with_number_of_none(match, number, orders)
    fitting = _fitting(header, orders, rules)
    if not fitting or match.kind is MatchKind.AMBIGUOUS:
        return match
    if len(fitting) > 1:
        several = Evidence.against("order", "order_several")
        return replace(match, kind=MatchKind.AMBIGUOUS, evidence=(several, *match.evidence), is_automatic=False)
    fits = Evidence.of("order", True, EvidenceGrade.SAME, "order_only_one")
    evidence = (*match.evidence, fits, *evidence_of_images(header, fitting[0]))
    return replace(match, evidence=evidence, order_id=fitting[0].id)


def _with_number_of_none(match: Match, number: str, orders: Iterable[OrderFacts]) -> Match:
    """The match of a patient, for a study with an unknown accession number; if it nearly is an order's, a person
    decides.

    It says nothing about the patient: it may be another system's, or of an order that the EHR has yet to send.
    """
    nearly = [order for order in orders if is_nearly(number, order.accession_number)]
    if not nearly:
        unknown = Evidence.of("AccessionNumber", None, EvidenceGrade.SILENT, "order_key_unknown")
        return replace(match, evidence=(*match.evidence, unknown))
    theirs = nearly[0].accession_number
    line = Evidence.of("AccessionNumber", True, EvidenceGrade.SLIP, "order_number_nearly", ehr=theirs)
    kind = MatchKind.PROBABLE if match.kind is MatchKind.EXACT else match.kind
    only = nearly[0].id if len(nearly) == 1 and not nearly[0].is_cancelled else None
    return replace(match, kind=kind, evidence=(*match.evidence, line), order_id=only, is_automatic=False)


def _fitting(header: HeaderIdentity, orders: Iterable[OrderFacts], rules: Rules) -> list[OrderFacts]:
    """The orders that these images may answer, each with the steps close to the study date: of the same modality, or
    else of its family; nothing contradicts."""
    close = {one: tuple(step for step in one.steps if _is_near(header, step, rules)) for one in orders}
    near = [replace(one, steps=steps) for one, steps in close.items() if steps and not one.is_cancelled]
    clean = [one for one in near if all(line.agrees is not False for line in evidence_of_images(header, one))]
    same = [one for one in clean if any(step.modality == header.modality for step in one.steps)]
    akin = [one for one in clean if any(_is_akin(header, step) for step in one.steps)]
    return sorted(same or akin, key=lambda one: one.accession_number)


def _is_akin(header: HeaderIdentity, step: StepFacts) -> bool:
    return compare_modalities(header.modality, step.modality) is EvidenceGrade.FORM


def _is_near(header: HeaderIdentity, step: StepFacts, rules: Rules) -> bool:
    studied_on = parse_da(header.study_date)
    if studied_on is None or step.scheduled_on is None:
        return False
    return abs((studied_on - step.scheduled_on).days) <= rules.order_days


def judge_order(
    header: HeaderIdentity,
    order: OrderFacts,
    patients: Iterable[PatientFacts] = (),
    population: Population = NOBODY,
    rules: Rules = DEFAULT,
    others: Sequence[OrderFacts] = (),
) -> Match:
    """The match with this order; `others` are further orders that keys of the header name."""
    strangers = [one for one in patients if one.id != order.patient.id]
    compared = share_ids([compare_person(header, one, population) for one in (order.patient, *strangers)])
    keys = key_lines(header, order, rules, others)
    evidence = (*keys, *evidence_of(compared[0]), *evidence_of_images(header, order))
    score = score_of(evidence)
    compared = _prefer_written_id(header, compared)
    if order.is_cancelled:
        evidence = (Evidence.against("order", "order_cancelled"), *evidence)
        return Match(MatchKind.AMBIGUOUS, score, evidence, order.patient.id, order.id)
    if (stranger := _stranger(compared[0], compared[1:])) is not None:
        return Match(MatchKind.AMBIGUOUS, score, (stranger, *evidence), order.patient.id, order.id)
    kind = _same_person(compared[0])
    if kind is MatchKind.EXACT and any(line.agrees is False for line in evidence):
        kind = MatchKind.PROBABLE  # one key names it; another contradicts, or the order asks for other images
    is_automatic = kind is MatchKind.EXACT and rules.allows(Basis.ORDER)
    return Match(kind, score, evidence, order.patient.id, order.id, Basis.ORDER, is_automatic)


def _stranger(person: Comparison, others: Sequence[Comparison]) -> Evidence | None:
    """Whether the header names somebody else than the order's patient."""
    for other in others:
        if other.claims_id and not (other.patient_id is person.patient_id is IdGrade.SHARED):
            return Evidence.against("PatientID", "id_of_another")
        if other.is_whole_name_agreed and other.is_date_agreed and other.weight_of_person > person.weight_of_person:
            return Evidence.against("PatientName", "another_fits_better")
    return None


def _same_person(person: Comparison) -> MatchKind:
    """How certainly the header's person is the order's patient, given that a key names the order.

    The patient ID must agree, or name and birth date where the file has none; nothing may contradict.
    """
    lines = evidence_of(person)
    contradictions = sum(line.agrees is False for line in lines)
    has_id = person.patient_id is IdGrade.SAME
    named = person.is_date_agreed and lines[1].agrees is True and Grade.INITIAL not in _parts(person)
    if contradictions == 0 and (has_id or named):
        return MatchKind.EXACT
    if contradictions == 1 and (has_id or named):
        return MatchKind.PROBABLE
    return MatchKind.AMBIGUOUS


def _parts(person: Comparison) -> tuple[Grade, Grade]:
    return person.names.family, person.names.given


def _prefer_written_id(header: HeaderIdentity, compared: list[Comparison]) -> list[Comparison]:
    """Where one patient has the ID as written, another whose ID differs in zeros and dashes does not have it."""
    written = [one for one in compared if one.patient_id is IdGrade.SAME and one.patient.mrn == header.patient_id]
    if not written:
        return compared
    return [
        replace(one, patient_id=IdGrade.DIFFERENT, weight=one.weight_of_person)
        if one.patient_id is IdGrade.SAME and one not in written
        else one
        for one in compared
    ]


def score_of(evidence: Iterable[Evidence]) -> float:
    """The share of the informative comparisons that agree, from 0 to 1."""
    said = [line.agrees for line in evidence if line.agrees is not None]
    return round(sum(said) / len(said), 4) if said else 0.0
