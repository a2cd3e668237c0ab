"""Names, dates and numbers as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from ehr_bridge.matching.dates import DateGrade, compare_dates
from ehr_bridge.matching.ids import IdGrade, compare_ids, plain_id
from ehr_bridge.matching.names import cut
from ehr_bridge.matching.person_names import Grade, PersonName, compare_names, read_names


def grades(said: str, family: str, given: str) -> tuple[Grade, Grade]:
    """Those of the reading of `said` that fits best."""
    known = PersonName(tuple(cut(family)), tuple(cut(given)))
    found = [compare_names(name, known) for name in read_names(said)]
    best = max(found, key=lambda names: (names.family is Grade.SAME) + (names.given is Grade.SAME))
    return best.family, best.given


@pytest.mark.parametrize(
    "said",
    [
        "LINDQVIST^ASA",
        "Lindqvist^Åsa^^Dr",
        "lindqvist^asa",
        "LINDQVIST ASA",
        "Åsa Lindqvist",
        "ASA^LINDQVIST",
        "Lindqvist^Åsa=山田^太郎",
    ],
)
def test_the_same_name_however_it_is_written(said: str) -> None:
    """Case, accents, order, suffix, scripts."""
    family, given = grades(said, "Lindqvist", "Åsa")
    assert family is Grade.SAME
    assert given in (Grade.SAME, Grade.PART)


def test_a_name_in_another_script_is_found_in_its_own_group() -> None:
    """The EHR writes it as the second or third component group does."""
    assert grades("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田", "太郎") == (Grade.SAME, Grade.SAME)


@pytest.mark.parametrize(
    ("said", "family", "given", "expected"),
    [
        ("MULLER-SCHMIDT^ANNA", "Schmidt", "Anna", (Grade.PART, Grade.SAME)),
        ("MULLER^ANNA LENA", "Müller", "Anna-Lena", (Grade.SAME, Grade.SAME)),
        ("MULLER^ANNALENA", "Müller", "Anna-Lena", (Grade.SAME, Grade.SAME)),
        ("MULLER^ANNA", "Müller", "Anna-Lena", (Grade.SAME, Grade.PART)),
        ("MULER^ANAN", "Müller", "Anna", (Grade.NEAR, Grade.NEAR)),
        ("PHILIPSEN^A", "Filipsen", "Anna", (Grade.NEAR, Grade.INITIAL)),
        ("CATZ^ANNA", "Katz", "Hanna", (Grade.NEAR, Grade.NEAR)),
        ("SCHULTZ^ANNA", "Shultse", "Hugo", (Grade.SOUND, Grade.DIFFERENT)),
        ("MULLER^", "Müller", "Anna", (Grade.SAME, Grade.SILENT)),
        ("LI^KIM", "Lu", "Tim", (Grade.DIFFERENT, Grade.NEAR)),
        ("MARTINSSON^ANNA", "Martinez", "Anna", (Grade.SIMILAR, Grade.SAME)),
    ],
)
def test_names_that_differ_are_graded(said: str, family: str, given: str, expected: tuple[Grade, Grade]) -> None:
    """Maiden names, missing parts, slips, sounds, initials."""
    assert grades(said, family, given) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("19610314", DateGrade.SAME),
        ("1961.03.14", DateGrade.SAME),
        ("19611403", DateGrade.SWAPPED),
        ("19610341", DateGrade.NEAR),
        ("19610315", DateGrade.NEAR),
        ("19160314", DateGrade.NEAR),
        ("19550314", DateGrade.YEAR),
        ("19550727", DateGrade.DIFFERENT),
        ("", DateGrade.SILENT),
        ("UNKNOWN", DateGrade.SILENT),
        ("1961", DateGrade.SILENT),
        ("1961031４", DateGrade.SILENT),
    ],
)
def test_birth_dates_are_graded(said: str, expected: DateGrade) -> None:
    """Real headers hold many things; a mistyped date need not be one of the calendar."""
    assert compare_dates(said, date(1961, 3, 14)) is expected


@pytest.mark.parametrize(
    ("said", "known", "expected"),
    [
        ("MRN-0471", "mrn0471", IdGrade.SAME),
        ("000471", "471", IdGrade.SAME),
        ("1000471", "1009471", IdGrade.NEAR),
        ("1000471", "1004071", IdGrade.NEAR),
        ("1000471-8", "1000471", IdGrade.NEAR),
        ("MRN1000471", "1000471", IdGrade.NEAR),
        ("1000471", "1000472", IdGrade.NEIGHBOUR),
        ("1000479", "1000471", IdGrade.NEIGHBOUR),
        ("471", "472", IdGrade.DIFFERENT),
        ("1000471", "2000472", IdGrade.DIFFERENT),
        ("", "1000471", IdGrade.SILENT),
        ("---", "1000471", IdGrade.SILENT),
        ("٣٤٥٦٧٨", "345678", IdGrade.DIFFERENT),
    ],
)
def test_numbers_are_graded(said: str, known: str, expected: IdGrade) -> None:
    """Leading zeros, dashes, check digits, prefixes, one slip; neighbours are given to twins."""
    assert compare_ids(said, known) is expected


def test_plain_id_keeps_a_number_of_zeros() -> None:
    """000 is 0, and not nothing."""
    assert (plain_id("000"), plain_id("MRN-000"), plain_id("a0b")) == ("0", "mrn0", "a0b")
