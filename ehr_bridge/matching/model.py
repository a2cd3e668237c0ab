"""What the matcher looks at and what it says."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from ehr_bridge.matching.reasons import words_of

NAME_PARTS = ("family_name", "given_name", "middle_name", "prefix", "suffix")
"""The fields of a patient's name, in the order of the components of a PN (PS3.5 section 6.2.1)."""


class MatchKind(StrEnum):
    EXACT = "exact"
    PROBABLE = "probable"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class Basis(StrEnum):
    """What a verdict rests on, the strongest first."""

    ORDER = "order"
    """A key of an order (study UID, accession number, step id), and its patient agrees."""
    PATIENT_ID = "patient_id"
    """The MRN; the whole name or the birth date agrees, and nothing contradicts."""
    NEAR_PATIENT_ID = "near_patient_id"
    """The MRN with less or with a contradiction beside it, or but for one slip with name and birth date."""
    DEMOGRAPHICS = "demographics"
    """Name and birth date alone."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class HeaderIdentity:
    """What a DICOM header says about whose study this is (values decoded and stripped; '' when absent)."""

    study_instance_uid: str
    accession_number: str
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    issuer_of_accession_number: str = ""
    scheduled_procedure_step_id: str = ""
    requested_procedure_id: str = ""
    modality: str = ""
    study_date: str = ""
    body_part: str = ""
    laterality: str = ""
    universal_issuer_of_patient_id: str = ""
    """Universal Entity ID in the Issuer of Patient ID Qualifiers Sequence (0010,0024)."""


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What the EHR knows of a patient; None is unknown."""

    id: uuid.UUID
    mrn: str
    issuer: str | None
    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    middle_name: str | None = None
    prefix: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order that a key of the header points to, or that its patient has."""

    id: uuid.UUID
    accession_number: str
    scheduled_study_instance_uid: str
    is_cancelled: bool
    patient: PatientFacts
    modality: str = ""
    scheduled_on: date | None = None
    scheduled_procedure_step_id: str | None = None
    requested_procedure_id: str | None = None
    body_part: str | None = None
    laterality: str | None = None


class EvidenceGrade(StrEnum):
    """How far two values are apart, for the eye of a person."""

    SAME = "same"
    FORM = "form"
    """The same, written otherwise: case, accents, transliteration, order of names, leading zeros."""
    SLIP = "slip"
    """What fingers do: a wrong digit, a letter."""
    OTHER = "other"
    SILENT = "silent"
    """One side says nothing, or nothing that can be compared."""


WITHOUT_GRADE = {True: EvidenceGrade.SAME, False: EvidenceGrade.OTHER, None: EvidenceGrade.SILENT}
"""For evidence that was stored before grades were."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison a person can read. `agrees` is None where one side says nothing."""

    field: str
    """A DICOM keyword; or `confirmation`, `order`, `study`."""
    agrees: bool | None
    grade: EvidenceGrade
    detail: str
    """The reasons in English."""
    reasons: tuple[str, ...] = ()
    """Codes (`ehr_bridge.matching.reasons`); none for evidence that was stored before they were."""
    values: tuple[tuple[str, str], ...] = ()
    """What fills the blanks of the reasons."""

    @classmethod
    def of(cls, field: str, agrees: bool | None, grade: EvidenceGrade, *reasons: str, **values: str) -> Self:
        return cls(field, agrees, grade, words_of(reasons, values), reasons, tuple(values.items()))

    @classmethod
    def against(cls, field: str, *reasons: str, **values: str) -> Self:
        """Something that contradicts."""
        return cls.of(field, False, EvidenceGrade.OTHER, *reasons, **values)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """What `as_json` wrote down, at any time."""
        agrees = said["agrees"]
        grade = EvidenceGrade(said.get("grade") or WITHOUT_GRADE[agrees])
        reasons, values = tuple(said.get("reasons", ())), tuple(said.get("values", {}).items())
        return cls(said["field"], agrees, grade, said["detail"], reasons, values)

    def as_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "agrees": self.agrees,
            "grade": self.grade.value,
            "detail": self.detail,
            "reasons": list(self.reasons),
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """The opinion. Only an automatic one may be acted on without a person."""

    kind: MatchKind
    score: float
    """How likely it is, from 0 to 1; for a key that is contradicted, no more than a hint."""
    evidence: tuple[Evidence, ...]
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    basis: Basis = Basis.NOTHING
    is_automatic: bool = False
