"""An interrupted restore: the same command goes on, alone, into the same place; another backup is refused, no
server starts meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.settings import Settings, load_settings
from plugin.backup import begun, target
from plugin.backup.backup import Telling
from plugin.backup.failures import BackupFailed
from plugin.backup.restore import Restoring
from tests.conftest import PostgresCluster
from tests.live.backup_steps import command
from tests.support.server import ROOT, SECRET
from tests.support.steps import eventually
from tests.unit.backup_steps import Place

HELD = """#!/bin/sh
case " $* " in *" restore "*) touch "{folder}/reached"; while :; do sleep 0.05; done ;; esac
exec "{restic}" "$@"
"""
"""restic that never comes to an end of restoring."""


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Each test has a copy of it: a restic that makes a repository, and one that opens it, take half a second each."""
    place = Place(tmp_path_factory.mktemp("backed-up"))
    assert place.back_up() is None
    place.database.dispose()
    return place


@pytest.fixture
def place(backed_up: Place, tmp_path: Path) -> Place:
    return Place(tmp_path, backed_up)


def environ_of(folder: Path) -> dict[str, str]:
    return {"EHR_BRIDGE_DATA_DIR": str(folder / "new"), "EHR_BRIDGE_JWT_SECRET": SECRET}


def killed_while_files_are_restored(folder: Path) -> None:
    restic = shutil.which("restic")
    assert restic is not None
    held = folder / "held"
    held.mkdir()
    (held / "restic").write_text(HELD.format(folder=held, restic=restic))
    (held / "restic").chmod(0o755)
    path = {"PATH": f"{held}{os.pathsep}{os.environ['PATH']}"}
    process = command("restore", path, "--from", str(folder / "store"), "--data-dir", str(folder / "new"))
    eventually(lambda: (held / "reached").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.wait()


def test_the_same_command_goes_on_after_kill(place: Place, tmp_path: Path) -> None:
    """Also when a later backup was made meanwhile; another one that is named is refused, in one line."""
    killed_while_files_are_restored(tmp_path)
    known = begun.read(tmp_path / "new")
    assert known is not None and known.phase == begun.FILES
    half = tmp_path / "new" / "images" / "ab" / "cd" / place.image.name
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    assert place.back_up() is None
    arguments = ("--from", str(tmp_path / "store"), "--data-dir", str(tmp_path / "new"))
    process = command("restore", {}, *arguments, "--at", "2999-01-01")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "Another backup was being restored into this place" in said.splitlines()[-1]
    process = command("restore", {}, *arguments)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "it goes on" in said, said
    assert begun.read(tmp_path / "new") is None and (tmp_path / "new" / "ehr-bridge.sqlite3").is_file()
    process = command("restore", {}, *arguments)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "begins with an empty place" in said


def test_no_server_starts_on_half_a_restore(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, which says what to do; after what was there is proved, it starts."""
    settings = load_settings(environ_of(tmp_path))

    def ends(*_: object) -> bool:
        raise BackupFailed("failed", "Orthanc does not start on the restored index")

    with monkeypatch.context() as patch:
        patch.setattr(Restoring, "_prove", ends)
        with pytest.raises(BackupFailed):
            Restoring(settings, place.restic, Telling()).run(None)
    known = begun.read(settings.data_dir)
    assert known is not None and known.phase == begun.PROVING
    start = [sys.executable, "-m", "plugin.launch", "--no-demo"]
    environ = os.environ | environ_of(tmp_path) | {"PYTHONPATH": str(ROOT)}
    refused = subprocess.run(start, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert refused.returncode != 0 and "repeat scripts/restore" in refused.stdout + refused.stderr
    other_node = {"EHR_BRIDGE_DATA_DIR": str(tmp_path / "b"), "DICOM_STORAGE_PATH": str(settings.storage_path)}
    assert "on the node where it was begun" in (begun.obstacle(load_settings(other_node)) or "")
    assert Restoring(settings, place.restic, Telling()).run(None)
    assert begun.read(settings.data_dir) is None
    assert begun.obstacle(settings) is None and begun.obstacle(load_settings(other_node)) is None


def test_one_that_was_killed_after_its_last_word_is_proved_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trail says already that it was restored: once, and that is no altered trail."""
    settings = load_settings(environ_of(tmp_path))

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(begun, "remove", dies)
        with pytest.raises(Killed):
            Restoring(settings, place.restic, Telling()).run(None)
    assert Restoring(settings, place.restic, Telling()).run(None)
    with Database(settings.sqlalchemy_url).read() as session:
        actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions.count("backup.restored") == 1 and actions[-1] == "backup.restored"


class Killed(Exception):
    """The end of its process."""


def killed_before_the_databases(place: Place, settings: Settings, at: datetime | None = None) -> None:
    def dies(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Restoring, "_place_databases", dies)
        with pytest.raises(Killed):
            Restoring(settings, place.restic, Telling()).run(at)


def refused(place: Place, settings: Settings, at: datetime | None = None) -> BackupFailed:
    with pytest.raises(BackupFailed) as failed:
        Restoring(settings, place.restic, Telling()).run(at)
    return failed.value


def test_what_goes_on_writes_nowhere_else(place: Place, tmp_path: Path) -> None:
    """A trial was interrupted; next day the same command is given in a shell with the server's own environment."""
    killed_before_the_databases(place, load_settings(environ_of(tmp_path)))
    live = tmp_path / "live"
    live.mkdir()
    (live / "file").write_bytes(b"of the server")
    for variable in ("EHR_BRIDGE_DATABASE_URL", "DICOM_STORAGE_PATH", "EHR_BRIDGE_SHARED_DIR"):
        value = f"sqlite:///{live / 'file'}" if "URL" in variable else str(live)
        failure = refused(place, load_settings(environ_of(tmp_path) | {variable: value}))
        assert failure.code == "other_place" and str(live) in failure.sentence
        assert [path.read_bytes() for path in live.iterdir()] == [b"of the server"]


def test_folders_that_were_filled_meanwhile_are_left_alone(place: Place, tmp_path: Path) -> None:
    """The same names, and something else is mounted there or has been written."""
    database = tmp_path / "elsewhere.sqlite3"
    settings = load_settings(environ_of(tmp_path) | {"EHR_BRIDGE_DATABASE_URL": f"sqlite:///{database}"})
    killed_before_the_databases(place, settings)
    database.write_bytes(b"of another server")
    assert refused(place, settings).code == "not_empty" and database.read_bytes() == b"of another server"
    database.unlink()
    (settings.storage_path / begun.FILE).unlink()
    assert refused(place, settings).code == "not_empty"
    shutil.rmtree(settings.storage_path)
    assert Restoring(settings, place.restic, Telling()).run(None)
    assert database.is_file()


def test_a_database_on_a_server_is_known_by_where_it_is(
    place: Place, tmp_path: Path, postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its password; and one that got tables while the files were restored is not taken for ours."""
    url = postgres.new_database()
    settings = load_settings(environ_of(tmp_path) | {"EHR_BRIDGE_DATABASE_URL": url})
    here = target.places(settings)
    assert here["database"] == f"127.0.0.1:{postgres.port}/{url.rpartition('/')[2]}"
    settings.data_dir.mkdir()
    restoring = Restoring(settings, place.restic, Telling())
    restoring._begun = begun.Begun("1", places=here)
    target.require_same(settings, restoring._begun)
    another = environ_of(tmp_path) | {"EHR_BRIDGE_DATABASE_URL": postgres.new_database()}
    with pytest.raises(BackupFailed, match="other_place"):
        target.require_same(load_settings(another), restoring._begun)
    monkeypatch.setattr(target, "tables", lambda _: target.Tables(3, "ours", here["database"]))
    with pytest.raises(BackupFailed, match="not_empty"):
        restoring._undump(target.OURS, url, tmp_path / "dump")
    restoring._mark(placing=(target.OURS,))  # it was empty then; pg_restore has written all of it
    restoring._undump(target.OURS, url, tmp_path / "dump")


def test_two_restores_of_one_place_do_not_run_at_once(place: Place, tmp_path: Path) -> None:
    """The first one still runs where its terminal is gone; neither a second one nor a server begins beside it."""
    settings = load_settings(environ_of(tmp_path))
    with begun.alone(settings.data_dir):
        assert refused(place, settings).code == "restore_running"
        assert "is going on" in (begun.obstacle(settings) or "")
    assert not settings.data_dir.exists()  # nothing was written
    settings.data_dir.mkdir()
    (settings.data_dir / begun.LOCK).touch()  # of a process that was killed
    (settings.data_dir / begun.PART).touch()
    assert begun.obstacle(settings) is None
    assert Restoring(settings, place.restic, Telling()).run(None)


def test_the_same_moment_means_the_same_backup(place: Place, tmp_path: Path) -> None:
    """Also when an incomplete one was made after the whole one that is being restored; one that is no longer in the
    repository is called so."""
    settings = load_settings(environ_of(tmp_path))
    place.restic.damaged = (str(place.image),)
    assert place.back_up() == "files_unreadable"
    at = datetime.now(UTC)
    killed_before_the_databases(place, settings, at)
    known = begun.read(settings.data_dir)
    assert known is not None
    assert refused(place, settings, datetime(2020, 1, 1, tzinfo=UTC)).code == "other_restore"
    begun.write(settings.data_dir, begun.Begun("0" * 64, known.phase, known.places))
    assert refused(place, settings, at).code == "snapshot_gone"
    begun.write(settings.data_dir, known)
    assert Restoring(settings, place.restic, Telling()).run(at)


def test_what_is_vouched_for_is_on_the_disk_first(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut leaves no empty file behind that was said to be restored or proved."""
    settings, phases = load_settings(environ_of(tmp_path)), list[str]()

    def settle(*folders: Path) -> None:
        assert {settings.data_dir, settings.storage_path} <= set(folders)
        known = begun.read(settings.data_dir)
        phases.append("none" if known is None else known.phase)

    monkeypatch.setattr(begun, "settle", settle)
    assert Restoring(settings, place.restic, Telling()).run(None)
    assert phases == [begun.FILES, begun.PROVING]
