"""Records of backups: one runs at a time, purges wait for it, and one that died is in nobody's way."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind, BackupStatus
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.backups.records import LEASE, BackupRunning, Backups, LeaseLost, Result
from ehr_bridge.services.backups.state import BackupState, backups_now
from plugin.backup.proving import is_elsewhere
from plugin.backup.restore import purged_again
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, grace_is_over, purged, sent_again, status, stored

REPOSITORY = "/srv/backup"


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backups(api: Api, clock: Clock) -> Backups:
    return Backups(api.services.database, clock)


def begun(backups: Backups, node: str = "one") -> uuid.UUID:
    return backups.begin(BackupKind.BACKUP, node, REPOSITORY, is_scheduled=False)


def last_event(api: Api) -> dict[str, object]:
    found: dict[str, object] = api.get("/api/v1/audit", "admin").json["items"][0]
    return found


def test_nothing_is_purged_between_the_copy_of_the_databases_and_that_of_the_files(api: Api, backups: Backups) -> None:
    """The study would come back from a restore without its files. It is purged when the backup has ended."""
    deletion = approved(api, stored(api))
    grace_is_over(api)
    run = begun(backups)
    backups.renew(run, holds_purges=True)
    archive = Purging()
    assert api.services.purge.run(archive) == 0 and archive.deleted == []
    assert status(api, deletion) == "approved" and not backups.is_purging()
    backups.end(run, Result("5a4b" * 16, 12, 3_000, 2_000))
    assert api.services.purge.run(archive) == 1
    assert status(api, deletion) == "purged"


def test_a_backup_that_died_stops_no_purge_and_no_other_backup(api: Api, backups: Backups, clock: Clock) -> None:
    """Its lease ends after a minute. If it was only asleep, it hears so, and its snapshot does not count."""
    approved(api, stored(api))
    grace_is_over(api)
    dead = begun(backups)
    backups.renew(dead, holds_purges=True)
    with pytest.raises(BackupRunning):
        begun(backups, "other")
    clock.now += LEASE + timedelta(seconds=1)
    with pytest.raises(LeaseLost):
        backups.renew(dead, holds_purges=True)
    with pytest.raises(LeaseLost):
        backups.end(dead, Result("5a4b" * 16, 1, 1, 1))
    assert begun(backups, "other")
    assert api.services.purge.run(Purging()) == 1
    assert backups.has_failed()
    with api.services.database.read() as session:
        row = session.scalars(select(Backup).where(Backup.id == dead)).one()
        assert (row.status, row.failure, row.holds_purges) == (BackupStatus.FAILED, "interrupted", False)


def test_the_system_page_says_how_old_the_last_backup_is_and_what_failed(database: Database) -> None:
    """Scheduled ones older than 26 hours, a failed one, a failed check behind a good backup, one whose process died."""
    clock = Clock()
    backups = Backups(database, clock)

    def now() -> BackupState:
        with database.read() as session:
            return backups_now(session, is_scheduled=True, now=clock.now)

    assert now().is_old and not now().has_failed and now().last is None
    backups.end(begun(backups), Result("5a4b" * 16, 12, 3_000, 2_000))
    made = now()
    assert not made.is_old and made.last_success_at == clock.now
    assert made.last is not None and (made.last.status, made.last.number_of_files) == (BackupStatus.SUCCEEDED, 12)
    check = backups.begin(BackupKind.CHECK, "one", REPOSITORY, is_scheduled=True)
    backups.fail(check, "repository_damaged")
    clock.now += timedelta(hours=25)
    backups.end(begun(backups), Result("5a4b" * 16, 12, 3_000, 2_000))
    assert now().has_failed and not now().is_old and now().last_check_at is None
    clock.now += timedelta(minutes=1)
    backups.end(backups.begin(BackupKind.CHECK, "one", REPOSITORY, is_scheduled=True))
    assert not now().has_failed
    for _ in range(9):  # each day a backup, and the repository is not read again
        clock.now += timedelta(days=1)
        backups.end(begun(backups), Result("5a4b" * 16, 12, 3_000, 2_000))
    assert now().has_failed and not now().is_old
    clock.now += timedelta(minutes=1)
    dead = begun(backups)
    clock.now += timedelta(hours=27)
    died = now()
    assert died.is_old and died.last is not None
    assert (died.last.status, died.last.failure) == (BackupStatus.FAILED, "interrupted") and dead
    assert backups.last_failure() is not None


def test_get_system_has_the_last_backup(api: Api, backups: Backups) -> None:
    """And what is to be done about one that failed."""
    none = {"is_scheduled": False, "last_success_at": None, "last_check_at": None, "last": None}
    assert api.get("/api/v1/system", "admin").json["backups"] == none
    backups.fail(begun(backups), "repository_full")
    said = api.get("/api/v1/system", "admin").json
    last = said["backups"]["last"]
    assert (last["kind"], last["status"], last["failure"]) == ("backup", "failed", "repository_full")
    assert "backup_failed" in [each["code"] for each in said["attention"]]


def test_how_a_backup_ended_is_in_the_audit_trail(api: Api, backups: Backups, clock: Clock) -> None:
    """Which snapshot, how many files; or which failure. A password that an address had is in none of them."""
    run = begun(backups)
    backups.end(run, Result("5a4b" * 16, 12, 3_000, 2_000))
    made = last_event(api)
    assert (made["action"], made["outcome"], made["actor"]) == ("backup.made", "success", "ehr-bridge")
    detail = {"backup_id": str(run), "node": "one", "is_scheduled": False, "snapshot": "5a4b5a4b5a4b"}
    assert made["detail"] == detail | {"files": 12, "bytes": 3_000}
    assert backups.last_success(BackupKind.BACKUP) == clock.now and not backups.has_failed()
    failed = begun(backups)
    backups.fail(failed, "repository_full")
    backups.fail(failed, "failed")
    assert backups.marks() == {f"run-{run}", f"run-{failed}", "5a4b" * 16}
    event = last_event(api)
    assert (event["action"], event["outcome"]) == ("backup.failed", "failure")
    assert event["detail"] == {
        "backup_id": str(failed), "node": "one", "is_scheduled": False, "kind": "backup", "failure": "repository_full"
    }  # fmt: skip


def test_a_restore_completes_only_a_purge_that_had_begun(api: Api) -> None:
    """One file that is missing is no reason to delete the study of a deletion that can be undone, or of one that was
    purged and sent again: its image is missing, and the table says so."""
    again = stored(api)
    assert Backups(api.services.database, Clock()).number_of_images() == 1
    purged(api, again)
    sent_again(api, again)
    with api.services.database.read() as session:
        image = session.scalars(select(Instance.orthanc_instance_id)).one()
        assert not is_elsewhere(session, image)
    deletion = approved(api, stored(api, "ACC-2", "MRN-2"))
    assert purged_again(api.services.database) == set()
    grace_is_over(api)
    archive = Purging()
    archive.fails = ConnectionError()
    with pytest.raises(ConnectionError):
        api.services.purge.run(archive)
    assert status(api, deletion) == "purging" and len(purged_again(api.services.database)) == 1
