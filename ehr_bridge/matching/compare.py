"""Compares a header with a patient of the EHR: each field is graded and weighed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ehr_bridge.matching import weights
from ehr_bridge.matching.dates import DateGrade, compare_dates
from ehr_bridge.matching.ids import IdGrade, compare_ids
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.matching.keys import known_name
from ehr_bridge.matching.model import HeaderIdentity, PatientFacts
from ehr_bridge.matching.person_names import (
    AGREEING,
    Grade,
    NameComparison,
    PersonName,
    compare_names,
    read_names,
)

SEX_CODES = {"male": "M", "female": "F", "other": "O", "unknown": ""}
"""FHIR administrative gender to PatientSex (0010,0040), PS3.3 section C.7.1.1."""
NO_NAME = NameComparison(Grade.SILENT, Grade.SILENT, is_swapped=False)


@dataclass(frozen=True, slots=True)
class Population:
    """How many patients the EHR has, and how many of them share a value (`ehr_bridge.matching.keys`)."""

    size: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def count(self, place: str, words: tuple[str, ...]) -> int:
        """How many patients have the rarest of the words."""
        return min((self.counts.get(f"{place}:{word}", 0) for word in words), default=0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One patient compared with a header: the grades and their weights."""

    patient: PatientFacts
    patient_id: IdGrade
    names: NameComparison
    birth_date: DateGrade
    sex: str
    """same, different or silent."""
    weight_of_person: float
    """Of name, birth date and sex."""
    weight: float
    """Including the patient ID."""
    is_id_as_written: bool = False

    @property
    def claims_id(self) -> bool:
        """The patient has the header's patient ID, though perhaps not alone."""
        return self.patient_id in (IdGrade.SAME, IdGrade.SHARED)

    @property
    def family_agrees(self) -> bool:
        return self.names.family in AGREEING

    @property
    def given_agrees(self) -> bool:
        return self.names.given in AGREEING

    @property
    def is_name_agreed(self) -> bool:
        """Both parts are present and agree."""
        return self.family_agrees and self.given_agrees

    @property
    def is_whole_name_agreed(self) -> bool:
        """Like `is_name_agreed`; or one side does not divide the name, and the words are the same."""
        return self.is_name_agreed or self.names.is_whole

    @property
    def agreeing_parts(self) -> int:
        """How many of family name, given name and date of birth agree."""
        return self.family_agrees + self.given_agrees + self.is_date_agreed

    @property
    def is_name_contradicted(self) -> bool:
        return Grade.DIFFERENT in (self.names.family, self.names.given)

    @property
    def is_date_agreed(self) -> bool:
        return self.birth_date in (DateGrade.SAME, DateGrade.NEAR, DateGrade.SWAPPED)

    @property
    def is_date_contradicted(self) -> bool:
        return self.birth_date in (DateGrade.DIFFERENT, DateGrade.YEAR)


def compare_person(header: HeaderIdentity, patient: PatientFacts, population: Population) -> Comparison:
    """The grades of one patient against a header, and their weights."""
    patient_id = grade_id(header, patient)
    names, of_name = _compare_name(header, patient, population)
    birth_date = compare_dates(header.patient_birth_date, patient.birth_date)
    sex = _compare_sex(header, patient)
    of_person = of_name + _weigh_date(birth_date, patient, population) + weights.SEX[sex]
    of_id = weights.same_id(population.size) if patient_id is IdGrade.SAME else weights.PATIENT_ID[patient_id]
    is_as_written = header.patient_id == patient.mrn
    return Comparison(patient, patient_id, names, birth_date, sex, of_person, of_person + of_id, is_as_written)


def grade_id(header: HeaderIdentity, patient: PatientFacts) -> IdGrade:
    """How the header's patient ID compares with this patient's MRN; a number means nothing without its issuer."""
    grade = compare_ids(header.patient_id, patient.mrn)
    issuers = {issuer_key(header.issuer_of_patient_id), issuer_key(patient.issuer)} - {""}
    return IdGrade.OTHER_ISSUER if len(issuers) > 1 and grade is not IdGrade.SILENT else grade


def _compare_sex(header: HeaderIdentity, patient: PatientFacts) -> str:
    theirs, ours = header.patient_sex.upper(), SEX_CODES[patient.sex]
    if theirs not in {"M", "F"} or ours not in {"M", "F"}:
        return "silent"
    return "same" if theirs == ours else "different"


def _weigh_date(grade: DateGrade, patient: PatientFacts, population: Population) -> float:
    if grade is DateGrade.SAME:
        return weights.rarity("birth_date", population.count("d", (f"{patient.birth_date:%Y%m%d}",)), population.size)
    return weights.BIRTH_DATE[grade]


def _compare_name(
    header: HeaderIdentity, patient: PatientFacts, population: Population
) -> tuple[NameComparison, float]:
    """The reading of the header's name that fits best, and its weight."""
    known = known_name(patient)
    readings = [compare_names(said, known) for said in read_names(header.patient_name)]
    weighed = [(_weigh_name(names, known, population), names) for names in readings]
    weight, names = max(weighed, key=lambda one: one[0], default=(0.0, NO_NAME))
    return names, weight


def _weigh_name(names: NameComparison, known: PersonName, population: Population) -> float:
    if names.is_whole:
        words = (*known.family, *known.given)
        count = max(population.count(place, words) for place in "fg")
        return weights.rarity("family", count, population.size)
    family = _weigh_part("family", names.family, names.family_said, known.family, population)
    given = _weigh_part("given", names.given, names.given_said, names.given_known, population)
    return (
        family
        + given
        + (weights.SWAPPED if names.is_swapped else 0)
        + (weights.NO_MIDDLE_NAME if names.lacks_middle_name else 0)
    )


def _weigh_part(
    part: str, grade: Grade, said: tuple[str, ...], known: tuple[str, ...], population: Population
) -> float:
    if grade is Grade.SAME:
        return weights.rarity(part, population.count(part[0], known), population.size)
    if grade is Grade.PART:
        shared = tuple(set(said) & set(known))
        return weights.PART + weights.rarity(part, population.count(part[0], shared), population.size)
    if grade in (Grade.NEAR, Grade.SOUND):
        return weights.slip(grade, population.count(part[0], said), population.size)
    return (weights.FAMILY if part == "family" else weights.GIVEN)[grade]
