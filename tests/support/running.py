"""A server for as long as a block of tests needs it, on either database."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import pytest

from tests.conftest import PostgresCluster, sqlite_template
from tests.support.server import Server
from tests.support.steps import eventually

SMALL_LIMITS = {"MAX_DICOM_FILE_SIZE_MB": "5", "MAX_UPLOAD_SIZE_MB": "50", "EHR_BRIDGE_SHARING": "1"}


def databases(request: pytest.FixtureRequest, engine: str) -> dict[str, str]:
    """The settings for an engine: a migrated database for us, an empty one for Orthanc's index; none for SQLite."""
    if engine == "sqlite":
        return {}
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return {
        "EHR_BRIDGE_DATABASE_URL": cluster.new_database(request.getfixturevalue("postgres_template")),
        "EHR_BRIDGE_ORTHANC_DATABASE_URL": cluster.new_database(),
    }


@contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[Server]:
    """A started server; at the end it must stop as it should. None is left behind, whatever fails.

    Its database is migrated already, but for a demo, which begins with nothing, as at a user's first start.
    """
    server = Server(folder / "var", environ)
    if "EHR_BRIDGE_DATABASE_URL" not in environ and "--demo" not in arguments:
        server.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(sqlite_template(), server.data_dir / "ehr-bridge.sqlite3")
        (server.data_dir / "ehr-bridge.sqlite3").chmod(0o600)
    try:
        server.start(*arguments)
        yield server
    except BaseException:
        server.end()
        raise
    assert server.stop() == 0, server.log()[-3000:]


@contextmanager
def two_nodes(folder: Path, shared: dict[str, str], *arguments: str) -> Iterator[list[Server]]:
    """Two servers with these settings, started one after the other. None is left behind, whatever fails."""
    both = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        both.append(Server(folder / name / "var", shared))
    try:
        for node in both:
            node.start(*arguments)
        yield both
    finally:
        for node in both:
            node.end()


@contextmanager
def bare_orthanc(server: Server) -> Iterator[None]:
    """Orthanc on the same images and index, without us and without DICOMweb."""
    settings = json.loads((server.data_dir / "orthanc.json").read_text())
    shared = ("StorageDirectory", "IndexDirectory", "DicomPort", "DicomAet", "PostgreSQL")
    bare = {key: settings[key] for key in shared if key in settings}
    index = [plugin for plugin in settings["Plugins"] if "PostgreSQL" in plugin]
    path = server.data_dir / "bare.json"
    path.write_text(json.dumps(bare | {"HttpServerEnabled": False, "Plugins": index}))
    process = subprocess.Popen(["/usr/sbin/Orthanc", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(server.dicom_port))
        yield
    finally:
        process.terminate()
        process.wait(timeout=300)


def _answers(port: int) -> bool:
    with socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
