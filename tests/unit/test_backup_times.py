"""When a scheduled backup is due: every day, at once if one was missed, an hour after one that failed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ehr_bridge.services.backups.timing import is_check_due, next_due
from ehr_bridge.settings import SettingsError, load_settings

VIENNA = ZoneInfo("Europe/Vienna")
TWO = time(2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("success", "due"),
    [
        ("2026-11-29T02:00:03+01:00", "2026-11-30T02:00:00+01:00"),
        ("2026-11-29T14:00:00+01:00", "2026-11-30T02:00:00+01:00"),  # a person made one in the afternoon
        ("2026-11-29T01:30:00+01:00", "2026-11-29T02:00:00+01:00"),
        ("2026-10-24T02:00:03+02:00", "2026-10-25T02:00:00+02:00"),  # the night with two of them
        ("2026-03-28T02:00:03+01:00", "2026-03-29T02:00:00+01:00"),  # the night with none
    ],
)
def test_a_backup_is_due_at_its_time_of_day_after_the_last_success(success: str, due: str) -> None:
    """In the site's time, also in the nights in which clocks are changed."""
    assert next_due(at(success), TWO, VIENNA, at(success), None) == at(due)


def test_one_that_was_missed_is_due_at_once_and_one_that_failed_an_hour_later() -> None:
    """The server was off at night; the repository was full."""
    now = at("2026-11-30T09:00:00+01:00")
    assert next_due(now, TWO, VIENNA, at("2026-11-28T02:00:03+01:00"), None) < now
    assert next_due(now, TWO, VIENNA, None, None) == now
    failed = at("2026-11-30T08:30:00+01:00")
    assert next_due(now, TWO, VIENNA, at("2026-11-28T02:00:03+01:00"), failed) == failed + timedelta(hours=1)
    assert next_due(now, TWO, VIENNA, at("2026-11-30T08:45:00+01:00"), failed) == at("2026-12-01T02:00:00+01:00")


def test_everything_is_read_again_once_a_week() -> None:
    """The first time after the first backup; a little early counts, because no backup takes as long as the last one."""
    now = at("2026-11-30T02:10:00+01:00")
    assert is_check_due(now, None)
    assert is_check_due(now, at("2026-11-23T02:15:00+01:00"))
    assert not is_check_due(now, at("2026-11-24T02:00:00+01:00"))


def test_a_schedule_needs_a_repository_and_a_password() -> None:
    """Nobody is to believe that backups are made."""
    with pytest.raises(SettingsError, match="DICOM_BACKUP_ENABLED"):
        load_settings({"DICOM_BACKUP_ENABLED": "1", "DICOM_BACKUP_PATH": "/srv/backup"})
    with pytest.raises(SettingsError, match="EHR_BRIDGE_BACKUP_AT"):
        load_settings({"EHR_BRIDGE_BACKUP_AT": "24:00"})
    given = {"DICOM_BACKUP_ENABLED": "true", "DICOM_BACKUP_PATH": "/b", "EHR_BRIDGE_BACKUP_PASSWORD": "p" * 8}
    assert load_settings(given).backup_enabled
