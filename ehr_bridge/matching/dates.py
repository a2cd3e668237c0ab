"""Compares two dates of birth, allowing for typing errors."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from enum import StrEnum

from rapidfuzz.distance import DamerauLevenshtein


class DateGrade(StrEnum):
    SAME = "same"
    SWAPPED = "swapped"
    NEAR = "near"
    YEAR = "year"
    DIFFERENT = "different"
    SILENT = "silent"


def parse_da(text: str) -> date | None:
    """A DICOM date (DA, PS3.5 section 6.2), or None when it is absent or not a date."""
    digits = text.strip().replace(".", "")
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def digits_of(text: str) -> str:
    """The eight digits of what should be a DA, whether or not the date exists; '' for anything else."""
    digits = text.strip().replace(".", "")
    return digits if re.fullmatch(r"[0-9]{8}", digits) else ""


def swapped(day: date) -> date | None:
    """Day and month swapped; None when that is no date or the same one."""
    with suppress(ValueError):
        other = date(day.year, day.day, day.month)
        return other if other != day else None
    return None


def compare_dates(theirs: str, ours: date | None) -> DateGrade:
    """How a header's date of birth compares with ours. A mistyped date need not exist in the calendar."""
    digits = digits_of(theirs)
    if not digits or ours is None:
        return DateGrade.SILENT
    known = ours.strftime("%Y%m%d")
    if digits == known:
        return DateGrade.SAME
    if digits == known[:4] + known[6:] + known[4:6]:
        return DateGrade.SWAPPED
    if DamerauLevenshtein.distance(digits, known, score_cutoff=1) <= 1 and len(digits) == len(known):
        return DateGrade.NEAR
    if digits[4:] == known[4:]:
        return DateGrade.YEAR
    return DateGrade.DIFFERENT
