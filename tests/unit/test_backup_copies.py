"""Copies of Orthanc's index while Orthanc holds it: whole, and with everything that was committed before."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from ehr_bridge.db import migrate
from ehr_bridge.settings import load_settings
from plugin.backup import copying
from plugin.backup.backup import Telling
from plugin.backup.copying import copy_locked_sqlite, copy_sqlite
from plugin.backup.failures import SENTENCES, BackupFailed
from plugin.backup.manifest import Manifest
from plugin.backup.restic import Restic, without_password
from plugin.backup.restore import Restoring

WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA locking_mode=EXCLUSIVE")
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA wal_autocheckpoint=60")
database.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, uuid TEXT)")
number = 0
while True:
    number += 1
    database.execute("INSERT INTO files (uuid) VALUES (hex(randomblob(400)))")
    print(number, flush=True)
    if number % 40 == 0:
        sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, IO[str], IO[str]]]:
    """A database that another process holds and writes into, forty rows for each line it is sent."""
    path = tmp_path / "index"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        yield path, process.stdin, process.stdout
        process.kill()


def rows_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (number,) = database.execute("SELECT COUNT(*) FROM files").fetchone()
        return int(number)


def test_an_index_that_another_process_holds_and_fills_is_copied_whole(
    held: tuple[Path, IO[str], IO[str]], tmp_path: Path
) -> None:
    """It cannot be opened; each copy has at least what was committed when it began."""
    path, more, committed = held
    with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT * FROM files")
    known, target = 1, tmp_path / "copy"
    for _ in range(8):
        more.write("\n" * 3)
        more.flush()
        known = [int(committed.readline()) for _ in range(60)][-1]
        assert copy_locked_sqlite(path, target) >= 1
        assert rows_in(target) >= known
        assert not target.with_name("copy-wal").exists()


def test_a_copy_is_made_again_while_the_index_changes(
    held: tuple[Path, IO[str], IO[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint in the middle of it: the next try counts. When it changes each time, nothing is kept as a backup."""
    path, more, committed = held
    copied, changing = copying._copy_differences, [2]

    def disturbed(source: Path, target: Path) -> None:
        copied(source, target)
        if changing[0]:
            changing[0] -= 1
            before = source.stat().st_mtime_ns
            while source.stat().st_mtime_ns == before:
                more.write("\n")
                more.flush()
                for _ in range(40):
                    committed.readline()

    monkeypatch.setattr(copying, "_copy_differences", disturbed)
    assert copy_locked_sqlite(path, tmp_path / "copy") == 3
    assert rows_in(tmp_path / "copy") > 1
    changing[0] = 2
    with pytest.raises(BackupFailed) as failed:
        copy_locked_sqlite(path, tmp_path / "other", tries=2)
    assert failed.value.code == "index_busy"


def test_our_own_database_is_copied_while_it_is_written(tmp_path: Path) -> None:
    """By SQLite itself, with what is committed and nothing else."""
    with closing(sqlite3.connect(tmp_path / "ours")) as ours:
        ours.execute("PRAGMA journal_mode=WAL")
        ours.execute("CREATE TABLE files (id INTEGER PRIMARY KEY)")
        ours.execute("INSERT INTO files DEFAULT VALUES")
        ours.commit()
        ours.execute("INSERT INTO files DEFAULT VALUES")
        copy_sqlite(tmp_path / "ours", tmp_path / "copy")
    assert rows_in(tmp_path / "copy") == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/srv/backup", "/srv/backup"),
        ("sftp:backup@store.example.org:/srv", "sftp:backup@store.example.org:/srv"),
        ("s3:https://s3.example.org/bucket", "s3:https://s3.example.org/bucket"),
        ("sftp://ehr:secret@store.example.org//srv", "sftp://store.example.org//srv"),
        ("rest:https://ehr:secret@store.example.org/x", "rest:https://store.example.org/x"),
    ],
)
def test_a_repository_is_shown_without_its_password(address: str, shown: str) -> None:
    """In records, in the audit trail, on the System page."""
    assert without_password(address) == shown


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Before anything is written; the line says which version it was."""
    settings = load_settings({"EHR_BRIDGE_DATA_DIR": str(tmp_path / "new"), "EHR_BRIDGE_BACKUP_PASSWORD": "p" * 8})
    made = Manifest(
        run="1",
        bridge_engine="sqlite",
        index_engine="sqlite",
        begun_at="",
        databases_at="",
        files_snapshot="",
        folders={},
        version="9.0.0",
        schema="9999_later",
    )
    restoring = Restoring(settings, Restic("/nowhere", "p" * 8, tmp_path), Telling())
    with pytest.raises(BackupFailed, match="newer_schema") as failed:
        restoring._require_fit(made)
    assert "version 9.0.0, schema 9999_later" in failed.value.sentence
    with pytest.raises(BackupFailed, match="other_engine"):
        restoring._require_fit(replace(made, schema=migrate.newest(), bridge_engine="postgresql"))
    restoring._require_fit(replace(made, schema=migrate.newest()))
    assert not (tmp_path / "new").exists()


def test_each_failure_says_what_to_do() -> None:
    """One sentence or two, as long as a problem's cure."""
    assert all(len(sentence) >= 30 for code, sentence in SENTENCES.items() if code not in ("failed",))
