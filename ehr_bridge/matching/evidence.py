"""Comparisons in words: one line per field, keyed by DICOM keyword."""

from __future__ import annotations

from collections.abc import Iterator

from ehr_bridge.matching.compare import Comparison
from ehr_bridge.matching.dates import DateGrade
from ehr_bridge.matching.ids import IdGrade
from ehr_bridge.matching.model import Evidence
from ehr_bridge.matching.model import EvidenceGrade as Said
from ehr_bridge.matching.person_names import Grade, NameComparison

type Words = tuple[bool | None, Said, str]
"""Whether it agrees, how far apart, and the reason."""

OF_ID: dict[IdGrade, Words] = {
    IdGrade.SAME: (True, Said.SAME, "id_same"),
    IdGrade.NEAR: (True, Said.SLIP, "id_digit"),
    IdGrade.NEIGHBOUR: (False, Said.SLIP, "id_neighbour"),
    IdGrade.DIFFERENT: (False, Said.OTHER, "id_other"),
    IdGrade.OTHER_ISSUER: (False, Said.OTHER, "id_other_issuer"),
    IdGrade.SHARED: (None, Said.SILENT, "id_shared"),
    IdGrade.SILENT: (None, Said.SILENT, "id_missing"),
}
OF_DATE: dict[DateGrade, Words] = {
    DateGrade.SAME: (True, Said.SAME, "birth_date_same"),
    DateGrade.SWAPPED: (True, Said.SLIP, "birth_date_swapped"),
    DateGrade.NEAR: (True, Said.SLIP, "birth_date_digit"),
    DateGrade.YEAR: (False, Said.OTHER, "birth_date_year"),
    DateGrade.DIFFERENT: (False, Said.OTHER, "birth_date_other"),
    DateGrade.SILENT: (None, Said.SILENT, "birth_date_missing"),
}
OF_SEX: dict[str, Words] = {
    "same": (True, Said.SAME, "sex_same"),
    "different": (False, Said.OTHER, "sex_other"),
    "silent": (None, Said.SILENT, "sex_missing"),
}


def evidence_of(comparison: Comparison) -> tuple[Evidence, ...]:
    """One line each for patient ID, name, birth date and sex."""
    return (
        _patient_id(comparison),
        _name(comparison),
        Evidence.of("PatientBirthDate", *OF_DATE[comparison.birth_date]),
        Evidence.of("PatientSex", *OF_SEX[comparison.sex]),
    )


def _patient_id(comparison: Comparison) -> Evidence:
    if comparison.patient_id is IdGrade.SAME and not comparison.is_id_as_written:
        return Evidence.of("PatientID", True, Said.FORM, "id_form")
    return Evidence.of("PatientID", *OF_ID[comparison.patient_id])


def _name(comparison: Comparison) -> Evidence:
    names = comparison.names
    parts = {names.family, names.given}
    if parts == {Grade.SILENT}:
        return Evidence.of("PatientName", None, Said.SILENT, "name_missing")
    if names.is_other_generation:
        return Evidence.against("PatientName", "generation_other")
    if (names.is_whole or parts == {Grade.SAME}) and names.is_as_written:
        return Evidence.of("PatientName", True, Said.SAME, "name_same")
    reasons = tuple(_reasons(names)) or ("name_form",)
    if parts & {Grade.DIFFERENT, Grade.SIMILAR}:
        return Evidence.against("PatientName", *reasons)
    if not (names.is_whole or comparison.family_agrees or comparison.given_agrees):
        return Evidence.of("PatientName", None, Said.SILENT, *reasons)
    is_slip = bool(parts & {Grade.NEAR, Grade.SOUND}) or names.lacks_a_main_part
    return Evidence.of("PatientName", True, Said.SLIP if is_slip else Said.FORM, *reasons)


def _reasons(names: NameComparison) -> Iterator[str]:
    """What there is to say about a name that is not simply the same."""
    if names.is_swapped:
        yield "name_swapped"
    if not names.is_whole:
        of_parts = (("family_name", names.family), ("given_name", names.given))
        yield from (f"{part}_{grade}" for part, grade in of_parts if grade is not Grade.SAME)
    if names.lacks_middle_name:
        yield "middle_name_missing"
