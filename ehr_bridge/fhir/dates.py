"""Dates in searches (FHIR R4, section 3.1.1.4.7 "date"): a value is a range of time, a prefix compares two ranges.

`fits` is the rule as the specification has it. `intervals_of_moments` and `intervals_of_days` say the same for a column
of a table, as half-open intervals, so that an index can be used; a test holds them to `fits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum

FIRST_YEAR, LAST_YEAR = 1000, 9000
"""So that no range leaves the calendar in any time zone."""
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)


class Prefix(StrEnum):
    """How a value is compared; `ap` (about) is not supported, because it has no certain meaning."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    LT = "lt"
    GE = "ge"
    LE = "le"
    SA = "sa"
    EB = "eb"


@dataclass(frozen=True, slots=True)
class Range:
    """From `start`, included, to `end`, excluded; both in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Interval[Point: (datetime, date)]:
    """From `since`, included, to `until`, excluded; None is without end."""

    since: Point | None
    until: Point | None


def prefixed(text: str) -> tuple[Prefix, str]:
    """The prefix of a value and what follows it; `eq` where there is none. Raises ValueError for an unknown prefix."""
    if text[:1].isdigit():
        return Prefix.EQ, text
    if text[:2] not in list(Prefix):
        raise ValueError(f"begin with a year, or with one of {', '.join(Prefix)}")
    return Prefix(text[:2]), text[2:]


def range_of(text: str, zone: tzinfo) -> Range:
    """What `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a moment means; without an offset it is in `zone`. Raises ValueError."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError("write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset")
    year = int(found["year"])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    if found["month"] is None:
        return Range(_utc(datetime(year, 1, 1), zone), _utc(datetime(year + 1, 1, 1), zone))  # noqa: DTZ001
    month = int(found["month"])
    if found["day"] is None:
        following = date(year + month // 12, month % 12 + 1, 1)
        return Range(_utc(datetime(year, month, 1), zone), start_of(following, zone))  # noqa: DTZ001
    day = date(year, month, int(found["day"]))
    if found["hour"] is None:
        return Range(start_of(day, zone), start_of(day + timedelta(days=1), zone))
    return _moment(day, found, zone)


def start_of(day: date, zone: tzinfo) -> datetime:
    """When a day begins in `zone`."""
    return _utc(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001


def fits(prefix: Prefix, wanted: Range, value: Range) -> bool:
    """Whether a value passes. A moment is a range whose end is its start."""
    match prefix:
        case Prefix.EQ:
            return _contains(wanted, value)
        case Prefix.NE:
            return not _contains(wanted, value)
        case Prefix.GT:
            return _reaches_beyond(value, wanted.end)
        case Prefix.LT:
            return value.start < wanted.start
        case Prefix.GE:
            return _reaches_beyond(value, wanted.end) or _contains(wanted, value)
        case Prefix.LE:
            return value.start < wanted.start or _contains(wanted, value)
        case Prefix.SA:
            return value.start >= wanted.end
        case Prefix.EB:
            return value.end <= wanted.start and value.start < wanted.start


def intervals_of_moments(prefix: Prefix, wanted: Range) -> list[Interval[datetime]]:
    """Where moments must lie to pass; one of the intervals is enough."""
    start, end = wanted.start, wanted.end
    match prefix:
        case Prefix.EQ:
            return [Interval(start, end)]
        case Prefix.NE:
            return [Interval(None, start), Interval(end, None)]
        case Prefix.GT | Prefix.SA:
            return [Interval(end, None)]
        case Prefix.LT | Prefix.EB:
            return [Interval(None, start)]
        case Prefix.GE:
            return [Interval(start, None)]
        case Prefix.LE:
            return [Interval(None, end)]


def intervals_of_days(prefix: Prefix, wanted: Range, zone: tzinfo) -> list[Interval[date]]:
    """The same for days, each of which lasts from its beginning in `zone` to that of the next."""
    first = _first_from(wanted.start, zone)
    """The first day that begins at the start of the range or later."""
    beyond = _day_at(wanted.end, zone)
    """The first day that ends after the end of the range, because a day that begins there does, too."""
    within = Interval(first, max(first, beyond))
    match prefix:
        case Prefix.EQ:
            return [within]
        case Prefix.NE:
            return [Interval(None, within.since), Interval(within.until, None)]
        case Prefix.GT:
            return [Interval(beyond, None)]
        case Prefix.LT:
            return [Interval(None, first)]
        case Prefix.GE:  # those that reach beyond, and those within, which end where the former begin
            return [Interval(min(first, beyond), None)]
        case Prefix.LE:
            return [Interval(None, within.until)]
        case Prefix.SA:
            return [Interval(_first_from(wanted.end, zone), None)]
        case Prefix.EB:
            return [Interval(None, _day_at(wanted.start, zone))]


def _moment(day: date, found: re.Match[str], zone: tzinfo) -> Range:
    """A minute, a second, or as precise as it was written."""
    second, fraction = found["second"], (found["fraction"] or ".")[1:]
    micro = int(fraction[:6].ljust(6, "0"))
    hour, minute = int(found["hour"]), int(found["minute"])
    local = datetime(day.year, day.month, day.day, hour, minute, int(second or 0), micro)  # noqa: DTZ001
    start = _utc(local, _offset(found["zone"]) or zone)
    if second is None:
        return Range(start, start + timedelta(minutes=1))
    lasts = timedelta(seconds=1) if not fraction else timedelta(microseconds=10 ** (6 - min(len(fraction), 6)))
    return Range(start, start + lasts)


def _offset(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    if zone == "Z":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 14 or minutes > 59:
        raise ValueError("an offset from UTC, at most 14 hours")
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1))


def _utc(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _contains(outer: Range, inner: Range) -> bool:
    """A moment at the end of the outer range is no longer within it."""
    return outer.start <= inner.start < outer.end and inner.end <= outer.end


def _reaches_beyond(value: Range, end: datetime) -> bool:
    """Whether some of the value lies at `end` or later."""
    return value.end > end or value.start >= end


def _day_at(moment: datetime, zone: tzinfo) -> date:
    """The day that it is at this moment."""
    return moment.astimezone(zone).date()


def _first_from(moment: datetime, zone: tzinfo) -> date:
    """The first day that begins at this moment or later."""
    day = _day_at(moment, zone)
    return day if start_of(day, zone) >= moment else day + timedelta(days=1)
