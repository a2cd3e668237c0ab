"""How keys of a worklist query match values (PS3.4 section C.2.2.2), apart from any database.

Codes and texts are compared as they are written, names without case and accents. Raises ValueError for keys that mean
nothing, such as a date that is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import zip_longest

from ehr_bridge.dicom.times import parse_tm
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.matching.names import spelled_out, words_of

WILDCARDS = frozenset("*?")
ANY = "*"
type Fold = Callable[[str], tuple[str, ...]]
SEARCHED_PARTS = 3
"""Family, given and middle name: those by which persons are searched."""
FOLDS: tuple[Fold, ...] = (words_of, spelled_out)
"""Müller is muller, and mueller too."""
_SECOND = timedelta(seconds=1)


def alternatives(key: str) -> list[str]:
    """The values that a key allows, of which several may be separated by backslashes; empty when it allows any."""
    found = [one.strip(" ") for one in key.split("\\")]
    return [] if any(set(one) == {ANY} for one in found) else [one for one in found if one]


def has_wildcard(pattern: str) -> bool:
    return not WILDCARDS.isdisjoint(pattern)


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """The pattern for a whole value: `*` stands for any characters, `?` for one."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c) or re.escape(c) for c in text), re.DOTALL)


def text_fits(key: str, value: str) -> bool:
    """Whether a value is one of those that a key allows."""
    allowed = alternatives(key)
    return not allowed or any(pattern_of(one).fullmatch(value) for one in allowed)


def name_fits(key: str, name: str) -> bool:
    """Whether a name (PN) is what a key says, without case, accents and punctuation; `MUELLER` is Müller too.

    Components that the key does not mention may be any. A key without `^` may also be the beginning of the whole name.
    """
    allowed = alternatives(key)
    return not allowed or any(_one_name_fits(one, name) for one in allowed)


def _one_name_fits(key: str, name: str) -> bool:
    wanted = _group(key).split("^")
    parts = name.split("^")
    if len(wanted) == 1 and _part_fits(wanted[0], " ".join(filter(None, parts[:SEARCHED_PARTS]))):
        return True
    return all(_part_fits(one, part) for one, part in zip_longest(wanted, parts[: len(wanted)], fillvalue=""))


def _part_fits(wanted: str, part: str) -> bool:
    patterns = {_folded(wanted, fold) for fold in FOLDS}
    written = {" ".join(fold(part)) for fold in FOLDS}
    return any(not one or pattern_of(one).fullmatch(each) for one in patterns for each in written)


def _group(key: str) -> str:
    """The first component group of a name that says something."""
    return next((one for one in key.split("=") if one.strip("^ ")), "")


def _folded(pattern: str, fold: Fold) -> str:
    """A pattern with its letters folded and its wildcards kept; the words of folded text have one blank between."""
    return "".join(_run(piece, fold) for piece in re.split(r"([*?])", pattern)).strip(" ")


def _run(piece: str, fold: Fold) -> str:
    if not piece or piece in WILDCARDS:
        return piece
    before = " " if re.match(r"[\W_]", piece) else ""
    after = " " if re.search(r"[\W_]$", piece) else ""
    return before + " ".join(fold(piece)) + after if fold(piece) else " "


def letters_of(key: str) -> list[list[list[list[str]]]]:
    """For a search that only narrows: of each name that a key allows, its pieces between wildcards and carets; of each
    piece the ways in which it may be written, with accents or spelled out; of each way the runs of letters that a
    person has among their words. Empty when it allows any."""
    found = []
    for one in alternatives(key):
        parts = _group(one).split("^")[:SEARCHED_PARTS]
        pieces = [piece for part in parts for piece in re.split(r"[*?]", part)]
        ways = [[list(runs) for runs in dict.fromkeys(fold(piece) for fold in FOLDS) if runs] for piece in pieces]
        found.append([way for way in ways if way])
    return [] if [] in found else found


@dataclass(frozen=True, slots=True)
class Days:
    """A key of days (DA); None is open."""

    first: date | None
    last: date | None
    is_range: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """A key of times of day (TM); None is open. Both ends belong to it, to the second."""

    first: time | None
    last: time | None
    is_range: bool


def days_of(key: str) -> Days | None:
    """The days that a key allows; None for any."""
    if not alternatives(key):
        return None
    first, last, is_range = _ends(key)
    read = [_day(one) if one else None for one in (first, last)]
    return Days(read[0], read[1], is_range)


def hours_of(key: str) -> Hours | None:
    """The times of day that a key allows; None for any."""
    if not alternatives(key):
        return None
    first, last, is_range = _ends(key)
    read = [_time(one) if one else None for one in (first, last)]
    return Hours(read[0], read[1], is_range)


def _ends(key: str) -> tuple[str, str, bool]:
    text = key.strip(" ")
    if "-" not in text:
        return text, text, False
    first, _, last = text.partition("-")
    if not (first.strip() or last.strip()):
        raise ValueError("a range needs a beginning or an end")
    return first.strip(" "), last.strip(" "), True


def _day(text: str) -> date:
    day = parse_da(text)
    if day is None:
        raise ValueError(f"not a date: {len(text)} characters")
    return day


def _time(text: str) -> time:
    moment = parse_tm(text)
    if moment is None:
        raise ValueError(f"not a time: {len(text)} characters")
    return moment.replace(microsecond=0)


def day_fits(days: Days, day: date | None) -> bool:
    """Whether a day is one of those that a key allows; an unknown one is not."""
    if day is None:
        return False
    return (days.first is None or days.first <= day) and (days.last is None or day <= days.last)


@dataclass(frozen=True, slots=True)
class Period:
    """When a step begins, by wall clock: days and times of day.

    Where a query has a range of times and days, both together are one period, from the first time of the first day to
    the last time of the last (PS3.4 table K.6-1, Scheduled Procedure Step Start Date). Otherwise each counts for
    itself.
    """

    days: Days | None
    hours: Hours | None

    @property
    def is_one(self) -> bool:
        return self.days is not None and self.hours is not None and self.hours.is_range

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """From here on, and before there, by wall clock: everything that fits is between, and where `is_one` or there
        are days alone everything between fits."""
        days = self.days
        if days is None:
            return None, None
        first = self.hours.first if self.is_one and self.hours is not None else None
        last = self.hours.last if self.is_one and self.hours is not None else None
        begin = None if days.first is None else datetime.combine(days.first, first or time.min)
        if days.last is None or days.last == date.max:
            return begin, None
        if last is None:
            end = datetime.combine(days.last, time.min) + timedelta(days=1)
        else:
            end = datetime.combine(days.last, last) + _SECOND
        return begin, end

    def fits(self, start: datetime) -> bool:
        """Whether a start by wall clock is within."""
        begin, end = self.bounds()
        if (begin is not None and start < begin) or (end is not None and start >= end):
            return False
        if self.hours is None or self.is_one:
            return True
        second = start.time().replace(microsecond=0)
        first, last = self.hours.first, self.hours.last
        return (first is None or first <= second) and (last is None or second <= last)
