"""Comparisons as a person reads them: one line per field, keyed by DICOM keyword."""

from __future__ import annotations

from ehr_bridge.matching.compare import Comparison
from ehr_bridge.matching.dates import DateGrade
from ehr_bridge.matching.ids import IdGrade
from ehr_bridge.matching.model import Evidence
from ehr_bridge.matching.person_names import Grade

OF_ID: dict[IdGrade, tuple[bool | None, str]] = {
    IdGrade.SAME: (True, "the file's patient ID is this patient's MRN"),
    IdGrade.NEAR: (True, "this patient's MRN but for one slip"),
    IdGrade.NEIGHBOUR: (False, "a number next to this patient's MRN, as relatives have who were registered together"),
    IdGrade.DIFFERENT: (False, "the file's patient ID is not this patient's MRN"),
    IdGrade.OTHER_ISSUER: (False, "the file's patient ID was given by another issuer"),
    IdGrade.SILENT: (None, "the file has no patient ID"),
}
OF_DATE: dict[DateGrade, tuple[bool | None, str]] = {
    DateGrade.SAME: (True, "the same date of birth"),
    DateGrade.SWAPPED: (True, "the same date of birth with day and month exchanged"),
    DateGrade.NEAR: (True, "the same date of birth but for one digit"),
    DateGrade.YEAR: (False, "the same day and month of another year"),
    DateGrade.DIFFERENT: (False, "another date of birth"),
    DateGrade.SILENT: (None, "one side has no date of birth"),
}
OF_SEX: dict[str, tuple[bool | None, str]] = {
    "same": (True, "the same sex"),
    "different": (False, "another sex"),
    "silent": (None, "one side does not say"),
}
OF_PART = {
    Grade.SAME: "the same",
    Grade.PART: "the same, with parts missing on one side",
    Grade.NEAR: "the same but for a slip",
    Grade.SOUND: "another spelling of the same sound",
    Grade.SIMILAR: "only similar",
    Grade.INITIAL: "only an initial",
    Grade.DIFFERENT: "another",
    Grade.SILENT: "missing on one side",
}


def evidence_of(comparison: Comparison) -> tuple[Evidence, ...]:
    """One line each for patient ID, name, birth date and sex."""
    return (
        Evidence("PatientID", *OF_ID[comparison.patient_id]),
        _name(comparison),
        Evidence("PatientBirthDate", *OF_DATE[comparison.birth_date]),
        Evidence("PatientSex", *OF_SEX[comparison.sex]),
    )


def _name(comparison: Comparison) -> Evidence:
    names = comparison.names
    parts = {names.family, names.given}
    if parts == {Grade.SILENT}:
        return Evidence("PatientName", None, "one side has no name")
    if parts == {Grade.SAME} and not names.is_swapped:
        return Evidence("PatientName", True, "the same name")
    detail = f"family name {OF_PART[names.family]}, given name {OF_PART[names.given]}"
    if names.is_swapped:
        detail += ", in each other's place"
    if parts & {Grade.DIFFERENT, Grade.SIMILAR}:
        return Evidence("PatientName", False, detail)
    agrees = comparison.family_agrees or comparison.given_agrees
    return Evidence("PatientName", True if agrees else None, detail)
