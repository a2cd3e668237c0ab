"""What the matcher looks at and what it says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class MatchKind(StrEnum):
    EXACT = "exact"
    PROBABLE = "probable"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


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


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order that a key of the header points to."""

    id: uuid.UUID
    accession_number: str
    scheduled_study_instance_uid: str
    is_cancelled: bool
    patient: PatientFacts


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison a person can read. `agrees` is None where one side says nothing."""

    field: str
    agrees: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Match:
    """The opinion. Only `exact` may be acted on without a person."""

    kind: MatchKind
    score: float
    evidence: tuple[Evidence, ...]
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
