"""Writes the row of each stored image (`instances`), in the fastest way.

A plain DBAPI `executemany` on a kept connection takes a tenth of the time of a Session (ADR 0003). Values are converted
as SQLAlchemy's types do; a test compares them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from ehr_bridge.db.database import Database


class InstanceRow(NamedTuple):
    """A row of `instances`, in the order of the statement below."""

    orthanc_instance_id: str
    study_id: uuid.UUID
    upload_log_id: uuid.UUID
    file_name: str | None
    series_instance_uid: str
    sop_instance_uid: str
    modality: str
    size_bytes: int
    door: str
    received_at: datetime
    received_sha256: str | None
    stored_digest: str | None
    sop_class_uid: str | None


OWNING_DOORS = ("upload", "stow_rs", "rest")
"""Doors that know whether the archive has just stored an image. It stores each image once, however many send it: the
row belongs to that door's upload, even if another sender or the archive's list of changes was faster to write it."""


class InstanceRows:
    """Adds rows. An existing row keeps its identity, and moves to the upload that stored its image. `received_sha256`
    is that of the last file received. `stored_digest` comes from an owning door; where two others disagree it becomes
    NULL, because it is unknown which file the archive kept. Not thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        mark = "?".format if database.is_sqlite else "${}".format
        columns = ", ".join(InstanceRow._fields)
        marks = ", ".join(mark(number + 1) for number in range(len(InstanceRow._fields)))
        owning = ", ".join(f"'{door}'" for door in OWNING_DOORS)
        self._insert = (
            f"INSERT INTO instances ({columns}) VALUES ({marks}) ON CONFLICT (orthanc_instance_id)"  # noqa: S608
            " DO UPDATE SET received_sha256 = excluded.received_sha256,"
            + ",".join(
                f" {column} = CASE WHEN excluded.door IN ({owning}) THEN excluded.{column} ELSE instances.{column} END"
                for column in ("upload_log_id", "file_name", "door")
            )
            + f", stored_digest = CASE WHEN excluded.door IN ({owning}) THEN excluded.stored_digest"
            " WHEN excluded.stored_digest IS NULL OR excluded.stored_digest = instances.stored_digest"
            " THEN instances.stored_digest END"
        )
        self._unsettle = f"UPDATE studies SET is_settled = {mark(1)} WHERE id = {mark(2)}"  # noqa: S608

    def add(self, rows: Sequence[InstanceRow], unsettle: Sequence[uuid.UUID]) -> None:
        """Write rows in one relaxed transaction, and mark their studies for counting.

        Raises:
            Unavailable: the database is away; nothing was written.
            sqlalchemy.exc.IntegrityError: a row names a study or an upload that no longer exists.
        """
        try:
            with self._database.relaxed(self._connection) as connection:
                self._connection = connection
                if rows:
                    self.put(connection, rows)
                for study_id in unsettle:
                    connection.exec_driver_sql(self._unsettle, (False, self._key(study_id)))
        except BaseException:
            self.close()
            raise

    def put(self, connection: Connection, rows: Sequence[InstanceRow]) -> None:
        """Like `add`, within the caller's transaction. Thread-safe.

        Raises:
            sqlalchemy.exc.IntegrityError: a row names a study or an upload that no longer exists.
        """
        connection.exec_driver_sql(self._insert, [self._plain(row) for row in rows])

    def close(self) -> None:
        """Release the connection; the next `add` takes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _plain(self, row: InstanceRow) -> tuple[Any, ...]:
        if not self._database.is_sqlite:
            return tuple(row)
        received = row.received_at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        return (row[0], row[1].hex, row[2].hex, *row[3:9], received, *row[10:])

    def _key(self, value: uuid.UUID) -> Any:
        return value.hex if self._database.is_sqlite else value
