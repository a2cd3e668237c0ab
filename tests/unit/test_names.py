"""Names as they are searched for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.matching.names import NamePart, Place, Word, fold, name_index, name_key, read_query


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is folded is as plain as it gets."""
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=60))
def test_a_name_typed_as_it_is_written_finds_every_part_it_names(name: str) -> None:
    """Index and query agree, whatever the script."""
    plain = name.replace("*", "").replace("?", "").replace(",", " ").replace("=", " ")
    typed = {word.text for word in read_query(plain)}
    assert typed == {part.text for part in name_index(plain)}


@pytest.mark.parametrize(
    ("name", "folded"),
    [("Åsa Müller", "asa muller"), ("SØRENSEN", "sorensen"), ("Straße", "strasse"), ("Łukasz Żak", "lukasz zak")],
)
def test_accents_and_case_do_not_count(name: str, folded: str) -> None:
    """As typed on a keyboard without them."""
    assert fold(name) == folded


def test_the_parts_of_a_dicom_name_keep_their_place() -> None:
    """Family before the first ^, given names behind; all three groups of a Japanese name."""
    assert name_index("Yamada^Tarou=山田^太郎") == [
        NamePart("tarou", Place.GIVEN),
        NamePart("yamada", Place.FAMILY),
        NamePart("太郎", Place.GIVEN),
        NamePart("山田", Place.FAMILY),
    ]
    assert {part.place for part in name_index("DOE JOHN")} == {Place.ANY}
    assert name_key("Müller-Lüdenscheidt^Anna Lena") == "muller ludenscheidt anna lena"
    assert name_index("^^^") == [] and name_key("") == ""


@pytest.mark.parametrize("typed", ["Lindqvist, Åsa", "lindqvist^ASA", "LINDQVIST ,åsa"])
def test_a_comma_or_a_caret_divides_family_from_given(typed: str) -> None:
    """Then a given name is not mistaken for a family name."""
    assert read_query(typed) == [Word("lindqvist", Place.FAMILY), Word("asa", Place.GIVEN)]


def test_without_a_comma_each_word_may_be_either() -> None:
    """Given family or family given; wildcards stay in their word, a lone * asks for nothing."""
    assert read_query("åsa lind*") == [Word("asa", Place.ANY), Word("lind*", Place.ANY)]
    assert read_query("*") == []
    assert read_query("l?ndqvist")[0].is_pattern
