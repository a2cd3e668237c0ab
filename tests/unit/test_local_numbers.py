"""Numbers and names that are given at the desk: their patterns, and that no two can be mistaken for each other."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ehr_bridge.services.registry.emergency import NAMES, first_free, words_of
from ehr_bridge.services.registry.local_numbers import made
from ehr_bridge.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("pattern", "count", "number"),
    [
        ("L{n:07}", 17, "L0000017"),
        ("L{n:07}", 12_345_678, "L12345678"),
        ("A{date}{n:04}", 1, "A202611290001"),
        ("{n}-W", 5, "5-W"),
        ("R_{n:3}", 5, "R_005"),
    ],
)
def test_a_pattern_makes_a_number_of_a_count(pattern: str, count: int, number: str) -> None:
    """Wider than its width when it must be."""
    assert made(pattern, count, "20261129") == number


@pytest.mark.parametrize("variable", ["EHR_BRIDGE_LOCAL_MRN", "EHR_BRIDGE_LOCAL_ACCESSION"])
@pytest.mark.parametrize(
    "pattern",
    ["L", "{n}{n}", "L/{n}", "L {n}", "{date}{date}{n}", "L{n:0}", "L{m}", "É{n}", "{n:065}", "L{n:07", "\\{n}"],
)
def test_a_pattern_that_gives_no_usable_numbers_is_refused_at_the_start(variable: str, pattern: str) -> None:
    """Without a count two would get one number; what does not stand in an address reaches nobody."""
    with pytest.raises(SettingsError) as refused:
        load_settings({variable: pattern})
    assert variable in str(refused.value)


def test_an_accession_number_has_at_most_16_characters() -> None:
    """An MRN may be longer."""
    assert load_settings({"EHR_BRIDGE_LOCAL_MRN": "RADIOLOGY-{date}-{n:06}"}).local_mrn == "RADIOLOGY-{date}-{n:06}"
    with pytest.raises(SettingsError, match="16 characters"):
        load_settings({"EHR_BRIDGE_LOCAL_ACCESSION": "RAD-{date}-{n:06}"})


def test_the_words_of_all_counts_differ_and_neighbours_begin_otherwise() -> None:
    """On a console the first word is all that one may see."""
    every = [words_of(count) for count in range(1, NAMES + 1)]
    assert len(set(every)) == NAMES == 676
    assert all(one.split()[0] != other.split()[0] for one, other in pairwise(every))
    assert words_of(NAMES + 1) == words_of(1)


def test_words_that_somebody_has_are_not_given_again() -> None:
    """As long as there are others."""
    assert first_free(1, ["Alfa Bravo", None, "Bravo Charlie"]) == "Charlie Delta"
    assert first_free(5, (words_of(count) for count in range(1, NAMES + 1))) == words_of(5)
