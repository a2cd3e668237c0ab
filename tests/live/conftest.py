"""The real Orthanc with the real plugin, once with SQLite and once with PostgreSQL (for Orthanc's index too)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES, PostgresCluster
from tests.support.server import Server


@pytest.fixture(scope="session", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many tests share; each test uses patients, orders and studies of its own."""
    environ = {"MAX_DICOM_FILE_SIZE_MB": "5", "MAX_UPLOAD_SIZE_MB": "50"}
    if request.param == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        environ["EHR_BRIDGE_DATABASE_URL"] = cluster.new_database()
        environ["EHR_BRIDGE_ORTHANC_DATABASE_URL"] = cluster.new_database()
    server = Server(tmp_path_factory.mktemp("server") / "var", environ)
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite, where the database makes no difference to what is tested."""
    server = Server(
        tmp_path_factory.mktemp("server") / "var", {"MAX_DICOM_FILE_SIZE_MB": "5", "MAX_UPLOAD_SIZE_MB": "50"}
    )
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]
