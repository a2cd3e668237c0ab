"""Makes a backup of a running server (docs/adr/0082-backups.md).

The files are copied first, which may take hours. Then, while no study may be purged: the anchors of the audit trail,
our database, Orthanc's index, and what files came in the meantime. So every image that the databases know is there.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlalchemy import make_url

from ehr_bridge.errors import Unavailable
from ehr_bridge.services.backups.records import Backups, LeaseLost, Result
from ehr_bridge.settings import Settings
from plugin.backup import copying, manifest
from plugin.backup.failures import BackupFailed
from plugin.backup.manifest import Manifest, moment
from plugin.backup.restic import Progress, Restic, Snapshot, Summary

RENEWED_SECONDS = 10.0
PURGE_SECONDS = 60.0
"""A purge that had begun is waited for so long. If its node died, the restored server ends it."""

type Say = Callable[[str], object]


class Lease:
    """Renews the lease of a run on a thread, as long as the process lives."""

    def __init__(self, backups: Backups, run: uuid.UUID, seconds: float = RENEWED_SECONDS) -> None:
        self._backups = backups
        self._run = run
        self._seconds = seconds
        self._holds = False
        self._lock = threading.Lock()
        self._is_lost = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="backup-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def hold_purges(self, *, wait: bool) -> None:
        """Whether purges wait from now on. Raises BackupFailed when the lease is lost."""
        self._holds = wait
        try:
            self._renew()
        except LeaseLost:
            self._is_lost = True
        self.require()

    def require(self) -> None:
        """Raises BackupFailed when the lease had ended at some time."""
        if self._is_lost:
            raise BackupFailed("lease_lost")

    def _renew(self) -> None:
        with self._lock:
            self._backups.renew(self._run, holds_purges=self._holds)

    def _keep(self) -> None:
        while not self._ending.wait(self._seconds):
            try:
                self._renew()
            except LeaseLost:
                self._is_lost = True
                return
            except Unavailable:
                continue  # it may be back before the lease ends


class Making:
    """One backup."""

    def __init__(
        self,
        settings: Settings,
        restic: Restic,
        backups: Backups,
        say: Say,
        progress: Progress,
        *,
        is_new: bool = False,
    ) -> None:
        """`is_new`: somebody has said that a repository is to be begun where there is none."""
        self._is_new = is_new
        self._settings = settings
        self._restic = restic
        self._backups = backups
        self._say = say
        self._progress = progress
        self._folders = manifest.folders_of(settings)

    def run(self, run: uuid.UUID) -> Result:
        """Make it under the lease of `run`. Raises BackupFailed."""
        begun_at = datetime.now(UTC)
        with Lease(self._backups, run) as lease:
            has_failed = self._backups.has_failed()
            # after the first backup, where there is none its disk is not mounted, was swapped, or the address is wrong
            there = self._restic.open(create=self._is_new or not self._backups.has_succeeded(), is_looked_at=True)
            repository = self._known(there)
            if has_failed:
                self._restic.unlock()
            before = self._disowned(there)
            if has_failed:
                self._say("the last backup was not finished; what it has sent is not sent again")
                self._restic.recover_index()
            parent = before[-1].id if before else None
            images = self._folders["images"]
            on_record = 0 if manifest.in_bucket(self._settings) else self._backups.number_of_images()
            if not on_record:  # a new installation
                images.mkdir(parents=True, exist_ok=True)
            elif not images.is_dir():
                raise BackupFailed("files_missing", f"{images} is not there")
            self._say("copying the files")
            first = self._restic.back_up([images], [manifest.FILES, f"run-{run}"], parent, self._progress)
            lease.hold_purges(wait=True)
            with self._staged(run, begun_at, first) as staging:
                self._say("copying what came in the meantime")
                last = self._rest(run, staging, first)
                try:
                    lease.hold_purges(wait=False)
                    self._require_readable({*first.unreadable, *last.unreadable})
                    if first.number_of_files * 2 < on_record:  # half of them are not gone by changes meanwhile
                        raise BackupFailed("files_missing", f"{first.number_of_files} files, {on_record} images")
                except BaseException:
                    self._disown(last.snapshot_id, run)
                    raise
        added = first.added_bytes + last.added_bytes
        return Result(last.snapshot_id, last.number_of_files, last.size_bytes, added, repository)

    def _known(self, there: list[Snapshot]) -> str:
        """The id of the repository. Raises BackupFailed when it has no backup of ours, and others have. Ours are told
        by their run and their id too: former versions did not record the repository."""
        found, known, marks = self._restic.id(), self._backups.repositories(), self._backups.marks()
        is_ours = found in known or any(marks & {one.id, *one.tags} for one in there)
        if known and not is_ours and not self._is_new:
            raise BackupFailed("other_repository", f"{found[:8]}, not {' or '.join(sorted(one[:8] for one in known))}")
        return found

    def _require_readable(self, unreadable: set[str]) -> None:
        for path in sorted(unreadable)[:20]:
            self._say(f"cannot be read: {path}")
        if unreadable:
            raise BackupFailed("files_unreadable", f"{len(unreadable)} files; the others are in the snapshot")

    def _disowned(self, there: list[Snapshot]) -> list[Snapshot]:
        """The snapshots, of which no one of a run that failed is whole any more: it may have died before it said so."""
        failed = {f"run-{run}" for run in self._backups.failed_runs()}
        for one in there:
            if manifest.WHOLE in one.tags and (tags := one.tags & failed):
                self._disown(one.id, uuid.UUID(next(iter(tags)).removeprefix("run-")))
                there = []
        return there or self._restic.open(create=False)

    def _disown(self, snapshot: str, run: uuid.UUID) -> None:
        """Let a restore not take it as the latest backup. A repository to which one may only add cannot do that."""
        try:
            self._restic.tag(snapshot, manifest.INCOMPLETE, f"run-{run}")
        except BackupFailed as error:
            self._say(f"snapshot {snapshot[:8]} is not whole; do not restore it ({error.sentence})")

    def _rest(self, run: uuid.UUID, staging: Path, first: Summary) -> Summary:
        others = [path for name, path in self._folders.items() if name != "staging" and path.is_dir()]
        tags = [manifest.WHOLE, f"run-{run}"]
        return self._restic.back_up([staging, *others], tags, first.snapshot_id, self._progress)

    @contextmanager
    def _staged(self, run: uuid.UUID, begun_at: datetime, first: Summary) -> Iterator[Path]:
        """The folder with the copies of the databases; removed afterwards."""
        folder = self._folders["staging"]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        try:
            with copying.room_for(self._say):
                self._stage(folder, run, begun_at, first)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _stage(self, folder: Path, run: uuid.UUID, begun_at: datetime, first: Summary) -> None:
        settings = self._settings
        self._wait_for_purges()
        anchors = settings.data_dir / manifest.ANCHORS
        if anchors.is_file():  # before the database: anchors must know no event that the copy lacks
            shutil.copyfile(anchors, folder / manifest.ANCHORS)
        self._say("copying our database")
        databases_at = datetime.now(UTC)
        counts, head = self._copy_bridge(folder)
        self._say("copying Orthanc's index")
        self._copy_index(folder)
        assert settings.jwt_secret is not None
        (folder / manifest.SECRET).write_text(settings.jwt_secret.get_secret_value())
        (folder / manifest.SITE).mkdir()
        for name, path in manifest.site_files(settings).items():
            shutil.copyfile(path, folder / manifest.SITE / name)
        Manifest(
            run=str(run),
            bridge_engine="sqlite" if settings.sqlalchemy_url.startswith("sqlite") else "postgresql",
            index_engine="sqlite" if settings.orthanc_libpq_url is None else "postgresql",
            begun_at=moment(begun_at),
            databases_at=moment(databases_at),
            files_snapshot=first.snapshot_id,
            folders={name: str(path) for name, path in self._folders.items()},
            counts=counts,
            head=head,
        ).write(folder)

    def _copy_bridge(self, folder: Path) -> tuple[dict[str, int], tuple[int, str] | None]:
        target, url = folder / manifest.BRIDGE, self._settings.sqlalchemy_url
        if url.startswith("sqlite"):
            file = make_url(url).database
            assert file is not None
            copying.copy_sqlite(Path(file), target)
            with closing(sqlite3.connect(target)) as copy:
                return manifest.count(lambda question: copy.execute(question).fetchall())
        libpq = url.replace("postgresql+psycopg://", "postgresql://", 1)
        with copying.steady(libpq) as (connection, snapshot):
            counted = manifest.count(lambda question: connection.execute(question.encode()).fetchall())
            copying.dump(libpq, target, snapshot, folder)
        return counted

    def _copy_index(self, folder: Path) -> None:
        target, url = folder / manifest.INDEX, self._settings.orthanc_libpq_url
        if url is not None:
            copying.dump(url, target, None, folder)
        elif (file := self._settings.data_dir / "orthanc-index" / "index").exists():
            tries = copying.copy_locked_sqlite(file, target)
            if tries > 1:
                self._say(f"the index changed while it was copied; the copy of try {tries} is whole")

    def _wait_for_purges(self) -> None:
        until = time.monotonic() + PURGE_SECONDS
        while self._backups.is_purging() and time.monotonic() < until:
            time.sleep(0.2)
