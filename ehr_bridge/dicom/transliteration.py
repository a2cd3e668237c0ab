"""Writes text in a character set that lacks some of its letters: with others, never with fewer.

For answers of the worklist, which Orthanc encodes in one set for everybody, dropping what the set lacks.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple


class Charset(NamedTuple):
    """A character set for worklists."""

    codec: str
    """Python's name of it."""
    defined_term: str
    """Its Specific Character Set (PS3.3 section C.12.1.1.2); '' for the default repertoire."""


CHARSETS: Final[dict[str, Charset]] = {
    "ascii": Charset("ascii", ""),
    "latin1": Charset("iso8859-1", "ISO_IR 100"),
    "latin2": Charset("iso8859-2", "ISO_IR 101"),
    "latin3": Charset("iso8859-3", "ISO_IR 109"),
    "latin4": Charset("iso8859-4", "ISO_IR 110"),
    "latin5": Charset("iso8859-9", "ISO_IR 148"),
    "cyrillic": Charset("iso8859-5", "ISO_IR 144"),
    "arabic": Charset("iso8859-6", "ISO_IR 127"),
    "greek": Charset("iso8859-7", "ISO_IR 126"),
    "hebrew": Charset("iso8859-8", "ISO_IR 138"),
    "utf8": Charset("utf-8", "ISO_IR 192"),
}
"""By the names that settings use, which with a capital are Orthanc's."""

_UNKNOWN: Final = "?"
_LATIN: Final = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    "ŋ": "n", "ŧ": "t", "ĸ": "k", "ə": "e", "ʻ": "'", "ʼ": "'", "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"',
    "„": '"', "«": '"', "»": '"', "‐": "-", "‑": "-", "–": "-", "—": "-", "…": "...", "€": "EUR", "№": "No",
    "\u00a0": " ",
}  # fmt: skip
_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "ђ": "d", "е": "e", "є": "ie", "ё": "e", "ж": "zh",
    "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n",
    "њ": "nj", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u", "ў": "u", "ф": "f", "х": "kh",
    "ц": "ts", "ч": "ch", "џ": "dz", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y", "ь": "'", "э": "e", "ю": "iu",
    "я": "ia",
}  # fmt: skip
"""As passports write them (ICAO Doc 9303 part 3 section 6), except that the soft sign stays visible."""
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
"""ISO 843, without its accents."""
_OTHER_LETTERS: Final = _LATIN | _CYRILLIC | _GREEK


def transliterated(text: str, codec: str) -> str:
    """The text, in which every character that the codec lacks is replaced: by its base letter, by the Latin letters
    that stand for it, or else by a question mark. Text that fits is returned as it is."""
    if text.isascii() or _holds(text, codec):
        return text
    return "".join(_replaced(character, codec) for character in unicodedata.normalize("NFC", text))


def _holds(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def _replaced(character: str, codec: str) -> str:
    if _holds(character, codec):
        return character
    if unicodedata.combining(character):
        return ""  # an accent of the letter before it, which stays
    letters = _letters(character)
    if letters is None:
        plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
        letters = "".join(c if _holds(c, codec) else _letters(c) or _UNKNOWN for c in plain)
    return letters if letters and _holds(letters, codec) else _UNKNOWN


def _letters(character: str) -> str | None:
    """The Latin letters for one character, with a capital first where it is one."""
    small = character.lower()
    letters = _OTHER_LETTERS.get(character) or _OTHER_LETTERS.get(small)
    if letters is None:
        return None
    return letters.capitalize() if character != small else letters
