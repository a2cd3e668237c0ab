"""Text in a character set that lacks some of its letters: nothing is dropped."""

from __future__ import annotations

import typing
import unicodedata

import pydicom.charset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.dicom.transliteration import CHARSETS, transliterated
from ehr_bridge.setting_checks import Charset
from ehr_bridge.settings import Settings


def test_the_settings_know_the_same_character_sets() -> None:
    """And pydicom calls them as we do."""
    annotation: object = Settings.model_fields["worklist_charset"].annotation
    assert annotation is Charset
    assert set(typing.get_args(Charset.__value__)) == set(CHARSETS)
    for name, charset in CHARSETS.items():
        known = pydicom.charset.python_encoding[charset.defined_term] if charset.defined_term else "ascii"
        assert "x".encode(known).decode(charset.codec) == "x", name


@pytest.mark.parametrize(
    ("text", "charset", "written"),
    [
        ("Müller", "latin1", "Müller"),
        ("Müller", "ascii", "Muller"),
        ("Łukasz Żółć", "latin1", "Lukasz Zólc"),
        ("Łukasz Żółć", "latin2", "Łukasz Żółć"),
        ("Щербаков Ёлка", "latin1", "Shcherbakov Elka"),
        ("Щербаков", "cyrillic", "Щербаков"),
        ("Müller", "cyrillic", "Muller"),
        ("Αθηνά", "latin1", "Athina"),
        ("Straße", "ascii", "Strasse"),
        ("Ångström", "greek", "Angstrom"),
        ("山田^太郎", "latin1", "??^??"),
        ("山田", "utf8", "山田"),
        ("e\u0301", "latin1", "é"),
        ("x\u0301", "latin1", "x"),
        ("O\u2019Brien \u2013 2", "latin1", "O'Brien - 2"),
    ],
)
def test_letters_that_are_missing_become_others(text: str, charset: str, written: str) -> None:
    assert transliterated(text, CHARSETS[charset].codec) == written


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])), st.sampled_from(sorted(CHARSETS)))
def test_every_text_fits_and_no_letter_is_lost(text: str, charset: str) -> None:
    """Each letter leaves at least one character; accents of their own may go with the letter that they stand on."""
    codec = CHARSETS[charset].codec
    written = transliterated(text, codec)
    assert written.encode(codec).decode(codec) == written
    letters = [c for c in unicodedata.normalize("NFC", text) if not unicodedata.combining(c)]
    assert len(written) >= len(letters)
