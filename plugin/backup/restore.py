"""`scripts/restore`: a backup into a new, empty place, which then proves what it has."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import delete, select, update

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupStatus, DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, Event
from ehr_bridge.settings import Settings
from ehr_bridge.shared_folders import OURS
from plugin.backup import begun as begun_here
from plugin.backup import copying, manifest, target
from plugin.backup.backup import Telling, address_of, restic_of
from plugin.backup.begun import FILES, PROVING, Begun
from plugin.backup.failures import BackupFailed
from plugin.backup.manifest import Manifest, in_bucket, read_manifest
from plugin.backup.placing import place
from plugin.backup.proving import noted_since, prove
from plugin.backup.restic import Restic, Snapshot
from plugin.commands.installation import SECRET_FILE, read_settings

WIDTH = 58


class Restoring:
    """One restore."""

    def __init__(self, settings: Settings, restic: Restic, telling: Telling) -> None:
        self._settings = settings
        self._restic = restic
        self._telling = telling
        self._staging = settings.data_dir / manifest.STAGING
        self._begun: Begun | None = None

    def run(self, at: datetime | None, *, incomplete: bool = False) -> bool:
        """Restore the latest backup, or the latest before `at`, `incomplete` ones too if so wanted; returns whether
        everything was proved. One that was interrupted here goes on. Raises BackupFailed, before anything is written
        where that can be known."""
        with begun_here.alone(self._settings.data_dir):
            return self._run(at, incomplete=incomplete)

    def _run(self, at: datetime | None, *, incomplete: bool) -> bool:
        self._begun = begun = begun_here.read(self._settings.data_dir)
        snapshot = self._choose(at, incomplete=incomplete) if begun is None else self._same(begun, at)
        (staged,) = (path for path in snapshot.paths if Path(path).name == manifest.STAGING)
        made = read_manifest(self._restic.read(snapshot.id, f"{staged}/{manifest.FILE}"))
        self._require_fit(made)
        if begun is not None:
            self._telling.say("a restore was interrupted here; it goes on")
        self._telling.say(f"backup of {snapshot.at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}, made by version {made.version}")
        secret = self._restic.read(snapshot.id, f"{staged}/{manifest.SECRET}").decode().strip()
        if begun is None or begun.phase == FILES:
            self._restore_files(snapshot, made)
            self._place_small_files(secret)
            self._place_databases(made)
            self._settle()
            self._mark(phase=PROVING)
        shutil.rmtree(self._staging, ignore_errors=True)
        all_right = self._prove(snapshot, made, secret)
        self._settle()
        begun_here.remove(self._settings.storage_path, self._settings.data_dir)
        return all_right

    def _mark(self, **what: Any) -> None:
        assert self._begun is not None
        self._begun = replace(self._begun, **what)
        begun_here.write(self._settings.data_dir, self._begun)

    def _settle(self) -> None:
        """A power cut after this takes nothing away."""
        settings, folders = self._settings, list[Path]()
        if target.OURS not in target.servers(settings):
            folders.append(target.our_file(settings).parent)
        begun_here.settle(settings.data_dir, settings.storage_path, settings.shared_path, *folders)

    def _same(self, begun: Begun, at: datetime | None) -> Snapshot:
        """The snapshot that was being restored here. Raises BackupFailed when another one is wanted now."""
        there = self._restic.open(create=False)
        mine = next((one for one in there if one.id == begun.snapshot), None)
        if mine is None:
            raise BackupFailed("snapshot_gone", f"snapshot {begun.snapshot[:8]}")
        if at is not None:
            until = [one for one in there if one.at <= at]
            whole = [one for one in until if manifest.WHOLE in one.tags]
            either = [one for one in until if one.tags & {manifest.WHOLE, manifest.INCOMPLETE}]
            if mine not in (*whole[-1:], *either[-1:]):
                raise BackupFailed("other_restore", f"snapshot {begun.snapshot[:8]}")
        return mine

    def _choose(self, at: datetime | None, *, incomplete: bool) -> Snapshot:
        there = self._restic.open(create=False)
        wanted = {manifest.WHOLE, manifest.INCOMPLETE} if incomplete else {manifest.WHOLE}
        found = [one for one in there if one.tags & wanted and (at is None or one.at <= at)]
        if not found:
            raise BackupFailed("no_snapshot")
        later = [one for one in there if manifest.INCOMPLETE in one.tags and one.at > found[-1].at]
        if later and at is None:
            self._telling.say(
                f"a later backup, of {later[-1].at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}, is incomplete and not taken; "
                "with --incomplete it is"
            )
        return found[-1]

    def _require_fit(self, made: Manifest) -> None:
        """Raises BackupFailed when this version or this place cannot take it."""
        settings = self._settings
        if not migrate.is_known(made.schema):
            raise BackupFailed("newer_schema", f"version {made.version}, schema {made.schema}")
        ours = "sqlite" if settings.sqlalchemy_url.startswith("sqlite") else "postgresql"
        index = "sqlite" if settings.orthanc_libpq_url is None else "postgresql"
        if (ours, index) != (made.bridge_engine, made.index_engine):
            raise BackupFailed("other_engine", f"ours {made.bridge_engine}, Orthanc's index {made.index_engine}")
        if self._begun is not None:
            target.require_same(settings, self._begun)
        else:
            target.require_empty(settings)

    def _restore_files(self, snapshot: Snapshot, made: Manifest) -> None:
        settings = self._settings
        if self._begun is None:
            self._begun = Begun(snapshot.id, places=target.places(settings))
        self._mark(phase=FILES)
        settings.storage_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun_here.write(settings.storage_path, self._begun)
        targets = {"images": settings.storage_path, "shared": settings.shared_path, "staging": self._staging}
        for name, source in made.folders.items():
            if source in snapshot.paths and (folder := targets.get(name)) is not None:
                self._telling.say(f"restoring {name}")
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._restic.restore(snapshot.id, source, folder, None, self._telling.progress)
        inside = settings.storage_path / OURS
        if settings.shared_path != inside and inside.is_dir():  # it was in the folder of the images there
            shutil.copytree(inside, settings.shared_path, dirs_exist_ok=True)
            shutil.rmtree(inside)

    def _place_small_files(self, secret: str) -> None:
        """Anchors, the secret of the backup, and the site's own files."""
        folder = self._settings.data_dir
        anchors = self._staging / manifest.ANCHORS
        if anchors.is_file():
            shutil.move(anchors, folder / manifest.ANCHORS)
        given, former = self._settings.jwt_secret, self._settings.jwt_secret_former
        if given is None:
            (folder / SECRET_FILE).touch(mode=0o600)
            (folder / SECRET_FILE).write_text(secret)
        elif all(one is None or one.get_secret_value() != secret for one in (given, former)):
            self._telling.say(
                "EHR_BRIDGE_JWT_SECRET is not the one of the backup: secrets of destinations cannot be read with it; "
                "set EHR_BRIDGE_JWT_SECRET_FORMER to that of then"
            )
        site = self._staging / manifest.SITE
        if names := sorted(path.name for path in site.iterdir()):
            shutil.rmtree(folder / manifest.SITE, ignore_errors=True)  # of the time before an interruption
            shutil.move(site, folder / manifest.SITE)
            self._telling.say(f"files that settings named are in {folder / manifest.SITE}: {', '.join(names)}")

    def _place_databases(self, made: Manifest) -> None:
        settings, staging = self._settings, self._staging
        self._telling.say("restoring the databases")
        index, servers = staging / manifest.INDEX, target.servers(settings)
        if (url := servers.get(target.INDEX)) is not None:
            self._undump(target.INDEX, url, index)
        elif index.is_file():
            (settings.data_dir / "orthanc-index").mkdir(mode=0o700, exist_ok=True)
            shutil.move(index, settings.data_dir / "orthanc-index" / "index")
        if (url := servers.get(target.OURS)) is not None:
            self._undump(target.OURS, url, staging / manifest.BRIDGE)
        else:
            file = target.our_file(settings)
            self._may_place(target.OURS, str(file), is_empty=not file.exists())
            shutil.move(staging / manifest.BRIDGE, file)
            file.chmod(0o600)

    def _undump(self, name: str, url: str, source: Path) -> None:
        """All of it or nothing: so what has tables, and had none before, was restored before an interruption."""
        found = target.tables(url)
        self._may_place(name, f"database {found.name}", is_empty=not found.number)
        if not found.number:
            copying.undump(url, source, self._staging)

    def _may_place(self, name: str, where: str, *, is_empty: bool) -> None:
        """Hours after it began: raises BackupFailed when somebody else has written there meanwhile."""
        assert self._begun is not None
        if name not in self._begun.placing:
            if not is_empty:
                raise BackupFailed("not_empty", where)
            self._mark(placing=(*self._begun.placing, name))

    def _prove(self, snapshot: Snapshot, made: Manifest, secret: str) -> bool:
        settings = self._settings
        database = Database(settings.sqlalchemy_url)
        try:
            migrate.upgrade(database)
            placed = None
            if not in_bucket(settings):
                placed = place(
                    settings,
                    settings.storage_path,
                    lambda names: self._from_first(made, names),
                    lambda: purged_again(database),
                    self._telling.say,
                )
                self._telling.say("reading every file")
            all_right = True
            for line in prove(settings, database, made, placed, secret):
                all_right &= line.is_right
                click.echo(f"  {'ok  ' if line.is_right else 'FAIL'}  {line.what:<{WIDTH}} {line.found}")
            _note(database, snapshot, made, all_right)
        finally:
            database.dispose()
        return all_right

    def _from_first(self, made: Manifest, names: list[str]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write("".join(f"{name}\n" for name in names))
            wanted.flush()
            folder, only = self._settings.storage_path, Path(wanted.name)
            self._restic.restore(
                made.files_snapshot, made.folders["images"], folder, only, lambda _part, _done, _size: None
            )


def purged_again(database: Database) -> set[str]:
    """Orthanc's ids of the studies whose purge had begun. No other deletion explains a missing file: one that was
    approved can still be undone, and a study that was purged may have been sent again since."""
    with database.read() as session:
        query = select(Study.orthanc_study_id).join(DeletionRequest, DeletionRequest.study_id == Study.id)
        return {
            one
            for one in session.scalars(query.where(DeletionRequest.status == DeletionStatus.PURGING))
            if one is not None
        }


def _note(database: Database, snapshot: Snapshot, made: Manifest, all_right: bool) -> None:
    """The backup, which was running when it was copied, has ended; and that this is a restored installation."""
    now = datetime.now(UTC)
    detail = {"snapshot": snapshot.id[:12], "at": made.databases_at, "is_proved": all_right}
    is_whole = manifest.WHOLE in snapshot.tags
    mine = update(Backup).where(Backup.status == BackupStatus.RUNNING)
    with database.write() as session:
        session.execute(delete(Node))  # those of the former place; their names are free again
        session.execute(
            mine.values(
                status=BackupStatus.SUCCEEDED if is_whole else BackupStatus.FAILED,
                failure=None if is_whole else "files_unreadable",
                holds_purges=False,
                ended_at=snapshot.at,
                snapshot_id=snapshot.id,
            )
        )
        if not noted_since(session, made):  # or else it was interrupted just after this
            audit.append(session, OURSELVES, Event("backup.restored", detail=detail), now)


def moment_of(value: str, zone: ZoneInfo) -> datetime:
    """A day (until its end) or a moment, in the site's time unless it says another. Raises BadParameter."""
    try:
        if len(value) == len("2026-01-31"):
            end = datetime.combine(date.fromisoformat(value), time(0), zone) + timedelta(days=1)
            return end - timedelta(microseconds=1)
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            "use 2026-01-31 or 2026-01-31T18:00, with an offset if you like", param_hint="--at"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except BackupFailed as error:
        raise click.ClickException(error.sentence) from None
    except Unavailable as error:
        raise click.ClickException(error.detail) from None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--from", "repository", required=True, help="The repository that scripts/backup has written.")
@click.option("--at", help="The latest backup until then: 2026-01-31 or 2026-01-31T18:00. Default: the latest.")
@click.option("--incomplete", is_flag=True, help="Also a backup that failed because files could not be read.")
@click.option("--data-dir", help="New data directory (EHR_BRIDGE_DATA_DIR, ./var); empty, or not there.")
@click.pass_context
def main(context: click.Context, repository: str, at: str | None, incomplete: bool, data_dir: str | None) -> None:
    """Restore a backup into an empty place, and prove it; after an interruption the same command goes on. With
    PostgreSQL, EHR_BRIDGE_DATABASE_URL and EHR_BRIDGE_ORTHANC_DATABASE_URL name empty databases. Exit code 0:
    everything is there and right; 1: it could not be restored; 3: it is restored, and the table says what is not
    right."""
    settings, telling = read_settings(data_dir), Telling()
    with _one_line(), tempfile.TemporaryDirectory() as cache:
        restic = restic_of(settings, address_of(repository), Path(cache))
        moment = None if at is None else moment_of(at, ZoneInfo(settings.time_zone))
        all_right = Restoring(settings, restic, telling).run(moment, incomplete=incomplete)
    telling.say("restored and proved; start the server" if all_right else "restored; see what is not right")
    context.exit(0 if all_right else 3)


if __name__ == "__main__":
    main(prog_name="scripts/restore")
