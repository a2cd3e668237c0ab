"""Fixtures that every kind of test shares: a private PostgreSQL cluster, databases on both engines, a fixed clock."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import settings

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from tests.support import ports

ENGINES = ("sqlite", "postgresql")

# how long an example takes says nothing on a machine that does other things too
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


class PostgresCluster:
    """A throw-away PostgreSQL of our own, on loopback, owned by a user that is not root."""

    def __init__(self, folder: Path) -> None:
        self.port = ports.free()
        self._folder = folder
        self._owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))

    def start(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._owner)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.restart()

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", mode, "-w", "stop")

    def restart(self) -> None:
        """Serve the data there is; after `stop`, on the same port again."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c max_connections=200"
        data = str(self._folder / "data")
        self._run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def new_database(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/"
        engine = sqlalchemy.create_engine(url + "postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url + name

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._owner, "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    # not in pytest's own folder, which every other run closes to all but its user
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-postgres-") as folder:
        Path(folder).chmod(0o711)
        cluster = PostgresCluster(Path(folder))
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database, once on each engine."""
    database = Database(database_url)
    migrate.upgrade(database)
    yield database
    database.dispose()
