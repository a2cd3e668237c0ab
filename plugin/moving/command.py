"""`ehr-bridge to-postgresql`: an installation that began on SQLite goes on with PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.file_digests import is_whole
from ehr_bridge.settings import Settings
from ehr_bridge.storage.files import FileStore
from ehr_bridge.storage.folder import FolderFiles
from plugin.moving import index, ours
from plugin.moving.pouring import NotTheSame

OURS, INDEX = "EHR_BRIDGE_DATABASE_URL", "EHR_BRIDGE_ORTHANC_DATABASE_URL"
RUNS = "a server is running on this data directory, or something else has its databases open: stop it first"
_FILES = """SELECT f.uuid, f.compressedSize, f.compressionType, r.publicId FROM AttachedFiles AS f
    JOIN Resources AS r ON r.internalId = f.id WHERE f.fileType = 1 ORDER BY f.id"""
SHOWN = 10
_WHERE = re.compile(r"COPY \w+, line \d+(, column \w+)?")
_KINDS = {"22": "a value does not fit its column", "23": "a row breaks a rule of its table"}
"""By class of SQLSTATE: those whose message may repeat the value."""


@click.command("to-postgresql")
@click.option("--read-images", is_flag=True, help="Also read every image and compare it with its digest (100 MB/s).")
@click.pass_context
def to_postgresql(context: click.Context, read_images: bool) -> None:
    """Copy the SQLite databases of the data directory to PostgreSQL.

    The empty databases are those that EHR_BRIDGE_DATABASE_URL and EHR_BRIDGE_ORTHANC_DATABASE_URL name. The server must
    be stopped. Images and SQLite files stay as they are. After an interruption, run it again.

    Exit code 0: everything is there. 1: it was not moved. 3: everything is there, and some images were missing or
    damaged before.
    """
    settings: Settings = context.obj
    begin = time.monotonic()
    here, orthanc = settings.data_dir / "ehr-bridge.sqlite3", settings.data_dir / "orthanc-index" / "index"
    _require_settings(settings, here)
    target, of_index = Database(settings.sqlalchemy_url), Database(_sqlalchemy(settings.orthanc_libpq_url))
    try:
        with _held(orthanc) as old_index, _held(here) as old:
            if not ours.is_current(here):
                raise click.ClickException("the database is of another version; start the server once to migrate it")
            if old_index is not None:
                index.require_known(old_index)
            assert old is not None
            ours.prepare(target)
            images = _move_index(settings, old_index, of_index)
            with target.engine.connect() as connection, connection.begin():
                click.echo("copying our tables")
                rows, chain = ours.move(old, connection, click.echo)
            bad = _compare(old, old_index, FolderFiles(settings.storage_path), read_images=read_images)
    except (ours.NotEmpty, index.OtherSchema, NotTheSame, migrate.NewerSchema) as error:
        raise click.ClickException(f"not moved: {error}") from None
    except psycopg.Error as error:
        raise click.ClickException(f"not moved: {without_values(error)}") from None
    except sqlite3.Error as error:
        raise click.ClickException(f"not moved: SQLite says {type(error).__name__}") from None
    except Unavailable:
        raise click.ClickException(f"not moved: a database of {OURS} and {INDEX} does not answer") from None
    finally:
        target.dispose()
        of_index.dispose()
    click.echo(
        f"moved in {time.monotonic() - begin:.0f} s: {rows:,} rows, {images:,} images; audit trail whole, "
        f"{chain.events:,} events\nStart the server with both variables set. Keep {here.name} and "
        "orthanc-index/ until you have a backup of PostgreSQL; a server without the variables would go on with them."
    )
    if bad:
        click.echo(f"{len(bad)} images are missing or damaged, as they were before: {', '.join(bad[:SHOWN])}", err=True)
    context.exit(3 if bad else 0)


def without_values(error: psycopg.Error) -> str:
    """What PostgreSQL says, and where: its own lines have the value that did not fit, which may be of a patient."""
    where = _WHERE.match(error.diag.context or "")
    place = f" ({where[0]})" if where else ""
    if error.diag.sqlstate is None:  # it was not the server that said so
        return type(error).__name__
    kind = _KINDS.get(error.diag.sqlstate[:2], error.diag.message_primary or "")
    return f"{kind}{place}"


def _require_settings(settings: Settings, here: Path) -> None:
    for name, url in ((OURS, settings.database_url), (INDEX, settings.orthanc_database_url)):
        if url is None or not url.get_secret_value().startswith("postgresql"):
            raise click.ClickException(f"set {name} to the empty PostgreSQL database that is to be filled")
    if not here.exists():
        raise click.ClickException(f"no database in {settings.data_dir}; name the data directory with --data-dir")


def _sqlalchemy(url: str | None) -> str:
    return (url or "").replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def _held(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A SQLite file that nobody else writes meanwhile; None where there is none.

    A running Orthanc keeps its index locked, so that this fails; and none can start while it is held.
    """
    if not path.exists():
        yield None
        return
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        connection.close()
        raise click.ClickException(RUNS) from None
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _move_index(settings: Settings, old: sqlite3.Connection | None, target: Database) -> int:
    """The number of images. An index that an interrupted attempt had moved as a whole is kept."""
    if old is None:
        return 0
    (here,) = old.execute("SELECT count(*) FROM Resources").fetchone()
    (newest,) = old.execute("SELECT COALESCE(MAX(seq), 0) FROM Changes").fetchone()
    (images,) = old.execute("SELECT count(*) FROM Resources WHERE resourceType = 4").fetchone()
    click.echo("copying Orthanc's index")
    index.make_tables(settings)
    with target.engine.connect() as connection, connection.begin():
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        there = raw.execute("SELECT (SELECT count(*) FROM resources), (SELECT MAX(seq) FROM changes)").fetchone()
        if there == (here, newest or None):
            return int(images)
        if there != (0, None):
            raise ours.NotEmpty("Orthanc's database has images already")
        return index.move(old, raw, click.echo)


def _compare(
    old: sqlite3.Connection, old_index: sqlite3.Connection | None, files: FileStore, *, read_images: bool
) -> list[str]:
    """The images whose file is not as the index or our digest says; sizes only, unless they are to be read."""
    bad = []
    for name, size, compression, image in [] if old_index is None else old_index.execute(_FILES):
        digest = old.execute(
            "SELECT stored_digest FROM instances WHERE orthanc_instance_id = ? AND damaged_at IS NULL", (image,)
        ).fetchone()
        try:
            with files.open(name) as file:
                is_right = file.seek(0, 2) == size
                file.seek(0)
                if is_right and read_images and compression == 1 and digest is not None and digest[0] is not None:
                    is_right = is_whole(file, digest[0])
        except OSError:
            is_right = False
        if not is_right:
            bad.append(str(image))
    return bad
