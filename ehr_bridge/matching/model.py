"""Input and output of the matcher."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    """What a match is based on, strongest first."""

    ORDER = "order"
    """A key of an order (study UID, accession number, step id), and its patient agrees."""
    PATIENT_ID = "patient_id"
    """The MRN; the whole name or the birth date agrees, and nothing contradicts."""
    NEAR_PATIENT_ID = "near_patient_id"
    """The MRN with less than that or with a contradiction; or the MRN with one typing error, name and birth date."""
    DEMOGRAPHICS = "demographics"
    """Name and birth date alone."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RequestAttributes:
    """What an item of the Request Attributes Sequence says about an order (PS3.3 table 10-9); '' when absent."""

    accession_number: str = ""
    issuer_of_accession_number: str = ""
    scheduled_procedure_step_id: str = ""
    requested_procedure_id: str = ""


@dataclass(frozen=True, slots=True)
class HeaderIdentity:
    """What a DICOM header says about patient and order (values decoded and stripped; '' when absent)."""

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
    requests: tuple[RequestAttributes, ...] = ()
    """All items of the Request Attributes Sequence where there are several, the first one too; none otherwise."""


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
class StepFacts:
    """What one modality does of an order at one appointment (Scheduled Procedure Step)."""

    scheduled_procedure_step_id: str | None = None
    modality: str = ""
    scheduled_on: date | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order that a key of the header names, or that its patient has."""

    id: uuid.UUID
    accession_number: str
    scheduled_study_instance_uid: str
    is_cancelled: bool
    patient: PatientFacts
    steps: tuple[StepFacts, ...] = (StepFacts(),)
    """Never none."""
    requested_procedure_id: str | None = None
    body_part: str | None = None
    laterality: str | None = None


class EvidenceGrade(StrEnum):
    """How far two values differ, for display."""

    SAME = "same"
    FORM = "form"
    """The same, written differently: case, accents, transliteration, order of names, leading zeros."""
    SLIP = "slip"
    """A typing error: a wrong digit or letter."""
    OTHER = "other"
    SILENT = "silent"
    """One side is empty, or cannot be compared."""


WITHOUT_GRADE = {True: EvidenceGrade.SAME, False: EvidenceGrade.OTHER, None: EvidenceGrade.SILENT}
"""For evidence stored before grades existed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison that a person can read. `agrees` is None where one side is empty."""

    field: str
    """A DICOM keyword; or `confirmation`, `order`, `study`."""
    agrees: bool | None
    grade: EvidenceGrade
    detail: str
    """The reasons in English."""
    reasons: tuple[str, ...] = ()
    """Codes (`ehr_bridge.matching.reasons`); none in evidence stored before codes existed."""
    values: tuple[tuple[str, str], ...] = ()
    """Values for the placeholders in the reasons."""

    @classmethod
    def of(cls, field: str, agrees: bool | None, grade: EvidenceGrade, *reasons: str, **values: str) -> Self:
        return cls(field, agrees, grade, words_of(reasons, values), reasons, tuple(values.items()))

    @classmethod
    def against(cls, field: str, *reasons: str, **values: str) -> Self:
        """Evidence of a contradiction."""
        return cls.of(field, False, EvidenceGrade.OTHER, *reasons, **values)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """From what any version of `as_json` wrote."""
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
    """How likely it is, from 0 to 1; for a contradicted key only a hint."""
    evidence: tuple[Evidence, ...]
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    basis: Basis = Basis.NONE
    is_automatic: bool = False
    further_order_ids: tuple[uuid.UUID, ...] = ()
    """Orders that the study answers beside `order_id`."""

    @property
    def order_ids(self) -> tuple[uuid.UUID, ...]:
        """The orders that the study answers, the primary one first."""
        return (self.order_id, *self.further_order_ids) if self.order_id is not None else ()

    def with_orders(self, order_ids: Sequence[uuid.UUID]) -> Match:
        """The same opinion about these orders, the primary one first."""
        first = order_ids[0] if order_ids else None
        return replace(self, order_id=first, further_order_ids=tuple(order_ids[1:]))
