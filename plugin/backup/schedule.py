"""Starts scheduled backups: a thread of the launcher, which sleeps until the next one is due.

Every node has one; whichever begins first has the lease, and the others find the backup done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.backups.records import Backups
from ehr_bridge.services.backups.timing import next_due
from ehr_bridge.settings import Settings

LOOKED_SECONDS = 600.0
"""At least so often it is looked whether another node, or a person, has made one."""
LOG_BYTES = 1_000_000
NOT_FOR_IT = ("LD_PRELOAD", "MALLOC_CONF", "MALLOC_ARENA_MAX")
"""Set for Orthanc."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def seconds_left(settings: Settings, backups: Backups, now: datetime) -> float:
    """Until the next one is due, whichever node makes it. Raises Unavailable."""
    success, failure = backups.last_success(BackupKind.BACKUP), backups.last_failure()
    due = next_due(now, time.fromisoformat(settings.backup_at), ZoneInfo(settings.time_zone), success, failure)
    return max((due - now).total_seconds(), 0.0)


class Schedule:
    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="backup-schedule", daemon=True)

    def start(self) -> None:
        """Begin to wait for the next one."""
        self._thread.start()

    def end(self) -> None:
        """End a backup that runs; it continues at the next start."""
        with self._lock:
            self._ending.set()
            if self._process is not None:
                self._process.terminate()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        seconds = self.seconds_left()
        while not self._ending.wait(min(seconds, LOOKED_SECONDS)):
            if (seconds := self.seconds_left()) <= 0:
                self._run()
                seconds = LOOKED_SECONDS

    def seconds_left(self) -> float:
        """Until the next one is due; half a minute while the database is away."""
        database = Database(self._settings.sqlalchemy_url)
        try:
            return seconds_left(self._settings, Backups(database, self._clock), self._clock())
        except Unavailable:
            return 30.0
        finally:
            database.dispose()

    def _run(self) -> None:
        log = self._settings.data_dir / "backup.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name("backup.log.1"))
        environ = {name: value for name, value in os.environ.items() if name not in NOT_FOR_IT}
        environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        command = ["/usr/bin/nice", "-n", "10", "/usr/bin/setpriv", "--pdeathsig", "TERM", sys.executable]
        with self._lock, log.open("ab") as output:
            if self._ending.is_set():
                return
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "-m", "plugin.backup.scheduled"], env=environ, stdout=output, stderr=output
            )
        self._process.wait()
