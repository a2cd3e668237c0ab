"""When the disk with the images will be full, from what came in lately."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from sqlalchemy import func, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.services.archive.holdings import Usage
from ehr_bridge.storage.files import Disk

WEEK = 7
MOST_DAYS, LEAST_DAYS = 28, 21
"""Whole weeks, so that each has its Sunday; fewer than three say nothing about a fourth."""
FARTHEST = timedelta(days=3653)
"""Ten years; nobody believes a date beyond."""
KEPT_FOR = timedelta(minutes=10)
"""The page asks every few seconds; the amounts of former days do not change."""


@dataclass(frozen=True, slots=True)
class Forecast:
    days: int
    """How many whole days are counted."""
    bytes_per_day: int | None
    """On the disk; None while there are too few days."""
    full_on: date | None
    """None while that is not known, or is more than ten years away."""


class Arrivals:
    """How much came in on each of the last days, by the upload log."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, list[int]] | None = None

    def forecast(self, usage: Usage | None, disk: Disk | None) -> Forecast:
        """Studies that are purged later count as they came: deletions are decided by people, and cannot be foreseen."""
        days = self._days()
        each = per_day(days)
        if each is None or usage is None or disk is None:
            return Forecast(len(days), None, None)
        if usage.uncompressed_bytes:
            each = each * usage.size_bytes / usage.uncompressed_bytes
        left = timedelta(days=disk.free_bytes / each) if each * FARTHEST.days > disk.free_bytes else None
        return Forecast(len(days), round(each), None if left is None else (self._clock() + left).date())

    def _days(self) -> list[int]:
        """Bytes of each whole day (UTC), the latest last; without days before the first upload."""
        now = self._clock()
        with self._lock:
            if self._known is None or not timedelta(0) <= now - self._known[0] < KEPT_FOR:
                self._known = now, self._read(now)
            return self._known[1]

    def _read(self, now: datetime) -> list[int]:
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        with self._database.read() as session:
            first = session.scalar(select(func.min(DicomUploadLog.uploaded_at)))
            if first is None:
                return []
            number = min(MOST_DAYS, (midnight - first).days)
            days = [midnight - timedelta(days=back) for back in range(number, 0, -1)]
            came = select(func.coalesce(func.sum(DicomUploadLog.total_size_bytes), 0))
            at = DicomUploadLog.uploaded_at
            return [int(session.scalar(came.where(at >= day, at < day + timedelta(days=1))) or 0) for day in days]


def per_day(days: Sequence[int]) -> float | None:
    """The median of all weeks among these days, as bytes per day; None for fewer than `LEAST_DAYS`.

    A single day, such as the import of an old archive, is in 7 of at least 15 weeks, so it does not move the median to
    itself; a mean or a straight line through all days would follow it.
    """
    if len(days) < LEAST_DAYS:
        return None
    return median(sum(days[at : at + WEEK]) for at in range(len(days) - WEEK + 1)) / WEEK
