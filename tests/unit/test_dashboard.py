"""Days of the site and percentiles, as the dashboard counts them."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.services.dashboard.days import day_of, last_days
from ehr_bridge.services.dashboard.kept import Kept
from ehr_bridge.services.dashboard.milestones import LEGS, minutes
from ehr_bridge.services.dashboard.percentiles import FEWEST, nearest_rank, spread

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("now", "since", "hours"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        (datetime(2026, 11, 29, 23, 30, tzinfo=UTC), datetime(2026, 11, 29, 23, tzinfo=UTC), 24),
    ],
)
def test_today_is_the_day_at_the_site(now: datetime, since: datetime, hours: int) -> None:
    """Also on both days on which clocks change, and after midnight there while it is still yesterday in UTC."""
    today = day_of(now, VIENNA)
    assert (today.since, today.until - today.since) == (since, timedelta(hours=hours))


def test_a_span_ends_with_today() -> None:
    """30 days across a change of clocks are 30 days, and one hour."""
    span = last_days(datetime(2026, 11, 1, 12, tzinfo=UTC), VIENNA, 30)
    assert (span.first, span.last) == (date(2026, 10, 3), date(2026, 11, 1))
    assert span.until - span.since == timedelta(days=30, hours=1)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_measured_value_with_that_part_not_above_it(values: list[float], percent: int) -> None:
    """By the nearest rank, and no smaller measured value would do."""
    ranked = sorted(values)
    found = nearest_rank(ranked, percent)
    assert found in values
    assert sum(value <= found for value in ranked) * 100 >= percent * len(ranked)
    smaller = [value for value in ranked if value < found]
    assert len(smaller) * 100 < percent * len(ranked)


def test_of_a_few_nothing_is_said_but_how_many_they_are() -> None:
    """A median of four is about single patients."""
    few = spread([1.0] * (FEWEST - 1), 90)
    assert (few.number, few.median, few.upper) == (FEWEST - 1, None, None)
    enough = spread([1.0, 2.0, 3.0, 4.0, 100.0], 90)
    assert (enough.median, enough.upper) == (3.0, 100.0)


def test_who_is_early_has_not_waited() -> None:
    """Images before the appointment are no negative time; a report before its images is of something else."""
    at = datetime(2026, 11, 30, 8, tzinfo=UTC)
    found = {leg.name: minutes(leg, at, at - timedelta(minutes=10)) for leg in LEGS}
    assert found.pop("appointment_to_images") == 0.0
    assert set(found.values()) == {None}


def test_what_is_read_again_drives_out_nothing_else() -> None:
    """Ten seconds later the same is read again; another that is kept for longer stays."""
    now, read = [datetime(2026, 11, 30, tzinfo=UTC)], list[str]()
    kept = Kept[str, str](lambda: now[0], 2)

    def get(key: str, seconds: int) -> str:
        return kept.get(key, timedelta(seconds=seconds), lambda: read.append(key) or key)  # type: ignore[func-returns-value]

    for _ in range(4):
        assert (get("year", 3600), get("week", 10)) == ("year", "week")
        now[0] += timedelta(seconds=10)
    assert read == ["year", *["week"] * 4]
    get("month", 10)
    get("week", 10)
    assert read[-2:] == ["month", "week"]
    kept.forget()
    get("week", 10)
    assert read[-1] == "week" and len(read) == 8


def test_who_asks_for_what_is_known_waits_for_no_reader() -> None:
    """A year that is being read holds up those only who want the year."""
    kept = Kept[str, int](lambda: datetime(2026, 11, 30, tzinfo=UTC), 8)
    begun, end, found = threading.Event(), threading.Event(), list[int]()

    def slow() -> int:
        begun.set()
        assert end.wait(30)
        return 1

    readers = [threading.Thread(target=lambda: found.append(kept.get("year", timedelta(1), slow))) for _ in range(2)]
    readers[0].start()
    assert begun.wait(30)
    readers[1].start()
    assert kept.get("week", timedelta(1), lambda: 2) == 2
    end.set()
    for reader in readers:
        reader.join(30)
    assert found == [1, 1] and kept.get("year", timedelta(1), lambda: 3) == 1
