"""What a scrape, and the System page, ask of the database: nothing that takes longer because the archive has grown."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event

from ehr_bridge.api.metrics.gauges import Gauges, Known
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.support.archive import FakeArchive
from tests.support.server import SECRET

STAY_SMALL = {"alembic_version", "schema_floor", "nodes", "destinations", "backups", "second_looks"}
"""Some rows, whatever is stored: of backups a few a day, of second looks those that wait."""
READS = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
"""How SQLite says that it reads a whole table, or a whole index, which may hold only what waits."""


def test_no_statement_of_a_scrape_reads_a_table_that_grows(tmp_path: Path) -> None:
    """A monitor asks every fifteen seconds, for ten years. Plans are those of SQLite without statistics, as in use."""
    file = tmp_path / "bridge.sqlite3"
    database = Database(f"sqlite:///{file}")
    migrate.upgrade(database)
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path)
    known = Known(build_services(settings, database), FakeArchive(), {}, lambda: 0, None)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    for engine in database.engines.different:
        event.listen(engine, "before_cursor_execute", note)
    families = [*Gauges(known).collect()]
    assert {"ehr_bridge_attention", "ehr_bridge_backup_failed"} <= {family.name for family in families}
    database.dispose()
    read: dict[str, str] = {}
    with sqlite3.connect(file) as connection:
        indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
        partial = {name for (name,) in indexes}
        for statement, parameters in asked:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                    found = READS.match(row[3])
                    if found is not None and found[2] not in partial:
                        read[found[1]] = statement
    assert len(asked) > 30
    assert {table: read[table] for table in read.keys() - STAY_SMALL} == {}
