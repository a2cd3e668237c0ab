"""Copies of databases that are in use: consistent ones, without stopping anybody.

Our own SQLite database has SQLite's backup, PostgreSQL has pg_dump. Orthanc holds an exclusive lock on its SQLite
index, which nobody else can open: its files are copied, and copied again when they changed meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from plugin.backup.failures import BackupFailed

BLOCK = 1 << 20
MOST_TRIES = 60
SETTLED_NS = 50_000_000
"""A file that was written less than this ago may be written again without a new time of modification."""
SERVICE = "ehr_bridge_backup"


class State(NamedTuple):
    """Equal before and after copying: nobody has written into the database file meanwhile.

    SQLite writes into it only in a checkpoint, and begins its log anew, with other salts, only after one
    (https://sqlite.org/walformat.html). What is appended to the log meanwhile is read or not: each commit in it has a
    checksum.
    """

    modified_ns: int
    size: int
    salts: bytes


def copy_sqlite(source: Path, target: Path) -> None:
    """A copy of a database that other processes may open too."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=30)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)


def copy_locked_sqlite(source: Path, target: Path, tries: int = MOST_TRIES) -> int:
    """A copy of a database that another process holds; returns how often it was tried. Raises BackupFailed when it
    changed each time, or when the copy is not whole.

    Later tries write only what differs from the former one, so that they take little longer than reading the file.
    """
    log, copied_log = _log_of(source), _log_of(target)
    for number in range(1, tries + 1):
        while time.time_ns() - (before := _state(source)).modified_ns < SETTLED_NS:
            time.sleep(SETTLED_NS / 1e9)
        _copy_differences(source, target)
        copied_log.unlink(missing_ok=True)
        if log.exists():
            shutil.copyfile(log, copied_log)
        if _state(source) == before:
            _require_whole(target)
            return number
        time.sleep(0.01 * min(number, 20))
    raise BackupFailed("index_busy")


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _state(source: Path) -> State:
    found = source.stat()
    try:
        with _log_of(source).open("rb") as log:
            salts = log.read(24)[16:]
    except FileNotFoundError:
        salts = b""
    return State(found.st_mtime_ns, found.st_size, salts)


def _copy_differences(source: Path, target: Path) -> None:
    target.touch(mode=0o600)
    with source.open("rb") as there, target.open("r+b") as here:
        while block := there.read(BLOCK):
            place = here.tell()
            if here.read(len(block)) != block:
                here.seek(place)
                here.write(block)
        here.truncate(there.tell())


def _require_whole(copy: Path) -> None:
    """Take the log into the file, and let SQLite examine all of it."""
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")
        found = [row[0] for row in database.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise BackupFailed("index_busy", f"the copy of the index is not whole: {found[0][:200]}")


@contextmanager
def steady(url: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """A transaction on PostgreSQL that sees one moment, and the name under which `dump` sees the same."""
    try:
        with psycopg.connect(url, autocommit=False, connect_timeout=10) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
            assert row is not None
            yield connection, str(row[0])
    except psycopg.OperationalError as error:
        raise BackupFailed("database_unavailable", str(error).splitlines()[0][:200]) from error


def dump(url: str, target: Path, snapshot: str | None, folder: Path) -> None:
    """pg_dump in its own format, uncompressed: so the repository stores only what changed."""
    arguments = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--file={target}"]
    if snapshot is not None:
        arguments.append(f"--snapshot={snapshot}")
    _with_service(url, folder, ["pg_dump", *arguments])


def undump(url: str, source: Path, folder: Path) -> None:
    """pg_restore into an empty database, all of it or nothing."""
    arguments = [
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname=service={SERVICE}",
    ]
    _with_service(url, folder, ["pg_restore", *arguments, str(source)])


def _with_service(url: str, folder: Path, command: list[str]) -> None:
    """Run a tool of PostgreSQL; how to connect, and with it the password, is in a file that only we can read."""
    if shutil.which(command[0]) is None:
        raise BackupFailed("no_client")
    file = folder / f"{SERVICE}.conf"
    file.touch(mode=0o600)
    lines = [f"{name}={value}" for name, value in conninfo_to_dict(url).items()]
    file.write_text("\n".join([f"[{SERVICE}]", *lines, ""]))
    environ = os.environ | {"PGSERVICEFILE": str(file), "PGSERVICE": SERVICE}
    environ.pop("LD_PRELOAD", None)
    try:
        niced = ["/usr/bin/nice", "-n", "10", *command]
        ran = subprocess.run(niced, env=environ, capture_output=True, check=False)  # noqa: S603
    finally:
        file.unlink(missing_ok=True)
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace")
        code = next((code for word, code in TOLD.items() if word in said), "failed")
        raise BackupFailed(code, (said.strip().splitlines() or [""])[0][:200])


TOLD = {
    "version mismatch": "no_client",
    "No space left": "disk_full",
    "connection to server": "database_unavailable",
}


@contextmanager
def room_for(say: Callable[[str], object]) -> Iterator[None]:
    """Raises BackupFailed where the disk of the data directory is full."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BackupFailed("disk_full") from error
        say(f"{error.strerror}")
        raise
    except sqlite3.OperationalError as error:
        raise BackupFailed("disk_full" if "full" in str(error) else "database_unavailable", str(error)) from error
