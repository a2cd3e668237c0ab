"""`scripts/backup`: a backup of the installation, while it serves."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.backups.records import INTERRUPTED, BackupRunning, Backups, LeaseLost, Result
from ehr_bridge.settings import Settings
from plugin.backup.failures import BackupFailed
from plugin.backup.making import Making
from plugin.backup.restic import Restic, without_password
from plugin.commands.installation import has_database, read_settings, with_secret

TOLD_SECONDS = 30.0
"""Between two lines of progress, where they are no terminal's."""
CACHE = "restic-cache"


class Telling:
    """Lines with the time of day, and how far a step is: one line that changes, or one every half minute."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._told = time.monotonic()
        self._is_open = False

    def say(self, line: str) -> None:
        """A line with the time in front."""
        if self._is_open:
            click.echo()
            self._is_open = False
        click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {line}")

    def progress(self, part: float, done: int, size: int) -> None:
        """How far a step is."""
        line = f"{part:4.0%} of {size / 1e9:.1f} GB, {done / 1e9:.1f} GB read"
        if self._is_terminal:
            click.echo(f"\r  {line}   ", nl=False)
            self._is_open = True
        elif time.monotonic() - self._told > TOLD_SECONDS:
            self._told = time.monotonic()
            self.say(line)


def address_of(repository: str) -> str:
    """A folder by its whole path; other repositories have a colon."""
    return repository if ":" in repository else str(Path(repository).resolve())


def restic_of(settings: Settings, repository: str, cache: Path) -> Restic:
    """Raises ClickException when there is no password."""
    if settings.backup_password is None:
        raise click.ClickException("set EHR_BRIDGE_BACKUP_PASSWORD: it encrypts the backup, and restores it")
    return Restic(repository, settings.backup_password.get_secret_value(), cache)


@contextmanager
def records_of(settings: Settings) -> Iterator[Backups]:
    """The records of backups in an installation's database. Raises ClickException when it cannot be used."""
    if not has_database(settings):
        raise click.ClickException(f"no database in {settings.data_dir}; name the data directory with --data-dir")
    database = Database(settings.sqlalchemy_url)
    try:
        with database.read() as session:
            session.connection()
        if not migrate.is_current(database):
            raise BackupFailed("database_outdated")
        yield Backups(database, lambda: datetime.now(UTC))
    except Unavailable as error:
        raise BackupFailed("database_unavailable") from error
    finally:
        database.dispose()


def recorded(
    backups: Backups,
    kind: BackupKind,
    repository: str,
    what: Callable[[uuid.UUID], Result | None],
    *,
    is_scheduled: bool,
) -> Result | None:
    """Do it under a lease, and record how it ended. Raises BackupFailed."""
    try:
        run = backups.begin(kind, os.uname().nodename, without_password(repository), is_scheduled=is_scheduled)
    except BackupRunning:
        raise BackupFailed("already_running") from None
    try:
        result = what(run)
        backups.end(run, result)
    except LeaseLost:
        backups.fail(run, "lease_lost")
        raise BackupFailed("lease_lost") from None
    except BackupFailed as error:
        backups.fail(run, error.code)
        raise
    except BaseException as error:
        backups.fail(run, "failed" if isinstance(error, Exception) else INTERRUPTED)
        raise
    return result


def end_by_signal() -> None:
    """SIGTERM ends us as Ctrl-C does: the backup is recorded as interrupted, and restic ends with us."""

    def end(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--to", "repository", required=True, help="Where to: a folder, or another repository of restic's.")
@click.option("--new", "is_new", is_flag=True, help="Begin, or take, another repository than before.")
@click.option("--data-dir", help="Data directory of the server (EHR_BRIDGE_DATA_DIR, ./var).")
def main(repository: str, is_new: bool, data_dir: str | None) -> None:
    """Back up both databases, the images and the secrets, while the server runs. What is in the repository already is
    not copied again; an interrupted backup continues. The password is EHR_BRIDGE_BACKUP_PASSWORD."""
    end_by_signal()
    telling = Telling()
    settings = with_secret(read_settings(data_dir))
    repository = address_of(repository)
    try:
        restic = restic_of(settings, repository, settings.data_dir / CACHE)
        with records_of(settings) as backups:
            making = Making(settings, restic, backups, telling.say, telling.progress, is_new=is_new)
            result = recorded(backups, BackupKind.BACKUP, repository, making.run, is_scheduled=False)
    except BackupFailed as error:
        raise click.ClickException(error.sentence) from None
    assert result is not None
    size, added = result.size_bytes / 1e9, result.added_bytes / 1e9
    telling.say(
        f"snapshot {result.snapshot_id[:8]}: {result.number_of_files} files, {size:.2f} GB; {added:.2f} GB were new"
    )


if __name__ == "__main__":
    main(prog_name="scripts/backup")
