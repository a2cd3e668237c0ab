"""A backup on schedule: the backup, what is kept of the former ones, and once a week a check of all of it.

A process of its own, started by the launcher of each node (plugin/backup/schedule.py); one at a time has the lease.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from ehr_bridge.db.states import BackupKind
from ehr_bridge.services.backups.records import Backups
from ehr_bridge.services.backups.timing import is_check_due
from ehr_bridge.settings import Settings, load_settings
from plugin.backup import manifest
from plugin.backup.backup import CACHE, Telling, address_of, end_by_signal, recorded, records_of, restic_of
from plugin.backup.failures import BackupFailed
from plugin.backup.making import Lease, Making
from plugin.backup.restic import Restic
from plugin.backup.schedule import seconds_left

type Checks = Callable[[Callable[[uuid.UUID], None]], object]
"""Does something under the record of a check."""

KEPT = ("--keep-daily", "14", "--keep-weekly", "8", "--keep-monthly", "12")


def run(settings: Settings, telling: Telling) -> None:
    """Back up; forget what is old; read everything again when a week is over. Raises BackupFailed."""
    assert settings.backup_path is not None
    repository = address_of(settings.backup_path)
    restic = restic_of(settings, repository, settings.data_dir / CACHE)
    with records_of(settings) as backups:
        if seconds_left(settings, backups, datetime.now(UTC)) > 0:
            return  # another node has made it since this process was started
        making = Making(settings, restic, backups, telling.say, telling.progress)
        result = recorded(backups, BackupKind.BACKUP, repository, making.run, is_scheduled=True)
        assert result is not None
        telling.say(f"snapshot {result.snapshot_id[:8]}, {result.number_of_files} files")
        checks = partial(recorded, backups, BackupKind.CHECK, repository, is_scheduled=True)
        tend(restic, backups, checks, telling.say)


def tend(restic: Restic, backups: Backups, checks: Checks, say: Callable[[str], None]) -> None:
    """Read everything again and remove what nothing needs, once a week; forget what is old, each day. What cannot be
    forgotten is recorded as a failure, and prevents no reading. Raises BackupFailed."""

    def check() -> None:
        say("reading everything in the repository")
        checks(lambda run: _under_lease(backups, run, restic.check))
        say("the repository is whole")

    if is_check_due(datetime.now(UTC), backups.last_success(BackupKind.CHECK)):
        check()
        checks(lambda run: _under_lease(backups, run, partial(_tidy, restic, backups, say)))
        return
    try:
        forget(restic, backups.note_forgotten, say)
    except BackupFailed as error:
        checks(partial(_fail, error))
    if backups.has_failed(BackupKind.CHECK):
        check()


def _tidy(restic: Restic, backups: Backups, say: Callable[[str], None]) -> None:
    forget(restic, backups.note_forgotten, say)
    restic.prune()


def _fail(error: BackupFailed, _run: uuid.UUID) -> None:
    raise error


def forget(restic: Restic, note: Callable[[list[str]], None], say: Callable[[str], None]) -> None:
    """Remove the snapshots that the rules do not keep, each with the files that were copied before it, and those of
    backups that failed: a whole one was made since."""
    there = restic.open(create=False)
    whole = [one for one in there if manifest.WHOLE in one.tags]
    kept = restic.kept(manifest.WHOLE, KEPT)
    runs = {tag for one in whole if one.id in kept for tag in one.tags if tag.startswith("run-")}
    old = [one.id for one in whole if one.id not in kept]
    first = [one.id for one in there if manifest.FILES in one.tags and not one.tags & runs]
    incomplete = [one.id for one in there if manifest.INCOMPLETE in one.tags]
    restic.forget([*old, *first, *incomplete])
    if old:
        note([one[:12] for one in old])
        say(f"{len(old)} old backups are no longer kept")


def _under_lease(backups: Backups, run: uuid.UUID, what: Callable[[], None]) -> None:
    with Lease(backups, run) as lease:
        what()
        lease.require()


def main() -> int:
    """Exit code 0: done, or another node is at it."""
    end_by_signal()
    telling = Telling()
    try:
        run(load_settings(os.environ), telling)
    except BackupFailed as error:
        telling.say(error.sentence)
        return 0 if error.code == "already_running" else 1
    except KeyboardInterrupt:
        telling.say("stopped with the server")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
