"""A person in answers: name, birth date, sex and MRN, from the EHR or else from the files."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.matching.compare import SEX_CODES
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.services.identity.attributes import patient_in_files, person_name


@dataclass(frozen=True, slots=True)
class Person:
    """None, and `unknown` for the sex, where a value is not known."""

    mrn: str | None
    issuer: str | None
    """The assigning authority of the MRN."""
    patient_name: str | None
    """In DICOM form (PN, PS3.5 section 6.2.1)."""
    patient_birth_date: date | None
    patient_sex: str
    """FHIR administrative gender."""


def person_of(patient: Patient | None, said: Mapping[str, Any]) -> Person:
    """A patient of the EHR, completed from files (DICOM keyword to value) where the EHR has no value."""
    mrn, issuer = (patient.mrn, patient.issuer) if patient is not None else (None, None)
    return Person(mrn, issuer, name_of(patient, said) or None, birth_date_of(patient, said), sex_of(patient, said))


def person_of_study(study: Study) -> Person:
    """The person that a study is shown under."""
    return person_of(patient_in_files(study), said_by(study))


def person_then(session: Session, study: Study, patient_id: uuid.UUID | None) -> Person:
    """The person in a row written when the study was this patient's, or had no patient (None)."""
    if study.patient_id == patient_id:
        return person_of_study(study)
    patient = session.get(Patient, patient_id) if patient_id else None
    return person_of(patient, said_by(study) if patient is None else {})


def persons_of(session: Session, patient_ids: Iterable[str | None], hidden: Set[uuid.UUID]) -> dict[str, Person]:
    """Patients by id, without the `hidden` ones, which the caller may not see."""
    wanted = {uuid.UUID(one) for one in patient_ids if one is not None} - hidden
    found = session.scalars(select(Patient).where(Patient.id.in_(wanted)))
    return {str(patient.id): person_of(patient, {}) for patient in found}


def said_by(study: Study) -> dict[str, str]:
    """Identity in the first file of a study, with later corrections."""
    return {**study.received_identity, **study.corrections}


def name_of(patient: Patient | None, said: Mapping[str, Any]) -> str:
    """'' when unknown."""
    known = person_name(patient) if patient is not None else ""
    return known or str(said.get("PatientName") or "")


def birth_date_of(patient: Patient | None, said: Mapping[str, Any]) -> date | None:
    """None when unknown or not a date."""
    known = patient.birth_date if patient is not None else None
    return known or parse_da(str(said.get("PatientBirthDate") or ""))


def sex_of(patient: Patient | None, said: Mapping[str, Any]) -> str:
    """`unknown` when neither has it."""
    known = patient.sex if patient is not None else "unknown"
    code = said.get("PatientSex")
    return known if known != "unknown" else next((sex for sex, one in SEX_CODES.items() if one == code), known)
