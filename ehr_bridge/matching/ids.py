"""Compares two patient identifiers as written: leading zeros, dashes, check digits, one typing error."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from ehr_bridge.matching.names import fold

SHORTEST = 5
"""Shorter identifiers are too similar to each other to recognise a typing error."""
NEIGHBOURS = 10
"""Numbers this close were issued one after the other, perhaps to twins, or to a mother and her child."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class IdGrade(StrEnum):
    """How the header's patient ID compares with an MRN."""

    SAME = "same"
    NEAR = "near"
    NEIGHBOUR = "neighbour"
    DIFFERENT = "different"
    OTHER_ISSUER = "other_issuer"
    SHARED = "shared"
    """Several patients of different issuers have it, and the header does not name the issuer."""
    SILENT = "silent"


@lru_cache(maxsize=1_000)
def plain_id(text: str) -> str:
    """Letters and digits only, without case and leading zeros: `MRN-00471` is `mrn471`, `000471` is `471`."""
    kept = "".join(c for c in fold(text) if c.isalnum())
    number = kept.lstrip(LETTERS)
    prefix = kept[: len(kept) - len(number)]
    return prefix + (number.lstrip("0") or "0") if number.isdigit() else kept


def compare_ids(said: str, known: str) -> IdGrade:
    """Compares two identifiers of one issuer."""
    theirs, ours = plain_id(said), plain_id(known)
    if not theirs or not ours:
        return IdGrade.SILENT
    if theirs == ours:
        return IdGrade.SAME
    if min(len(theirs), len(ours)) < SHORTEST or not _is_slip(theirs, ours):
        return IdGrade.DIFFERENT
    numbers = [text.lstrip(LETTERS) for text in (theirs, ours)]
    if all(number.isdecimal() for number in numbers):
        apart = abs(int(numbers[0]) - int(numbers[1]))
        if 0 < apart <= NEIGHBOURS:
            return IdGrade.NEIGHBOUR
    return IdGrade.NEAR


def _is_slip(theirs: str, ours: str) -> bool:
    """One character wrong, extra or missing (a check digit), two neighbours swapped, or a prefix left out."""
    if theirs.lstrip(LETTERS) == ours.lstrip(LETTERS) and (theirs.isdigit() or ours.isdigit()):
        return True
    return DamerauLevenshtein.distance(theirs, ours, score_cutoff=1) <= 1
