"""Where a restore writes: into an empty place, and when it goes on into the same one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from ehr_bridge.settings import Settings
from plugin.backup import begun as begun_here
from plugin.backup.begun import FILES, LOCK, PART, Begun
from plugin.backup.failures import BackupFailed

OURS, INDEX = "database", "index"
QUESTION = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


@dataclass(frozen=True, slots=True)
class Tables:
    """What a database on a server has."""

    number: int
    name: str
    """Of the database."""
    where: str
    """Host, port and name: which database it is, without how to get in."""


def tables(url: str) -> Tables:
    """Raises BackupFailed when the database does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(QUESTION).fetchone()
            info = connection.info
            where = f"{info.host}:{info.port}/{info.dbname}"
            name = info.dbname
    except psycopg.OperationalError as error:
        raise BackupFailed("database_unavailable", str(error).splitlines()[0][:200]) from error
    assert row is not None
    return Tables(int(row[0]), name, where)


def servers(settings: Settings) -> dict[str, str]:
    """The URLs of the databases that are on PostgreSQL."""
    urls = {OURS: settings.sqlalchemy_url.replace("+psycopg", "", 1), INDEX: settings.orthanc_libpq_url}
    return {name: url for name, url in urls.items() if url is not None and not url.startswith("sqlite")}


def our_file(settings: Settings) -> Path:
    """Our database, where it is SQLite."""
    return Path(make_url(settings.sqlalchemy_url).database or "").resolve()


def places(settings: Settings) -> dict[str, str]:
    """Every folder and database that is written, besides the data directory. Raises BackupFailed."""
    on_servers = {name: tables(url).where for name, url in servers(settings).items()}
    return {
        "images": str(settings.storage_path.resolve()),
        "shared": str(settings.shared_path.resolve()),
        OURS: str(our_file(settings)),
        INDEX: "in the data directory",
    } | on_servers


def require_empty(settings: Settings) -> None:
    """Raises BackupFailed when anything is there already."""
    if OURS not in servers(settings) and our_file(settings).exists():
        raise BackupFailed("not_empty", str(our_file(settings)))
    for folder in (settings.data_dir, settings.storage_path, settings.shared_path):
        _require_empty_folder(folder)
    for url in servers(settings).values():
        if (found := tables(url)).number:
            raise BackupFailed("not_empty", f"database {found.name}")


def require_same(settings: Settings, begun: Begun) -> None:
    """Raises BackupFailed when it wrote elsewhere: settings are other ones now."""
    now = places(settings)
    for name, where in now.items():
        if (then := begun.places.get(name)) != where:
            raise BackupFailed("other_place", f"{name}: {then or 'unknown'} then, {where} now")
    marked = begun_here.read(settings.storage_path)
    if begun.phase == FILES and (marked is None or marked.snapshot != begun.snapshot):
        _require_empty_folder(settings.storage_path)  # it was interrupted before it wrote there


def _require_empty_folder(folder: Path) -> None:
    own = {LOCK, PART}
    if folder.is_dir() and any(path.name not in own for path in folder.iterdir()):
        raise BackupFailed("not_empty", str(folder))
