"""Days and moments of HL7 v2 (TS and DTM: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?:\.(?P<fraction>\d{1,4}))?)?)?)?)?)?(?P<zone>[+-]\d{4})?",
    re.ASCII,
)


def moment(text: str, zone: tzinfo) -> datetime:
    """The moment in UTC; one without an offset is local time in `zone`. It needs a day and an hour at least.

    Where clocks are put back an hour comes twice; it is the first one. Where they are put forward an hour is missing;
    a time in it counts as if the clocks had not been changed yet. Raises ValueError for anything else.
    """
    found = _parts(text)
    if found["hour"] is None:
        raise ValueError("a day and a time of day, as YYYYMMDDHHMM")
    numbers = (int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second"))
    micro = int((found["fraction"] or "0").ljust(6, "0"))
    written = datetime(*numbers, micro, tzinfo=_offset(found["zone"]) or zone)  # type: ignore[arg-type,misc]
    return _in_utc(written)


def latest(text: str, zone: tzinfo) -> datetime:
    """The latest moment that it can mean: the end of its minute if it says no second, and the second of two equal hours
    where clocks are put back. Raises ValueError as `moment` does."""
    first, found = moment(text, zone), _parts(text)
    local = first.astimezone(_offset(found["zone"]) or zone)
    second = max(first, _in_utc(local.replace(fold=1)))
    unit = next((one for name, one in _FINEST if found[name] is not None), timedelta(hours=1))
    return second + (unit - timedelta(microseconds=1))


_FINEST = (
    ("fraction", timedelta(microseconds=1)),
    ("second", timedelta(seconds=1)),
    ("minute", timedelta(minutes=1)),
)


def day(text: str) -> date | None:
    """The day; None when only the year or the month is said. Raises ValueError for anything else."""
    found = _parts(text)
    if any(found[name] in (None, "00") for name in ("month", "day")):
        return None
    return date(int(found["year"] or 0), int(found["month"] or 0), int(found["day"] or 0))


def written(at: datetime) -> str:
    """A moment to the second with its offset, as MSH-7 has it."""
    return at.strftime("%Y%m%d%H%M%S%z")


def _parts(text: str) -> dict[str, str | None]:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError("digits as YYYYMMDDHHMMSS, with an offset as +HHMM where it is known")
    return found.groupdict()


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("no calendar has this moment in UTC") from None


def _offset(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    hours, minutes = int(zone[1:3]), int(zone[3:])
    if hours > 14 or minutes > 59:
        raise ValueError("an offset from UTC as +HHMM")
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1))
