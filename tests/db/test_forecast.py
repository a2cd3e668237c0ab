"""When the disk will be full, from the upload log."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.services.archive.holdings import Usage
from ehr_bridge.services.system.forecast import Arrivals, per_day
from ehr_bridge.storage.files import Disk

NOW = datetime(2026, 11, 29, 10, 30, tzinfo=UTC)
GB = 1_000_000_000
WORKDAYS = [0 if day % 7 in {5, 6} else 7 * GB for day in range(28)]
"""35 GB a week."""


def upload(database: Database, at: datetime, size: int) -> None:
    with database.write() as session:
        session.add(
            DicomUploadLog(
                upload_id=uuid.uuid4(),
                uploaded_by="tina",
                study_instance_uid="1.2.3",
                number_of_files=1,
                number_of_duplicates=0,
                total_size_bytes=size,
                upload_status="success",
                uploaded_at=at,
                upload_source="technician",
            )
        )


def usage(size: int = 50 * GB, whole: int = 100 * GB) -> Usage:
    return Usage(size, whole, 1, 1)


def test_the_disk_is_full_on_a_day(database: Database) -> None:
    """10 GB come in each day, compressed to half; 100 GB are free. Today is not over, and does not count."""
    for back in range(40):
        upload(database, NOW - timedelta(days=back), 10 * GB)
    found = Arrivals(database, lambda: NOW).forecast(usage(), Disk(100 * GB, 1000 * GB))
    assert (found.days, found.bytes_per_day, found.full_on) == (28, 5 * GB, date(2026, 12, 19))


def test_an_import_of_one_day_is_no_trend(database: Database) -> None:
    """80 GB of an old archive on a Sunday; on all other days 1 GB."""
    for back in range(1, 25):
        upload(database, NOW - timedelta(days=back), 80 * GB if back == 9 else GB)
    found = Arrivals(database, lambda: NOW).forecast(usage(GB, GB), Disk(100 * GB, 1000 * GB))
    assert (found.days, found.bytes_per_day) == (23, GB)


def test_two_weeks_say_nothing_yet(database: Database) -> None:
    """The first upload was twenty days ago; nothing was before."""
    arrivals = Arrivals(database, lambda: NOW)
    assert arrivals.forecast(usage(), Disk(1, 2)).days == 0
    upload(database, NOW - timedelta(days=20), 10 * GB)
    found = Arrivals(database, lambda: NOW).forecast(usage(), Disk(100 * GB, 1000 * GB))
    assert (found.days, found.bytes_per_day, found.full_on) == (19, None, None)


def test_what_never_fills_has_no_day(database: Database) -> None:
    """A practice with a large disk; and an archive that does not say how large it is."""
    upload(database, NOW - timedelta(days=60), GB)
    for back in range(1, 29):
        upload(database, NOW - timedelta(days=back), 1_000_000)
    arrivals = Arrivals(database, lambda: NOW)
    found = arrivals.forecast(usage(GB, GB), Disk(900 * GB, 1000 * GB))
    assert (found.bytes_per_day, found.full_on) == (1_000_000, None)
    assert arrivals.forecast(None, Disk(1, 2)).full_on is None
    assert arrivals.forecast(usage(GB, GB), Disk(0, 1000 * GB)).full_on == NOW.date()


def test_an_archive_to_which_nothing_comes_does_not_fill(database: Database) -> None:
    """Nor does it divide by nothing."""
    upload(database, NOW - timedelta(days=60), GB)
    found = Arrivals(database, lambda: NOW).forecast(usage(), Disk(0, 1000 * GB))
    assert (found.days, found.bytes_per_day, found.full_on) == (28, 0, None)


@pytest.mark.parametrize("imported_on", range(28))
def test_whatever_day_an_import_falls_on(imported_on: int) -> None:
    """Weeks with Sundays are weeks; one day of a terabyte moves the median by nothing."""
    days = [*WORKDAYS]
    days[imported_on] += 1000 * GB
    assert per_day(days) == per_day(WORKDAYS) == 5 * GB
    assert per_day(WORKDAYS[:20]) is None
