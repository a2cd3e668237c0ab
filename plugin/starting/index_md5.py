"""Adds the missing MD5s of stored files to Orthanc's index: Orthanc 1.13 does not return a file that has none there.

Up to 1.12 we tell Orthanc to compute no MD5, because that is the largest single cost of an image (ADR 0015). An index
that was filled in this way is completed once, before a newer Orthanc opens it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import inspect, text

from ehr_bridge.db.database import Database
from ehr_bridge.settings import Settings
from ehr_bridge.storage.files import FileStore
from ehr_bridge.storage.making import files_of

BATCH = 500
TOLD_EVERY = 10
"""Seconds between two lines of progress."""
WITHOUT = "FROM AttachedFiles WHERE compressionType = 1 AND COALESCE({uncompressed}, '') = ''"
"""Files without an MD5. With compression we always have one made; compressed files of another set-up are left alone."""


class Names(NamedTuple):
    """The names of the table and its columns; Orthanc's SQLite and its PostgreSQL plugin use different ones."""

    table: str
    uncompressed: str
    compressed: str


SQLITE = Names("AttachedFiles", "uncompressedMD5", "compressedMD5")
POSTGRESQL = Names("attachedfiles", "uncompressedHash", "compressedHash")


def complete(settings: Settings, say: Callable[[str], object]) -> None:
    """Write the missing MD5s into the index; other nodes may serve it meanwhile. An index without tables needs none.

    If it is interrupted, the next call continues from there. A file that is missing or unreadable keeps no MD5, is
    reported and is tried again at the next call. Whether files are still what was stored, fixity checks find out.

    Raises:
        Unavailable: the index cannot be opened.
    """
    if settings.orthanc_libpq_url is not None:
        url, names = settings.orthanc_libpq_url.replace("postgresql://", "postgresql+psycopg://", 1), POSTGRESQL
    elif (file := settings.data_dir / "orthanc-index" / "index").exists():
        url, names = f"sqlite:///{file.resolve()}", SQLITE
    else:
        return
    index = Database(url)
    try:
        _complete(index, names, files_of(settings), say)
    finally:
        index.dispose()


def _complete(index: Database, names: Names, files: FileStore, say: Callable[[str], object]) -> None:
    without = WITHOUT.format(uncompressed=names.uncompressed)
    with index.read() as session:
        if not inspect(session.connection()).has_table(names.table):
            return
        number, size = session.execute(text(f"SELECT COUNT(*), COALESCE(SUM(compressedSize), 0) {without}")).one()
    if not number:
        return
    gigabytes = int(size) / 1e9
    say(f"orthanc: making the MD5, which this version needs, of {number} stored files ({gigabytes:.1f} GB)")
    done, left_out, read, told = 0, 0, 0, time.monotonic()
    last = {"id": -1, "kind": -1}
    while rows := _next(index, without, last):
        made = [_with_md5(row, files) for row in rows]
        _write(index, names, [one for one in made if one["md5"] is not None])
        done, read = done + len(rows), read + sum(row.size for row in rows)
        left_out += sum(one["md5"] is None for one in made)
        last = {"id": rows[-1].id, "kind": rows[-1].kind}
        if time.monotonic() - told > TOLD_EVERY:
            say(f"orthanc: {done} of {number} files, {read / 1e9:.1f} of {gigabytes:.1f} GB")
            told = time.monotonic()
    say(f"orthanc: {done - left_out} MD5s made" + (f"; {left_out} files are missing or unreadable" if left_out else ""))


def _next(index: Database, without: str, last: dict[str, int]) -> list[Any]:
    """The next rows after the last one seen, in the order of their key."""
    question = f"""SELECT id, fileType AS kind, uuid, compressedSize AS size {without}
        AND (id, fileType) > (:id, :kind) ORDER BY id, fileType LIMIT {BATCH}"""
    with index.read() as session:
        return list(session.execute(text(question), last))


def _with_md5(row: Any, files: FileStore) -> dict[str, Any]:
    try:
        with files.open(row.uuid) as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        md5 = None
    return {"id": row.id, "kind": row.kind, "uuid": row.uuid, "md5": md5}


def _write(index: Database, names: Names, made: list[dict[str, Any]]) -> None:
    """To those that are still the file that was read."""
    if not made:
        return
    change = f"""UPDATE AttachedFiles SET {names.uncompressed} = :md5, {names.compressed} = :md5
        WHERE id = :id AND fileType = :kind AND uuid = :uuid AND compressionType = 1
        AND COALESCE({names.uncompressed}, '') = ''"""  # noqa: S608
    with index.write() as session:
        session.execute(text(change), made)
