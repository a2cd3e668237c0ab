"""Days as the site has them: 23 or 25 hours long where clocks change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

SPANS = (7, 30, 90)
"""How many days can be looked back over."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of a day at the site to the end of another, as moments; the end is not included."""

    first: date
    last: date
    since: datetime
    until: datetime


def day_of(now: datetime, zone: tzinfo) -> Period:
    """The day that it is at the site."""
    return last_days(now, zone, 1)


def last_days(now: datetime, zone: tzinfo, days: int) -> Period:
    """That many days, today the last of them."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    return Period(first, today, _midnight(first, zone), _midnight(today + timedelta(days=1), zone))


def year_before(now: datetime, zone: tzinfo) -> Period:
    """The 365 days before today: they stay the same while the day lasts."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=365)
    return Period(first, today - timedelta(days=1), _midnight(first, zone), _midnight(today, zone))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
