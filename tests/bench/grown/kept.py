"""The databases of a grown archive: filled and moved once, asked as often as one likes."""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import make_url, text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from plugin.moving import ours
from tests.bench.grown.filling import fill
from tests.bench.grown.rows import Grown
from tests.conftest import PostgresCluster


class Archive:
    """In a folder that stays, or in one that is gone at the end. PostgreSQL runs until then.

    The folder remembers how many studies it was filled with and when, so that it is asked for the days it has.
    """

    def __init__(self, keep: Path | None, studies: int) -> None:
        self._stack = ExitStack()
        self._keep, self._studies = keep, studies

    def __enter__(self) -> Archive:
        if self._keep is None:
            self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-")))
        else:
            self.folder = self._keep.resolve()
            self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self._file, self._filled = self.folder / "grown.sqlite3", self.folder / "filled.json"
        self._part = self.folder / "filling.sqlite3"
        self._told: dict[str, Any] = json.loads(self._filled.read_text()) if self._filled.exists() else {}
        moment = datetime.fromisoformat(self._told["at"]) if self._told else datetime.now(UTC)
        self.grown = Grown(self._told.get("studies", self._studies), moment)
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stack.close()

    def sqlite(self) -> str:
        """The URL of the SQLite file, which is filled if it is not there whole. One that we have not told of is left
        alone: SystemExit."""
        if not self._told:
            if self._file.exists():
                raise SystemExit(
                    f"bench: nothing says what {self._file} was filled with; move it away, or keep elsewhere"
                )
            begin = time.monotonic()
            for left in self.folder.glob(f"{self._part.name}*"):  # of a run that was interrupted
                left.unlink()
            fill(self._part, self.grown)
            self._part.rename(self._file)
            self._tell(studies=self.grown.studies, at=self.grown.now.isoformat())
            _say(f"SQLite: {self._file.stat().st_size / 1e9:.2f} GB in {time.monotonic() - begin:.0f} s")
        return _migrated(f"sqlite:///{self._file}")

    def postgresql(self) -> str:
        """The URL of a PostgreSQL database with the rows of the SQLite file, which are moved if it has none."""
        folder = self.folder / "postgresql"
        is_new = not (folder / "data").exists()
        folder.mkdir(exist_ok=True)
        cluster = PostgresCluster(folder, is_durable=False)
        (cluster.start if is_new else cluster.restart)()
        self._stack.callback(cluster.stop, "fast")
        if "postgresql" not in self._told:
            self.sqlite()
            url = cluster.new_database()
            self._move(url)
            self._tell(postgresql=make_url(url).database)
        return _migrated(f"postgresql+psycopg://postgres@127.0.0.1:{cluster.port}/{self._told['postgresql']}")

    def _tell(self, **told: Any) -> None:
        self._told |= told
        self._filled.write_text(json.dumps(self._told))

    def _move(self, url: str) -> None:
        """By the product's own command, and with statistics, which autovacuum makes otherwise."""
        begin = time.monotonic()
        database = Database(url)
        ours.prepare(database)
        with closing(sqlite3.connect(self._file)) as source, database.engine.begin() as connection:
            rows, _ = ours.move(source, connection, _say)
        took = time.monotonic() - begin
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            size = connection.scalar(text("SELECT pg_database_size(current_database())"))
        database.dispose()
        _say(f"PostgreSQL: {rows:,} rows moved in {took:.0f} s, {(size or 0) / 1e9:.2f} GB")


def _migrated(url: str) -> str:
    """What was kept may be of an earlier version; how long its migration takes is a number too."""
    database = Database(url)
    if not migrate.is_current(database):
        begin = time.monotonic()
        migrate.upgrade(database)
        _say(f"migrated in {time.monotonic() - begin:.1f} s")
    database.dispose()
    return url


def _say(said: str) -> None:
    print(f"bench: {said}", file=sys.stderr, flush=True)
