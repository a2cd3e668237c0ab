"""Evidence as a person reads it: how far two values are apart."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.matching import Evidence, EvidenceGrade
from tests.unit.grade_steps import line, named


@pytest.mark.parametrize(
    ("said", "family", "given", "grade"),
    [
        ("Lindqvist^Åsa", "Lindqvist", "Åsa", "same"),
        ("Lindqvist^Åsa^^^", "Lindqvist", "Åsa", "same"),
        ("LINDQVIST^ASA", "Lindqvist", "Åsa", "form"),
        ("Lindqvist^Asa", "Lindqvist", "Åsa", "form"),
        ("LINDQVIST^AASA", "Lindqvist", "Åsa", "form"),
        ("Åsa^Lindqvist", "Lindqvist", "Åsa", "form"),
        ("TANAKA^YUKI", "Tanaka", "Yuki", "form"),
        ("MUELLER^JOERG", "Müller", "Jörg", "form"),
        ("Müller^Jörg", "Mueller", "Joerg", "form"),
        ("DJORDJEVIC^DJURA", "Đorđević", "Đura", "form"),
        ("THORSDOTTIR^ASTTHOR", "Þórsdóttir", "Ástþór", "form"),
        ("GROSS^SOEREN", "Groß", "Søren", "form"),
        ("LINDQVIST^ASA^MARIA", "Lindqvist", "Åsa", "form"),
        ("LINDQVIST^A", "Lindqvist", "Åsa", "form"),
        ("LINDQVIST", "Lindqvist", "Åsa", "form"),
        ("LINDQVISST^ASA", "Lindqvist", "Åsa", "slip"),
        ("LINDKVIST^ASA", "Lindqvist", "Åsa", "slip"),
        ("MUELLER^JORG", "Muller", "Jorg", "slip"),
        ("SCHMIDT^ANNA", "Müller-Schmidt", "Anna", "slip"),
        ("LINDQVIST^SVEN", "Lindqvist", "Åsa", "other"),
        ("", "Lindqvist", "Åsa", "silent"),
    ],
)
def test_names_are_graded(said: str, family: str, given: str, grade: str) -> None:
    """Case, accents, transliteration and order are form; letters are slips; another name is another."""
    found = line("PatientName", named(family, given), patient_name=said)
    assert (found.grade, found.agrees) == (grade, {"other": False, "silent": None}.get(grade, True)), found


@pytest.mark.parametrize(
    ("field", "said", "grade", "agrees"),
    [
        ("patient_id", "1000471", "same", True),
        ("patient_id", "0001000471", "form", True),
        ("patient_id", "1008471", "slip", True),
        ("patient_id", "1000472", "slip", False),
        ("patient_id", "2000472", "other", False),
        ("patient_id", "", "silent", None),
        ("patient_birth_date", "19610314", "same", True),
        ("patient_birth_date", "19610315", "slip", True),
        ("patient_birth_date", "19611403", "slip", True),
        ("patient_birth_date", "19900101", "other", False),
        ("patient_birth_date", "", "silent", None),
        ("patient_sex", "F", "same", True),
        ("patient_sex", "M", "other", False),
        ("patient_sex", "O", "silent", None),
        ("accession_number", "acc-1 ", "form", True),
    ],
)
def test_fields_are_graded(field: str, said: str, grade: str, agrees: bool | None) -> None:
    """A wrong digit is a slip, and is called so; a number next to the MRN may be a relative's, and does not agree."""
    keyword = {"patient_id": "PatientID"}.get(field, field.title().replace("_", ""))
    header: dict[str, Any] = {field: said}
    found = line(keyword, **header)
    assert (found.grade, found.agrees) == (grade, agrees)
    if found.grade is EvidenceGrade.SLIP and said != "19611403":
        assert "digit" in found.detail


def test_evidence_from_before_grades_is_read() -> None:
    """Rows that were written without them."""
    old = [{"field": "PatientID", "agrees": agrees, "detail": "x"} for agrees in (True, False, None)]
    assert [Evidence.from_json(one).grade for one in old] == ["same", "other", "silent"]
    new = Evidence("PatientName", True, EvidenceGrade.SLIP, "x")
    assert Evidence.from_json(new.as_json()) == new
