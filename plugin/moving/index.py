"""Orthanc's index from its SQLite file to its PostgreSQL plugin: the same rows, but for how kinds are counted.

Both have the same tables (version 6 of Orthanc's schema). SQLite counts patients as 1 and PostgreSQL as 0, and the
columns of checksums have other names. Nothing is stored again: files keep their names, and images their times of
arrival, their senders, and their places in the log of changes.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

from ehr_bridge.settings import Settings
from plugin.moving.pouring import NotTheSame, Piece, pour
from plugin.starting.orthanc_config import ORTHANC, PLUGINS

SCHEMA = "6"
END_SECONDS = 60
STARTED = "Orthanc has started"
_CHECKSUMS = ("uncompressedMD5", "compressedMD5")


def _same(table: str, *columns: str, **otherwise: str) -> Piece:
    """A table whose columns have the same names on both; `otherwise`: what is selected for a column instead."""
    named = tuple(column.lower() for column in (*columns, *otherwise))
    return Piece(table.lower(), named, f"SELECT {', '.join((*columns, *otherwise.values()))} FROM {table}")  # noqa: S608


PIECES = (
    _same("Resources", "internalId", "publicId", "parentId", resourceType="resourceType - 1"),
    _same("MainDicomTags", "id", "tagGroup", "tagElement", "value"),
    _same("DicomIdentifiers", "id", "tagGroup", "tagElement", "value"),
    _same("Metadata", "id", "type", "value"),
    _same(
        "AttachedFiles", "id", "fileType", "uuid", "compressedSize", "uncompressedSize", "compressionType",
        uncompressedHash=_CHECKSUMS[0], compressedHash=_CHECKSUMS[1],
    ),
    _same("Changes", "seq", "changeType", "internalId", "date", resourceType="resourceType - 1"),
    _same(
        "ExportedResources", "seq", "publicId", "remoteModality", "patientId", "studyInstanceUid", "seriesInstanceUid",
        "sopInstanceUid", "date", resourceType="resourceType - 1",
    ),
    _same("PatientRecyclingOrder", "seq", "patientId"),
    _same("Labels", "id", "label"),
)  # fmt: skip
_TOTALS = """UPDATE globalintegers SET value = CASE key
    WHEN 0 THEN (SELECT COALESCE(SUM(compressedsize), 0) FROM attachedfiles)
    WHEN 1 THEN (SELECT COALESCE(SUM(uncompressedsize), 0) FROM attachedfiles)
    WHEN 6 THEN (SELECT COALESCE(MAX(seq), 0) FROM changes)
    ELSE (SELECT count(*) FROM resources WHERE resourcetype = key - 2) END"""
"""What its triggers would have counted row by row."""


class OtherSchema(Exception):
    """This index is not one that we know how to move."""


def make_tables(settings: Settings) -> None:
    """Let Orthanc make its tables in the new database. Raises OtherSchema when it cannot."""
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-index-") as folder:
        config = {
            "Plugins": [str(PLUGINS / "libOrthancPostgreSQLIndex.so")],
            "StorageDirectory": folder, "IndexDirectory": folder, "HttpServerEnabled": False,
            "DicomServerEnabled": False,
            "PostgreSQL": {"EnableIndex": True, "EnableStorage": False, "Lock": True,
                           "ConnectionUri": settings.orthanc_libpq_url},
        }  # fmt: skip
        path = Path(folder) / "orthanc.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        process = subprocess.Popen(  # noqa: S603
            [ORTHANC, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if STARTED in line:
                    return
        finally:
            process.terminate()
            process.communicate(timeout=END_SECONDS)
    raise OtherSchema("Orthanc cannot open the new database: " + "".join(said[-3:]))


def require_known(source: sqlite3.Connection) -> None:
    """Raises OtherSchema for an index of another version."""
    version = source.execute("SELECT value FROM GlobalProperties WHERE property = 1").fetchone()
    columns = {row[1] for row in source.execute("PRAGMA table_info(AttachedFiles)")}
    if version is None or version[0] != SCHEMA or not columns.issuperset(_CHECKSUMS):
        raise OtherSchema(f"Orthanc's index has version {version and version[0]}, and this command knows {SCHEMA}")


def move(source: sqlite3.Connection, target: psycopg.Connection, say: Callable[[str], object]) -> int:
    """Copy the index into the tables that `make_tables` has made, and its counts. Returns the number of instances.

    Raises:
        NotTheSame, psycopg.Error: as `pour`.
    """
    pour(source, target, PIECES, say)
    target.execute(_TOTALS)
    (there,) = target.execute("SELECT value FROM globalintegers WHERE key = 5").fetchone() or (None,)
    (here,) = source.execute("SELECT count(*) FROM Resources WHERE resourceType = 4").fetchone()
    if there != here:
        raise NotTheSame(f"{here} images were in the index and {there} are there")
    return int(here)
