"""What becomes of a backup that fails after its files and databases were copied, with restic itself."""

from __future__ import annotations

import shutil
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ehr_bridge.db.states import BackupKind
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.services.backups.records import Backups
from plugin.backup.backup import recorded
from plugin.backup.failures import BackupFailed
from plugin.backup.making import Lease
from plugin.backup.restic import Snapshot
from plugin.backup.scheduled import forget, tend
from tests.unit.backup_steps import PASSWORD, OnADisk, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_restore_takes_the_last_backup_that_ended_well(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one with an unreadable file the restore speaks, and takes it when told to; the next whole one replaces it."""
    assert place.back_up() is None
    good = place.chosen()
    place.restic.damaged = (str(place.image),)
    assert place.back_up() == "files_unreadable"
    assert place.tags() == ["files", "files", "incomplete", "whole"]
    assert place.chosen() == good and "with --incomplete it is" in capsys.readouterr().out
    assert "incomplete" in place.chosen(incomplete=True)
    place.restic.damaged = ()
    assert place.back_up() is None
    forget(place.restic, lambda _: None, lambda _: None)
    assert set(place.tags()) == {"files", "whole"} and place.chosen() != good


def test_no_repository_is_begun_silently_after_the_first_backup(place: Place, tmp_path: Path) -> None:
    """The backup disk was swapped for an empty one, or the address was changed: refused, until somebody says so."""
    assert place.back_up() is None
    first = tmp_path / "store"
    first.rename(tmp_path / "on the other disk")
    assert place.back_up() == "no_repository" and not first.exists()
    first.mkdir()  # the empty disk, mounted
    assert place.back_up() == "no_repository" and not any(first.iterdir())
    place.restic = OnADisk(str(tmp_path / "elsewhere"), PASSWORD, tmp_path / "cache")
    assert place.back_up() == "no_repository" and not (tmp_path / "elsewhere").exists()
    assert place.back_up(is_new=True) is None and place.tags() == ["files", "whole"]
    assert place.back_up() is None


def test_another_repository_with_the_same_password_is_noticed(place: Place, tmp_path: Path) -> None:
    """The disk of another installation: nothing is written there until somebody says so; then the two may take turns.
    The same repository at another address goes on."""
    assert place.back_up() is None
    other = OnADisk(str(tmp_path / "other"), PASSWORD, tmp_path / "cache")
    other.open(create=True)
    first = tmp_path / "store"
    first.rename(tmp_path / "moved")
    (tmp_path / "other").rename(first)
    assert place.back_up() == "other_repository" and place.tags() == []
    place.restic = OnADisk(str(tmp_path / "moved"), PASSWORD, tmp_path / "cache")
    assert place.back_up() is None
    place.restic = OnADisk(str(first), PASSWORD, tmp_path / "cache")
    assert place.back_up(is_new=True) is None and place.tags() == ["files", "whole"]
    place.restic = OnADisk(str(tmp_path / "moved"), PASSWORD, tmp_path / "cache")
    assert place.back_up() is None


def test_disks_that_took_turns_before_repositories_had_ids_are_ours(place: Place, tmp_path: Path) -> None:
    """The night of the second disk after an upgrade, and one whose backup was begun and failed: both are told by their
    runs. Of another installation's disk not even the locks are touched."""
    disks = [OnADisk(str(tmp_path / name), PASSWORD, tmp_path / "cache") for name in ("store", "second", "foreign")]
    assert place.back_up() is None
    place.restic = disks[1]
    place.restic.damaged = (str(place.image),)
    assert place.back_up(is_new=True) == "files_unreadable"
    with place.database.write() as session:
        session.execute(update(Backup).values(repository_id="of a third disk"))
    disks[1].damaged = ()
    for disk in disks[:2]:
        place.restic = disk
        assert place.back_up() is None
    place.restic = disks[2]
    place.restic.open(create=True)
    place.restic.back_up([place.image], ["whole", f"run-{uuid.uuid4()}"], None, lambda *_: None)
    assert [place.back_up(), place.back_up()] == ["other_repository"] * 2 and place.restic.unlocked == 0


def test_a_backup_that_lost_its_lease_or_died_is_no_whole_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost while the last files were copied; killed before it could say so, and found out by the next one."""
    held = Lease.hold_purges

    def lost(lease: Lease, *, wait: bool) -> None:
        held(lease, wait=wait)
        if not wait:
            raise BackupFailed("lease_lost")

    with monkeypatch.context() as patch:
        patch.setattr(Lease, "hold_purges", lost)
        assert place.back_up() == "lease_lost"
    assert place.tags() == ["files", "incomplete"]
    run: uuid.UUID = place.backups.begin(BackupKind.BACKUP, "one", "store", is_scheduled=False)
    place.restic.back_up([place.image], ["whole", f"run-{run}"], None, lambda *_: None)
    place.backups.fail(run, "interrupted")
    assert f"run-{run}" in place.chosen()
    assert place.back_up() is None
    assert place.tags().count("incomplete") == 2 and place.tags().count("whole") == 1


def test_images_that_are_not_there_are_no_backup(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is not mounted: its folder is empty, or not there at all, and is not made."""
    monkeypatch.setattr(Backups, "number_of_images", lambda _: 2)
    assert place.back_up() is None
    place.image.unlink()
    assert place.back_up() == "files_missing" and place.tags().count("incomplete") == 1
    shutil.rmtree(place.settings.storage_path)
    assert place.back_up() == "files_missing" and not place.settings.storage_path.exists()


class AppendOnly:
    """A repository that is read, and from which nothing may be removed."""

    def __init__(self) -> None:
        self.is_read = 0
        self.may_remove = False

    def check(self) -> None:
        self.is_read += 1

    def prune(self) -> None:
        pass

    def kept(self, *_: object) -> set[str]:
        return set()

    def open(self, *, create: bool) -> list[Snapshot]:
        return []

    def forget(self, _snapshots: list[str]) -> None:
        if not self.may_remove:
            raise BackupFailed("repository_away", "403 Forbidden")


def test_a_repository_from_which_nothing_can_be_removed_is_read_again_all_the_same(place: Place) -> None:
    """It is a failure each day, until it can; then one reading more says that all is well."""
    repository: Any = AppendOnly()
    checks = partial(recorded, place.backups, BackupKind.CHECK, "store", is_scheduled=True)
    for _ in range(2):
        with pytest.raises(BackupFailed):
            tend(repository, place.backups, checks, place.said.append)
        assert repository.is_read == 1 and place.backups.last_success(BackupKind.CHECK) is not None
        assert place.backups.has_failed(BackupKind.CHECK)
    repository.may_remove = True
    for _ in range(2):
        tend(repository, place.backups, checks, place.said.append)
        assert repository.is_read == 2 and not place.backups.has_failed(BackupKind.CHECK)
