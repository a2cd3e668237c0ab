"""Values that a caller wants in a header: which attribute, and whether its VR can hold them (PS3.5 section 6.2).

Refuses with ValueError what would be wrong in any file: a programming error or unchecked input, never a fault of the
file.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from pydicom.datadict import tag_for_keyword

from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.encoding import BLOCK_VRS, vr_of_tag

_MAX_CHARACTERS: Final = {
    "AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240, "PN": 194,
    "SH": 16, "ST": 1024, "TM": 14, "UC": 65534, "UR": 65534, "UT": 65534,
}  # fmt: skip
_NAME_GROUP: Final = 64
_NAME_GROUPS: Final = 3
_NAME_COMPONENTS: Final = 5
_GRAMMAR: Final = {
    "AE": re.compile(r"[ -~]*"),
    "AS": re.compile(r"(\d{3}[DWMY])?"),
    "CS": re.compile(r"[A-Z0-9_ ]*"),
    "DS": re.compile(r"([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)?"),
    "DT": re.compile(r"(\d{4}(\d{2}){0,5}(\.\d{1,6})?([+-]\d{4})?)?"),
    "IS": re.compile(r"([+-]?\d+)?"),
    "TM": re.compile(r"(([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?(\.\d{1,6})?)?)?"),
    "UR": re.compile(r"[!-~]*"),
}
_MANAGED_HERE: Final = frozenset({tags.SPECIFIC_CHARACTER_SET})


class Wanted(NamedTuple):
    """One attribute and the value to give it."""

    tag: int
    vr: str
    keyword: str
    value: str
    canonical: str
    """Comparison form: the value without meaningless differences."""


@lru_cache(maxsize=1024)
def wanted_value(keyword: str, value: str) -> Wanted:
    """The attribute and its checked value. Raises ValueError for an unknown keyword, for an attribute that must not be
    changed (UIDs, sequences, binary values, groups up to 0004, the character set), or a value its VR does not allow."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword!r} is not a DICOM keyword")
    vr = vr_of_tag(tag)
    if vr not in _MAX_CHARACTERS or tag < 0x00080000 or tag in _MANAGED_HERE:
        raise ValueError(f"{keyword} cannot be changed in a file")
    value = value.rstrip(" ") if vr in BLOCK_VRS else value.strip(" ")
    _require_allowed(keyword, vr, value)
    return Wanted(tag, vr, keyword, value, canonical(vr, value))


def canonical(vr: str, text: str) -> str:
    """A value without meaningless parts: spaces around name components, and empty ones at the end (PS3.5 section
    6.2.1.1)."""
    if vr in BLOCK_VRS:
        return text.rstrip(" ")
    if vr != "PN" or not ("^" in text or "=" in text):
        return text.strip(" ")
    groups = ("^".join(part.strip(" ") for part in group.split("^")).rstrip("^") for group in text.split("="))
    return "=".join(groups).rstrip("=")


def date_text(day: date | None) -> str:
    """A date as YYYYMMDD (PS3.5 section 6.2, DA), empty for None. `strftime` gives years before 1000 fewer digits."""
    return day.isoformat().replace("-", "") if day else ""


def is_date(text: str) -> bool:
    """Whether text is an existing date as YYYYMMDD (PS3.5 section 6.2, DA)."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return False
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:])
    if not (year and 1 <= month <= 12):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = 29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return 1 <= day <= days


def _require_allowed(keyword: str, vr: str, value: str) -> None:
    if "\\" in value or any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ValueError(f"{keyword} holds a backslash or a control character")
    if len(value) > _MAX_CHARACTERS[vr]:
        raise ValueError(f"{keyword} is longer than the {_MAX_CHARACTERS[vr]} characters of VR {vr}")
    grammar = _GRAMMAR.get(vr)
    if grammar is not None and (not value.isascii() or not grammar.fullmatch(value)):
        raise ValueError(f"{keyword} is not a valid {vr}")
    if vr == "DA" and value and not is_date(value):
        raise ValueError(f"{keyword} is not a day written YYYYMMDD")
    if vr == "PN":
        groups = value.split("=")
        if len(groups) > _NAME_GROUPS:
            raise ValueError(f"{keyword} has more than {_NAME_GROUPS} groups between '='")
        if any(len(group) > _NAME_GROUP for group in groups):
            raise ValueError(f"{keyword} has a group longer than {_NAME_GROUP} characters")
        if any(group.count("^") >= _NAME_COMPONENTS for group in groups):
            raise ValueError(f"{keyword} has more than {_NAME_COMPONENTS} components between '^'")
