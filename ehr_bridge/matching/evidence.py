"""Comparisons as a person reads them: one line per field, keyed by DICOM keyword."""

from __future__ import annotations

from ehr_bridge.matching.compare import Comparison
from ehr_bridge.matching.dates import DateGrade
from ehr_bridge.matching.ids import IdGrade
from ehr_bridge.matching.model import Evidence
from ehr_bridge.matching.model import EvidenceGrade as Said
from ehr_bridge.matching.person_names import Grade

type Words = tuple[bool | None, Said, str]

OF_ID: dict[IdGrade, Words] = {
    IdGrade.SAME: (True, Said.SAME, "the file's patient ID is this patient's MRN"),
    IdGrade.NEAR: (True, Said.SLIP, "this patient's MRN but for one slip: a digit wrong, missing, added or exchanged"),
    IdGrade.NEIGHBOUR: (
        False,
        Said.SLIP,
        "one digit from this patient's MRN: a number next to it, as relatives have who were registered together",
    ),
    IdGrade.DIFFERENT: (False, Said.OTHER, "the file's patient ID is not this patient's MRN"),
    IdGrade.OTHER_ISSUER: (False, Said.OTHER, "the file's patient ID was given by another issuer"),
    IdGrade.SILENT: (None, Said.SILENT, "the file has no patient ID"),
}
OF_DATE: dict[DateGrade, Words] = {
    DateGrade.SAME: (True, Said.SAME, "the same date of birth"),
    DateGrade.SWAPPED: (True, Said.SLIP, "the same date of birth with day and month exchanged"),
    DateGrade.NEAR: (True, Said.SLIP, "the same date of birth but for one digit"),
    DateGrade.YEAR: (False, Said.OTHER, "the same day and month of another year"),
    DateGrade.DIFFERENT: (False, Said.OTHER, "another date of birth"),
    DateGrade.SILENT: (None, Said.SILENT, "one side has no date of birth"),
}
OF_SEX: dict[str, Words] = {
    "same": (True, Said.SAME, "the same sex"),
    "different": (False, Said.OTHER, "another sex"),
    "silent": (None, Said.SILENT, "one side does not say"),
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
        _patient_id(comparison),
        _name(comparison),
        Evidence("PatientBirthDate", *OF_DATE[comparison.birth_date]),
        Evidence("PatientSex", *OF_SEX[comparison.sex]),
    )


def _patient_id(comparison: Comparison) -> Evidence:
    if comparison.patient_id is IdGrade.SAME and not comparison.is_id_as_written:
        return Evidence("PatientID", True, Said.FORM, "this patient's MRN, written otherwise")
    return Evidence("PatientID", *OF_ID[comparison.patient_id])


def _name(comparison: Comparison) -> Evidence:
    names = comparison.names
    parts = {names.family, names.given}
    if parts == {Grade.SILENT}:
        return Evidence("PatientName", None, Said.SILENT, "one side has no name")
    if names.is_other_generation:
        return Evidence.against("PatientName", "the suffixes tell one generation from another, as father and son")
    if names.is_whole or (parts == {Grade.SAME} and not names.is_swapped):
        if names.is_as_written:
            return Evidence("PatientName", True, Said.SAME, "the same name")
        if names.lacks_middle_name:
            return Evidence("PatientName", True, Said.FORM, "the same name, the middle name on one side only")
        return Evidence("PatientName", True, Said.FORM, "the same name, written otherwise")
    detail = f"family name {OF_PART[names.family]}, given name {OF_PART[names.given]}"
    if names.is_swapped:
        detail += ", in each other's place"
    if parts & {Grade.DIFFERENT, Grade.SIMILAR}:
        return Evidence.against("PatientName", detail)
    if not (comparison.family_agrees or comparison.given_agrees):
        return Evidence("PatientName", None, Said.SILENT, detail)
    is_slip = bool(parts & {Grade.NEAR, Grade.SOUND}) or names.lacks_a_main_part
    return Evidence("PatientName", True, Said.SLIP if is_slip else Said.FORM, detail)
