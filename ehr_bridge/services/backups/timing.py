"""When the next scheduled backup is due. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

TRIED_AGAIN = timedelta(hours=1)
"""After one that failed."""
CHECKED_EVERY = timedelta(days=7)
"""Everything in the repository is read again."""


def next_due(now: datetime, at: time, zone: ZoneInfo, success: datetime | None, failure: datetime | None) -> datetime:
    """When the next backup is to begin: at the first `at` after the last success began, at once if there was none.

    `failure`: when the last one ended, if it failed; then an hour passes first.
    """
    due = now if success is None else _first_after(success, at, zone)
    return due if failure is None else max(due, failure + TRIED_AGAIN)


def is_check_due(now: datetime, last_check: datetime | None) -> bool:
    """Whether a week is over, or nothing was ever read again. An hour early counts: each backup takes its time."""
    return last_check is None or last_check <= now - CHECKED_EVERY + TRIED_AGAIN


def _first_after(moment: datetime, at: time, zone: ZoneInfo) -> datetime:
    """In the site's time; on a day on which the clock passes over `at`, the moment at which it would have been."""
    day = moment.astimezone(zone).date()
    for days in range(3):
        found = datetime.combine(day + timedelta(days=days), at, zone).astimezone(UTC)
        if found > moment:
            return found
    raise AssertionError("a day has an hour")
