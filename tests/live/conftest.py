"""The real Orthanc with the real plugin, once with SQLite and once with PostgreSQL (for Orthanc's index too)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ENGINES, PostgresCluster
from tests.support.attacks import Scene, attacked_server, make_scene
from tests.support.resting import shared
from tests.support.running import SMALL_LIMITS, databases, running
from tests.support.server import Server


@pytest.fixture(scope="package", params=ENGINES)
def server(request: pytest.FixtureRequest) -> Server:
    """A server that many tests share; each test uses patients, orders and studies of its own, and may kill it and start
    it again. It rests while no test uses it (tests/support/resting.py), and ends with the last of these tests.

    Not started here: pytest ends what a fixture with parameters has begun at each change of the parameter, which is
    twice for every file when files are dealt out to workers.
    """
    shared: Server = request.getfixturevalue(f"shared_on_{request.param}")
    return shared


@pytest.fixture(scope="package")
def shared_on_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = SMALL_LIMITS | databases(request, "sqlite")
    with running(tmp_path_factory.mktemp("server"), **settings) as server, shared("shared_on_sqlite", server):
        yield server


@pytest.fixture(scope="package")
def shared_on_postgresql(
    request: pytest.FixtureRequest,
    postgres: PostgresCluster,  # asked for here, so that it ends after the server
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    settings = SMALL_LIMITS | databases(request, "postgresql")
    with running(tmp_path_factory.mktemp("server"), **settings) as server, shared("shared_on_postgresql", server):
        yield server


@pytest.fixture(params=ENGINES)
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may stop it, kill it and start it anew; at the end it stops as it should."""
    with running(tmp_path, **databases(request, request.param)) as server:
        yield server


@pytest.fixture(scope="package")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite, where the database makes no difference to what is tested; beside `server`, whose tests send
    odd studies and leave jobs at work: here files are counted, and lists are of few studies."""
    with running(tmp_path_factory.mktemp("server"), **SMALL_LIMITS) as server, shared("sqlite_server", server):
        yield server


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose EHR signs with a key of its own, for those who try to get at other people's studies."""
    server = attacked_server(tmp_path_factory.mktemp("attacked"))
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]


@pytest.fixture(scope="module")
def scene(attacked: Server) -> Scene:
    """Study A with a token for it, and study B of somebody else."""
    return make_scene(attacked)
