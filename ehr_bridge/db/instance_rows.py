"""The one statement that runs for every stored image: a row of `instances`, by the shortest way there is.

A plain DBAPI `executemany` on a kept connection takes a tenth of what a Session takes (ADR 0003). Values are converted
as SQLAlchemy's types do, which a test compares.
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


OWNING_DOORS = ("upload", "stow_rs", "rest")
"""Doors that know whether the archive stored an image just now. It does so once, whoever else sends the same: the row
is theirs, even if a sender of the same image, or the archive's list of changes, was quicker to write it."""


class InstanceRows:
    """Adds rows; one that is there already keeps its identity, and goes to the upload that stored its image. Its
    `received_sha256` is always of what came last. Its `stored_digest` is what an owning door says; where two others say
    two things, nobody knows which of their files the archive kept. Not for several threads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        mark = "?" if database.is_sqlite else "%s"
        columns, marks = ", ".join(InstanceRow._fields), ", ".join([mark] * len(InstanceRow._fields))
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
        self._unsettle = f"UPDATE studies SET is_settled = {mark} WHERE id = {mark}"  # noqa: S608

    def add(self, rows: Sequence[InstanceRow], unsettle: Sequence[uuid.UUID]) -> None:
        """Write rows, and mark studies whose counts are now behind, in one relaxed transaction.

        Raises:
            Unavailable: the database is away; nothing is written.
            sqlalchemy.exc.IntegrityError: a row names a study or an upload that is gone.
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
        """The same within somebody else's transaction. Safe from any thread.

        Raises:
            sqlalchemy.exc.IntegrityError: a row names a study or an upload that is gone.
        """
        connection.exec_driver_sql(self._insert, [self._plain(row) for row in rows])

    def close(self) -> None:
        """Let the connection go; the next `add` takes another."""
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
