"""Names for searching: folded to plain letters and cut into parts; queries are read the same way.

The index of studies and the words of a query are folded alike, so that names that look alike are found alike.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

PART_LENGTH = 64
KEY_LENGTH = 255
LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"})
"""Letters that Unicode does not decompose into a base and an accent."""
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "å": "aa", "đ": "dj", "ð": "dh"})
"""Letters that are sometimes written as two; folding always does so with æ, œ, þ and ß."""


class Place(StrEnum):
    """The position of a part in a name."""

    FAMILY = "family"
    GIVEN = "given"
    """Given, middle, prefix and suffix."""
    ANY = "any"
    """The name is not divided into components: it may be either."""


@dataclass(frozen=True, slots=True, order=True)
class NamePart:
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query: the beginning of a part, or, with * and ?, the pattern of a whole part."""

    text: str
    place: Place

    @property
    def is_pattern(self) -> bool:
        return "*" in self.text or "?" in self.text


def fold(text: str) -> str:
    """Small letters without accents: "Åsa Müller" is "asa muller". Folding twice changes nothing."""
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(LETTERS)


def cut(text: str) -> list[str]:
    """The folded words of a name, each cut to the length of a stored part."""
    return list(words_of(text))


@lru_cache(maxsize=10_000)
def spelled_out(text: str) -> tuple[str, ...]:
    """The words of a name, in the order of `words_of`, but spelled out: "mueller" for Müller."""
    return words_of(unicodedata.normalize("NFC", text.casefold()).translate(SPELLED_OUT))


def drawn_together(word: str) -> str:
    """A folded word without the second letters of what may be spelled out: "mueller" is "muller"."""
    return re.sub(r"(?<=[aou])e|(?<=a)a|(?<=d)j", "", word)


@lru_cache(maxsize=10_000)
def words_of(text: str) -> tuple[str, ...]:
    """Like `cut`, cached, because names repeat."""
    return tuple(part[:PART_LENGTH] for part in re.split(r"[\W_]+", fold(text)) if part)


def name_index(name: str) -> list[NamePart]:
    """The parts of a PN value (PS3.5 section 6.2.1) that find it, of all its component groups, without duplicates."""
    parts = set()
    for group in name.split("="):
        family, separator, rest = group.partition("^")
        parts |= {NamePart(text, Place.FAMILY if separator else Place.ANY) for text in cut(family)}
        parts |= {NamePart(text, Place.GIVEN) for text in cut(rest)}
    return sorted(parts)


def name_key(name: str) -> str:
    """The sort key of a PN value: the folded parts of its first non-empty group; '' without a name."""
    group = next((group for group in name.split("=") if group.strip("^ ")), "")
    return " ".join(cut(group))[:KEY_LENGTH]


def read_query(text: str) -> list[Word]:
    """The words of a name as people type it: `given family`, `family, given`, `family^given`, with * and ?.

    Each word must be found. The family name is before a comma or ^, given names are after it; without one a word may be
    either. A lone * is ignored.
    """
    family, separator, given = fold(text).replace("^", ",").partition(",")
    words = [Word(word, Place.FAMILY if separator else Place.ANY) for word in _words(family)]
    words += [Word(word, Place.GIVEN) for word in _words(given)]
    return [word for word in words if word.text.strip("*")]


def _words(text: str) -> list[str]:
    return [word[:PART_LENGTH] for word in re.split(r"(?:[^\w*?]|_)+", text) if word]
