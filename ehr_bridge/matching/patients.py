"""Finds the patient of a header when no key names an order: how likely each is, and what forbids an automatic link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ehr_bridge.matching import weights
from ehr_bridge.matching.compare import Comparison, Population
from ehr_bridge.matching.dates import DateGrade
from ehr_bridge.matching.evidence import evidence_of
from ehr_bridge.matching.ids import IdGrade
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.matching.model import Basis, Evidence, EvidenceGrade, Match, MatchKind
from ehr_bridge.matching.person_names import AGREEING, Grade
from ehr_bridge.matching.rules import Rules

ALL_PARTS = 3
"""Family name, given name and date of birth."""
WORTH_A_LOOK = 0.02
"""Least probability of a patient to be mentioned."""
NO_MATCH = Match(
    MatchKind.NONE,
    0.0,
    (Evidence.of("order", None, EvidenceGrade.SILENT, "nobody_fits"),),
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, and its probability among all candidates and people unknown to the EHR."""

    comparison: Comparison
    probability: float


def share_ids(compared: Sequence[Comparison]) -> list[Comparison]:
    """Where patients of different issuers have the ID, and the header does not name the issuer, it proves nothing."""
    issuers = {issuer_key(one.patient.issuer) for one in compared if one.patient_id is IdGrade.SAME}
    if len(issuers - {""}) <= 1:
        return list(compared)
    return [replace(one, patient_id=IdGrade.SHARED) if one.patient_id is IdGrade.SAME else one for one in compared]


def rank(comparisons: Sequence[Comparison], population: Population) -> list[Ranked]:
    """The likeliest first. Two that fit equally have at most one half each."""
    prior = weights.prior(population.size)
    odds = [2.0 ** (one.weight + prior) for one in comparisons]
    total = 1 + sum(sorted(odds))
    ranked = [Ranked(one, mine / total) for one, mine in zip(comparisons, odds, strict=True)]
    return sorted(ranked, key=lambda one: (-one.comparison.weight, one.comparison.patient.mrn))


def judge_patients(ranked: Sequence[Ranked], rules: Rules, *, is_complete: bool) -> Match:
    """The match of the ranked candidates, without an order.

    `is_complete` is False when more patients share a key than were compared: then only an MRN is certain.
    """
    if not ranked:
        return NO_MATCH
    best, person = ranked[0], ranked[0].comparison
    evidence = evidence_of(person)
    score = round(best.probability, 4)
    if (doubt := _other_patient(ranked)) or (doubt := _veto(person)):
        points = person.claims_id or best.probability >= WORTH_A_LOOK
        if not points and doubt.field != "PatientID":
            return NO_MATCH
        return Match(MatchKind.AMBIGUOUS, score, (doubt, *evidence), person.patient.id)
    if best.probability < WORTH_A_LOOK:
        return NO_MATCH
    if best.probability < rules.probability:
        if len(ranked) > 1 and ranked[1].probability >= WORTH_A_LOOK:
            several = Evidence.against("PatientName", "another_fits_nearly")
            return Match(MatchKind.AMBIGUOUS, score, (several, *evidence), person.patient.id)
        return Match(MatchKind.PROBABLE, score, evidence, person.patient.id)
    basis = basis_of(person)
    is_certain = person.patient_id is IdGrade.SAME or (is_complete and not _is_twin_in_doubt(ranked, basis, rules))
    kind = MatchKind.EXACT if basis is Basis.PATIENT_ID else MatchKind.PROBABLE
    return Match(kind, score, evidence, person.patient.id, None, basis, is_certain and rules.allows(basis))


def basis_of(person: Comparison) -> Basis:
    """What a match with this patient is based on, if nothing forbids it."""
    if person.patient_id is IdGrade.SAME:
        is_clean = all(line.agrees is not False for line in evidence_of(person))
        is_confirmed = person.is_whole_name_agreed or person.is_date_agreed
        return Basis.PATIENT_ID if is_clean and is_confirmed else Basis.NEAR_PATIENT_ID
    is_near = person.patient_id in (IdGrade.NEAR, IdGrade.SHARED)
    return Basis.NEAR_PATIENT_ID if is_near else Basis.DEMOGRAPHICS


def _is_twin_in_doubt(ranked: Sequence[Ranked], basis: Basis, rules: Rules) -> bool:
    """Whether, without an MRN, it could be a relative born on the same day; this requires ten times the certainty."""
    if basis is not Basis.DEMOGRAPHICS or ranked[0].probability >= 1 - (1 - rules.probability) / 10:
        return False
    others = (one.comparison for one in ranked[1:])
    return any(one.family_agrees and one.is_date_agreed and not one.given_agrees for one in others)


def _other_patient(ranked: Sequence[Ranked]) -> Evidence | None:
    """Whether another candidate has a claim that only a person can weigh."""
    best, *others = (one.comparison for one in ranked)
    for other in others:
        if other.weight == best.weight:
            return Evidence.against("PatientName", "two_fit")
        if other.claims_id and not (other.patient_id is best.patient_id is IdGrade.SHARED):
            return Evidence.against("PatientID", "id_and_rest_apart")
        agreeing = other.agreeing_parts
        if agreeing == ALL_PARTS and other.weight_of_person >= best.weight_of_person:
            return Evidence.against("PatientName", "another_fits_as_well")
        if agreeing == ALL_PARTS - 1 and other.weight_of_person > best.weight_of_person:
            return Evidence.against("PatientName", "another_fits_two_better")
    return None


def _veto(person: Comparison) -> Evidence | None:
    """What forbids an automatic link to this patient, however likely it is."""
    if person.sex == "different":
        return Evidence.against("PatientSex", "sex_other")
    if person.is_name_contradicted and person.is_date_contradicted:
        return Evidence.against("PatientName", "name_and_date_other")
    if person.patient_id is IdGrade.SAME:
        return _veto_of_same_id(person)
    if person.patient_id is IdGrade.NEAR:
        if person.agreeing_parts < 2 or person.is_date_contradicted:
            return Evidence.against("PatientName", "id_slip_alone")
        return None
    if not person.is_name_agreed:
        return Evidence.against("PatientName", "name_needed")
    if not person.is_date_agreed:
        return Evidence.against("PatientBirthDate", "date_needed")
    if person.birth_date is DateGrade.NEAR:
        return Evidence.against("PatientBirthDate", "date_needed_exactly")
    if person.patient_id in (IdGrade.DIFFERENT, IdGrade.NEIGHBOUR) and person.birth_date is not DateGrade.SAME:
        return Evidence.against("PatientBirthDate", "date_inexact_other_id")
    return None


def _veto_of_same_id(person: Comparison) -> Evidence | None:
    parts = (person.names.family, person.names.given)
    if person.is_name_contradicted and not person.is_date_agreed:
        return Evidence.against("PatientName", "name_other_unconfirmed")
    if not person.is_date_agreed and not set(parts) & AGREEING:
        return Evidence.against("PatientName", "nothing_confirms_id")
    is_alike = all(part in AGREEING or part is Grade.SIMILAR for part in parts)
    if person.is_date_contradicted and not is_alike:
        return Evidence.against("PatientBirthDate", "date_other_name_inexact")
    return None
