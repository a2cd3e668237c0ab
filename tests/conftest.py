"""Fixtures that every kind of test shares: a private PostgreSQL cluster, databases on both engines, a fixed clock."""

from __future__ import annotations

import atexit
import gc
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import settings

from ehr_bridge import request_id
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from tests.support import material, once, ports, processor, resting
from tests.support.recycled import RecycledDatabases

ENGINES = ("sqlite", "postgresql")

# how long an example takes says nothing on a machine that does other things too
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

once.share()


FORGETFUL = ("fsync=off", "full_page_writes=off")
"""For data that need not outlive a power cut; what a killed process wrote is with the kernel all the same."""
IN_MEMORY = Path("/dev/shm")

LONG = (
    "test_fuzzing.py", "test_selftest.py", "test_import.py", "test_deletions.py", "test_odd_headers.py",
    "test_authorities.py", "test_lifecycle.py", "test_accounts.py", "test_nesting.py", "test_quarantine.py",
    "test_faults.py", "test_reconciliation.py", "test_tags.py", "test_many_at_once.py", "test_resources.py",
    "test_two_nodes.py", "test_backup_drill.py", "test_older_index.py", "test_fixity.py", "test_doors_table.py",
    "test_reporting.py", "test_reading.py", "test_embedding.py", "test_accessible.py", "test_viewer_page.py",
    "test_review.py", "test_upload.py", "test_plan.py", "test_day.py",
)  # fmt: skip
"""Files of half a minute or more, the longest first. They are dealt out in this order: nobody begins one when the
other workers have nothing left. Those in the browser come after all live tests, whose servers have ended by then."""
WITH_PROCESSES = ("live", "browser")
"""Folders whose tests start processes that end unseen: a browser's."""
PLACES = {name: place for place, name in enumerate(LONG)}

SPENT = pytest.StashKey[float]()
"""Seconds of the processor, until the test before had ended."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--testdata", type=Path, action="append", default=[], help="a folder with more real DICOM files")
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped has failed")


def pytest_configure(config: pytest.Config) -> None:
    for folder in config.getoption("--testdata"):
        material.name_folder(folder.resolve())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (item.path.parent.name == "browser", PLACES.get(item.path.name, len(LONG))))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was loaded until now stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    session.config.stash[SPENT] = processor.seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    resting.begin(item)
    yield
    resting.others(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Says what the processor was used for: of servers and browsers by test, otherwise by file, because to look takes
    as long as many a test does."""
    ends_file = nextitem is None or nextitem.path != item.path
    if ends_file:
        resting.end_of_file()
    try:
        return (yield)
    finally:
        if item.path.parent.name in WITH_PROCESSES or ends_file:
            now = processor.seconds()
            item.user_properties.append(("processor_seconds", f"{now - item.config.stash[SPENT]:.2f}"))
            item.config.stash[SPENT] = now


class PostgresCluster:
    """A throw-away PostgreSQL of our own, on loopback, owned by a user that is not root.

    `is_durable`: it waits for the disk as in production; a benchmark needs that, a test does not.
    """

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self.port = ports.free()
        self._options = () if is_durable else FORGETFUL
        self._folder = folder
        url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self._engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        self._owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))

    def start(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._owner)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
        processor.also(self._folder / "data" / "postmaster.pid")
        self.restart()

    def stop(self, mode: str = "immediate") -> None:
        self._engine.dispose()
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", mode, "-w", "stop")

    def restart(self) -> None:
        """Serve the data there is; after `stop`, on the same port again."""
        settings = ("max_connections=200", *self._options)
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} " + " ".join(f"-c {one}" for one in settings)
        data = str(self._folder / "data")
        self._run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def new_database(self, template: str | None = None) -> str:
        """The SQLAlchemy URL of a new database: empty, or a copy of `template`, which nobody may be using."""
        name = f"t{uuid.uuid4().hex[:12]}"
        url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/"
        copied = f" TEMPLATE {sqlalchemy.make_url(template).database} STRATEGY FILE_COPY" if template else ""
        self._say(f"CREATE DATABASE {name}{copied}")
        return url + name

    def drop(self, url: str) -> None:
        """Give the memory back that a database takes, whoever is still connected to it."""
        self._say(f"DROP DATABASE {sqlalchemy.make_url(url).database} WITH (FORCE)")

    def _say(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._owner, "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


def in_memory(purpose: str) -> tempfile.TemporaryDirectory[str]:
    """A folder that needs no disk; not in pytest's own, which every other run closes to all but its user."""
    return tempfile.TemporaryDirectory(prefix=f"ehr-bridge-{purpose}-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)


@contextmanager
def throw_away_cluster() -> Iterator[PostgresCluster]:
    with in_memory("postgres") as folder:
        Path(folder).chmod(0o711)
        cluster = PostgresCluster(Path(folder), is_durable=False)
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture(autouse=True)
def _no_request() -> Iterator[None]:
    """A test that plays one request leaves this thread without one, as the server does after each answer."""
    yield
    request_id.end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    with throw_away_cluster() as cluster:
        yield cluster


@pytest.fixture
def own_postgres() -> Iterator[PostgresCluster]:
    """A cluster that the test may stop: no other test's server is connected to it."""
    with throw_away_cluster() as cluster:
        yield cluster


@cache
def sqlite_template() -> Path:
    """A migrated database that tests and their servers copy: migrating takes a hundred times as long."""
    folder = in_memory("template")
    atexit.register(folder.cleanup)
    file = Path(folder.name) / "template.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresCluster) -> str:
    """The URL of a migrated database that tests copy."""
    url = postgres.new_database()
    _migrate(url)
    return url


@pytest.fixture(scope="session")
def recycled(postgres: PostgresCluster, postgres_template: str) -> Iterator[RecycledDatabases]:
    databases = RecycledDatabases(postgres, postgres_template)
    yield databases
    databases.close()


def _migrate(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()


@contextmanager
def _migrated(request: pytest.FixtureRequest, engine: str) -> Iterator[str]:
    """The URL of a migrated database that nobody else uses."""
    if engine == "sqlite":
        with in_memory("sqlite") as folder:
            file = Path(folder) / "test.sqlite3"
            shutil.copy(sqlite_template(), file)
            yield f"sqlite:///{file}"
        return
    recycled: RecycledDatabases = request.getfixturevalue("recycled")
    url = recycled.lend()
    yield url
    recycled.take_back(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a migrated database of the test's own, once on each engine."""
    with _migrated(request, request.param) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database, once on each engine."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="module", params=ENGINES)
def read_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of the file's own, once on each engine: what is put there first, its tests only read."""
    with _migrated(request, request.param) as url:
        database = Database(url)
        yield database
        database.dispose()
