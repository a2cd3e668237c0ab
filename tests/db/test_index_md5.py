"""The MD5s that Orthanc 1.13 needs are made while other nodes serve the same index."""

from __future__ import annotations

import hashlib
from io import BufferedIOBase, BytesIO

from sqlalchemy import text

from ehr_bridge.db.database import Database
from plugin.starting import index_md5


class Files:
    """While the first one is read, another node replaces the second by other content."""

    def __init__(self, index: Database, names: index_md5.Names) -> None:
        self._index = index
        self._replaced = f"UPDATE AttachedFiles SET uuid = 'new', {names.uncompressed} = 'its own' WHERE uuid = 'old'"

    def open(self, name: str) -> BufferedIOBase:
        if name == "old":
            with self._index.write() as session:
                session.execute(text(self._replaced))
        return BytesIO(name.encode())


def test_a_file_that_is_replaced_meanwhile_does_not_get_the_md5_of_the_old_one(database: Database) -> None:
    """Orthanc would not return it any more."""
    names = index_md5.SQLITE if database.is_sqlite else index_md5.POSTGRESQL
    hashes = f"{names.uncompressed} TEXT, {names.compressed} TEXT"
    with database.write() as session:
        session.execute(
            text(
                "CREATE TABLE AttachedFiles (id INTEGER, fileType INTEGER, uuid TEXT, compressedSize INTEGER, "
                f"compressionType INTEGER, {hashes})"
            )
        )
        for number, uuid in enumerate(("stays", "old")):
            session.execute(
                text("INSERT INTO AttachedFiles VALUES (:number, 1, :uuid, 5, 1, '', '')"),
                {"number": number, "uuid": uuid},
            )
    index_md5._complete(database, names, Files(database, names), lambda _: None)  # type: ignore[arg-type]
    with database.read() as session:
        found = session.execute(text(f"SELECT uuid, {names.uncompressed} FROM AttachedFiles ORDER BY id")).all()
    of_first = hashlib.md5(b"stays", usedforsecurity=False).hexdigest()
    assert [tuple(row) for row in found] == [("stays", of_first), ("new", "its own")]
