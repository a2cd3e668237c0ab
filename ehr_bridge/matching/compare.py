"""Do header and EHR speak of the same person? One comparison per field, each agreeing, contradicting or silent."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from ehr_bridge.matching.model import Evidence, HeaderIdentity, PatientFacts

SEX_CODES = {"male": "M", "female": "F", "other": "O", "unknown": ""}
"""FHIR administrative gender to PatientSex (0010,0040), PS3.3 section C.7.1.1."""


def compare_patient(header: HeaderIdentity, patient: PatientFacts) -> dict[str, Evidence]:
    """Evidence per field, keyed by DICOM keyword."""
    found = (
        _patient_id(header, patient),
        _name(header, patient),
        _birth_date(header, patient),
        _sex(header, patient),
    )
    return {evidence.field: evidence for evidence in found}


def name_parts(name: str) -> frozenset[str]:
    """The parts of a name without case, accents, order and punctuation: "Müller^Anna-Lena" is {muller, anna, lena}.

    Only the alphabetic group of a PN (PS3.5 section 6.2.1) is looked at when it has one.
    """
    groups = [group for group in name.split("=") if group.strip("^ ")]
    text = unicodedata.normalize("NFKD", groups[0].casefold()) if groups else ""
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("ß", "ss")
    return frozenset(part for part in re.split(r"[\W_]+", text) if part)


def _patient_id(header: HeaderIdentity, patient: PatientFacts) -> Evidence:
    if not header.patient_id:
        return Evidence("PatientID", None, "the file has no patient ID")
    if header.patient_id != patient.mrn:
        return Evidence("PatientID", False, "the file's patient ID is not this patient's MRN")
    if header.issuer_of_patient_id and patient.issuer and header.issuer_of_patient_id != patient.issuer:
        return Evidence("PatientID", False, "the same number, given by another issuer")
    return Evidence("PatientID", True, "the file's patient ID is this patient's MRN")


def _name(header: HeaderIdentity, patient: PatientFacts) -> Evidence:
    theirs = name_parts(header.patient_name)
    ours = name_parts(f"{patient.family_name or ''}^{patient.given_name or ''}")
    if not theirs or not ours:
        return Evidence("PatientName", None, "one side has no name")
    if theirs == ours:
        return Evidence("PatientName", True, "the same name")
    if theirs < ours or ours < theirs:
        return Evidence("PatientName", True, "the same name, with parts missing on one side")
    return Evidence("PatientName", False, "another name")


def _birth_date(header: HeaderIdentity, patient: PatientFacts) -> Evidence:
    theirs = parse_da(header.patient_birth_date)
    if theirs is None or patient.birth_date is None:
        return Evidence("PatientBirthDate", None, "one side has no date of birth")
    if theirs == patient.birth_date:
        return Evidence("PatientBirthDate", True, "the same date of birth")
    return Evidence("PatientBirthDate", False, "another date of birth")


def _sex(header: HeaderIdentity, patient: PatientFacts) -> Evidence:
    theirs, ours = header.patient_sex.upper(), SEX_CODES[patient.sex]
    if theirs not in {"M", "F"} or ours not in {"M", "F"}:
        return Evidence("PatientSex", None, "one side does not say")
    if theirs == ours:
        return Evidence("PatientSex", True, "the same sex")
    return Evidence("PatientSex", False, "another sex")


def parse_da(text: str) -> date | None:
    """A DICOM date (DA, PS3.5 section 6.2), or None when it is absent or not a date."""
    digits = text.strip().replace(".", "")
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
