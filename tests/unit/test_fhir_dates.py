"""Dates in FHIR searches: what an index is asked is what the specification says, in every time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.fhir.dates import (
    Interval,
    Prefix,
    Range,
    fits,
    intervals_of_days,
    intervals_of_moments,
    prefixed,
    range_of,
    start_of,
)

ZONES = (UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Kiritimati"))
"""Without and with daylight saving, one of them at midnight, and one a day ahead."""
YEARS = st.integers(2017, 2027)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A value as a client may write it, of any precision."""
    day = draw(st.dates(date(2017, 1, 1), date(2027, 12, 31)))
    time = draw(st.times().map(lambda at: at.isoformat(timespec="seconds")))
    zone = draw(st.sampled_from(("", "Z", "+02:00", "-11:30", "+14:00")))
    return draw(
        st.sampled_from((f"{day:%Y}", f"{day:%Y-%m}", f"{day}", f"{day}T{time[:5]}{zone}", f"{day}T{time}{zone}"))
    )


def inside[Point: (datetime, date)](point: Point, intervals: Iterable[Interval[Point]]) -> bool:
    return any(
        (one.since is None or point >= one.since) and (one.until is None or point < one.until) for one in intervals
    )


@given(written(), st.sampled_from(Prefix), st.sampled_from(ZONES), st.integers(-3, 3), st.booleans())
def test_days_pass_the_intervals_exactly_when_they_fit(
    text: str, prefix: Prefix, zone: tzinfo, near: int, at_end: bool
) -> None:
    """Days at both ends of the range, where mistakes are."""
    wanted = range_of(text, zone)
    day = (wanted.end if at_end else wanted.start).astimezone(zone).date() + timedelta(days=near)
    value = Range(start_of(day, zone), start_of(day + timedelta(days=1), zone))
    assert inside(day, intervals_of_days(prefix, wanted, zone)) == fits(prefix, wanted, value)


@given(written(), st.sampled_from(Prefix), st.sampled_from(ZONES), st.integers(-1, 1), st.booleans())
def test_moments_pass_the_intervals_exactly_when_they_fit(
    text: str, prefix: Prefix, zone: tzinfo, near: int, at_end: bool
) -> None:
    """To the microsecond."""
    wanted = range_of(text, zone)
    moment = (wanted.end if at_end else wanted.start) + timedelta(microseconds=near)
    assert inside(moment, intervals_of_moments(prefix, wanted)) == fits(prefix, wanted, Range(moment, moment))


def test_a_value_lasts_as_long_as_it_is_precise() -> None:
    """FHIR R4 section 3.1.1.4.7: 2013-01-14 includes the whole day."""
    berlin = ZoneInfo("Europe/Berlin")
    lengths = {
        "2026": timedelta(days=365),
        "2026-02": timedelta(days=28),
        "2026-03-29": timedelta(hours=23),
        "2026-10-25": timedelta(hours=25),
        "2026-03-29T10:00": timedelta(minutes=1),
        "2026-03-29T10:00:00Z": timedelta(seconds=1),
        "2026-03-29T10:00:00.5Z": timedelta(milliseconds=100),
    }
    for text, length in lengths.items():
        found = range_of(text, berlin)
        assert found.end - found.start == length, text


@pytest.mark.parametrize(
    "text", ["", "26", "2026-13", "2026-02-30", "2026-02-03T25:00", "0001", "9999", "2026-02-03T10:00+15:00", "today"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    """Before any database is asked."""
    with pytest.raises(ValueError):
        range_of(text, UTC)


def test_a_prefix_is_two_letters_that_are_known() -> None:
    """`ap` has no certain meaning, and is not supported."""
    assert prefixed("ge2026") == (Prefix.GE, "2026")
    assert prefixed("2026") == (Prefix.EQ, "2026")
    for text in ("ap2026", "xx2026", "", "g2026"):
        with pytest.raises(ValueError, match="begin with a year"):
            prefixed(text)
