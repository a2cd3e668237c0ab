"""Names as people type them: a comma is understood or refused, and never becomes part of a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.dicom.typed_names import COMMA, typed_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Schmidt, Anne", "Schmidt^Anne"),
        ("Schmidt,Anne", "Schmidt^Anne"),
        ("山田、太郎", "山田^太郎"),
        ("Schmidt", "Schmidt"),
        ("Schmidt^Anne", "Schmidt^Anne"),
        ("Schmidt^Anne^Maria^Dr.^MD, PhD", "Schmidt^Anne^Maria^Dr.^MD, PhD"),
        ("Yamada, Tarou=山田^太郎", "Yamada^Tarou=山田^太郎"),
        ("", ""),
    ],
)
def test_what_is_understood(typed: str, name: str) -> None:
    assert typed_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["Schmidt,", ", Anne", "Schmidt, Anne, MD", "Schmidt,, Anne", "Schmidt, A^Anne", "Schmidt^Anne, MD", ","]
)
def test_what_is_refused(typed: str) -> None:
    """With how to write it instead."""
    with pytest.raises(ValueError, match=r"Schmidt\^Anne"):
        typed_name(typed)


@given(st.text("Ab,，、^= ", max_size=20))
def test_no_comma_is_ever_in_a_family_given_or_middle_name(typed: str) -> None:
    """Whatever is typed; and what was understood once is understood the same again."""
    try:
        name = typed_name(typed)
    except ValueError:
        return
    assert not any(COMMA.search(part) for group in name.split("=") for part in group.split("^")[:3])
    assert typed_name(name) == name
