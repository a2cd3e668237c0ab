"""Why a study is said to be somebody's: codes for pages, English words for people, and none without the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ehr_bridge.matching import Evidence, EvidenceGrade
from ehr_bridge.matching.person_names import Grade
from ehr_bridge.matching.reasons import REASONS, words_of
from tests.unit.grade_steps import line, named

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "ehr_bridge").rglob("*.py")]


def test_every_line_of_evidence_has_reasons_that_have_words() -> None:
    """The server makes none in free words, which no page could translate."""
    in_free_words = [path.name for path in SOURCES if re.search(r"\bEvidence\(", path.read_text())]
    assert in_free_words == [], "use Evidence.of or Evidence.against"
    assert any("Evidence.against(" in path.read_text() for path in SOURCES)


def test_no_reason_is_idle() -> None:
    """Each is given somewhere; those of the parts of a name are put together from the part and its grade."""
    parts = {f"{part}_{grade}" for part in ("family_name", "given_name") for grade in Grade if grade is not Grade.SAME}
    assert parts <= set(REASONS)
    said = "".join(path.read_text() for path in SOURCES if path.name != "reasons.py")
    assert [reason for reason in set(REASONS) - parts if f'"{reason}"' not in said] == []


def test_every_reason_is_documented_with_its_words() -> None:
    """So that somebody else's page can have words of its own."""
    documented = (ROOT / "docs" / "api.md").read_text().splitlines()
    assert [reason for reason, words in REASONS.items() if f"| `{reason}` | {words} |" not in documented] == []


def test_a_reason_that_there_is_not_is_an_error_where_it_is_made() -> None:
    for wrong in (("no_such_reason", {}), ("image_other", {"file": "CT"})):
        with pytest.raises(KeyError):
            words_of((wrong[0],), wrong[1])


@pytest.mark.parametrize(
    ("said", "known", "reasons", "detail"),
    [
        ("Lindqvist^Åsa", ("Lindqvist", "Åsa"), ("name_same",), "the same name"),
        ("LINDQVIST^ASA", ("Lindqvist", "Åsa"), ("name_form",), "the same name, written differently"),
        ("Berg^Åsa", ("Lindqvist", "Åsa"), ("family_name_different",), "another family name"),
        (
            "Berg^Ivo",
            ("Lindqvist", "Åsa"),
            ("family_name_different", "given_name_different"),
            "another family name, another given name",
        ),
        ("LINDKVIST^A", ("Lindqvist", "Åsa"), ("family_name_near", "given_name_initial"), None),
        ("Åsa^Lindqvist", ("Lindqvist", "Åsa"), ("name_swapped",), "family name and given name are swapped"),
        ("Åsa^Lindkvist", ("Lindqvist", "Åsa"), ("name_swapped", "family_name_near"), None),
        ("LINDQVIST", ("Lindqvist", "Åsa"), ("given_name_silent",), "no given name on one side"),
        ("ASA LINDQVIST", ("Lindqvist", "Åsa"), ("name_form",), None),
        ("", ("Lindqvist", "Åsa"), ("name_missing",), "one side has no name"),
    ],
)
def test_what_is_notable_about_a_name_is_said(
    said: str, known: tuple[str, str], reasons: tuple[str, ...], detail: str | None
) -> None:
    """And not what agrees anyway."""
    found = line("PatientName", named(*known), patient_name=said)
    assert found.reasons == reasons
    assert detail is None or found.detail == detail


def test_reasons_come_back_from_rows_and_old_rows_have_none() -> None:
    """What fills the blanks comes along; braces in a value are letters."""
    new = Evidence.of("Modality", True, EvidenceGrade.FORM, "image_akin", file="{ehr}", ehr="PT")
    assert new.detail == "{ehr} goes with PT, which is ordered"
    assert Evidence.from_json(new.as_json()) == new
    old = Evidence.from_json({"field": "Modality", "agrees": True, "grade": "same", "detail": "as it was said then"})
    assert (old.detail, old.reasons, old.values) == ("as it was said then", (), ())
