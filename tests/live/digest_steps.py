"""The digests of stored files: in the database and on the disk."""

from __future__ import annotations

import io

import pydicom
from sqlalchemy import create_engine, text

from ehr_bridge.services.archive.file_digests import ledger_digest, stored_digest
from ehr_bridge.services.jobs.replacing import digest
from tests.support.server import Server
from tests.support.steps import eventually

NEXT_SECOND = 1.1
"""Orthanc's times have no fractions; what it gets twice within a second is not told apart by them."""


def ask(server: Server, statement: str, **values: str) -> list[str | None]:
    """What is in the first column afterwards, for one SOP instance or study."""
    waits = {"timeout": 60} if server.database_url.startswith("sqlite") else {}  # for the server, which writes too
    engine = create_engine(server.database_url, connect_args=waits)
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        found = list(result.scalars()) if result.returns_rows else []
    engine.dispose()
    return found


def recorded(server: Server, sop_instance_uid: str) -> str | None:
    """The digest of an instance, as soon as it is written down."""
    statement = "SELECT stored_digest FROM instances WHERE sop_instance_uid = :uid"
    found: list[str | None] = eventually(lambda: ask(server, statement, uid=sop_instance_uid))
    (digest,) = found
    return digest


def on_disk(server: Server) -> set[str]:
    """The digests of all stored files."""
    files = [path.read_bytes() for path in server.stored_files()]
    return {name(data) for data in files for name in (stored_digest, lambda data: ledger_digest(digest(data)))}


def sop(data: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID)
