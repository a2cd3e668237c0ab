"""What people and programs wait for: no table that grows with the archive is read from end to end for it."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order
from tests.bench.grown import asking
from tests.bench.grown.filling import fill
from tests.bench.grown.questions import Question
from tests.bench.grown.rows import Grown
from tests.conftest import sqlite_template

GROWS = (
    "studies", "study_orders", "study_links", "study_names", "study_match_keys", "study_sop_classes", "study_doses",
    "orders", "scheduled_steps", "patients", "patient_match_keys", "reports", "report_orders", "report_versions",
    "report_documents", "instances", "dicom_upload_logs", "hl7_messages", "events",
)  # fmt: skip
WHOLE = re.compile(rf"SCAN ({'|'.join(GROWS)})(_\d+)?$|AUTOMATIC")
"""SQLite names an alias by its own name: that of SQLAlchemy for a table that is asked twice is `orders_1`."""
LINEAR = {
    "orders": {
        "by urgency", "by patient name", "by modality", "by status", "by assigned to",  # of all years: nobody opens it
        "with a final report",  # of all years too
        "of a name", "of a name in parts", "of both names", "of a number", "of a part of a number",
        "of a name that nobody has",
    },
    "patients": {
        "of a family name", "of a part of a name", "of both names", "of a number", "of a part of a number",
        "of a name that nobody has",
    },
    "fhir": {"DiagnosticReport latest"},  # the total of all reports
    "reports": {"unread", "of an author"},  # their totals
}  # fmt: skip
"""What does so and is known, with its times in docs/sizing.md: a part of a name or number may stand anywhere in it."""


def whole_reads(connection: Connection, measured: asking.Measured) -> list[str]:
    found = []
    for _, statement, parameters in measured.statements:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            plan = [str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            found += [f"{line}: {statement}" for line in plan if WHOLE.search(line)]
    return found


def test_a_whole_table_is_noticed_by_any_name() -> None:
    """Also where it is asked under an alias, as in the list of the day."""
    database = Database(f"sqlite:///{sqlite_template()}")
    asked = str(select(aliased(Order)).compile(dialect=database.engine.dialect))
    with database.engine.connect() as connection:
        assert whole_reads(connection, asking.Measured(Question("orders", "", "admin", str), [], [(0.0, asked, ())]))
    database.dispose()


def test_what_people_wait_for_reads_no_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, searches, an image that arrives, a message, FHIR, the worklist, the System page and the dashboard. On
    SQLite, which chooses how to find rows without knowing how many there are: so a small archive shows it."""
    monkeypatch.setattr(asking, "TIMES", 1)
    path = tmp_path / "grown.sqlite3"
    shutil.copy(sqlite_template(), path)
    grown = Grown(200, datetime.now(UTC))
    fill(path, grown)
    database = Database(f"sqlite:///{path}")
    asked = list(asking.ask_all(database, tmp_path, grown))
    with database.engine.connect() as connection:
        found = {one.label: whole_reads(connection, one) for one in asked}
    database.dispose()
    known = {f"{topic}: {name}" for topic, names in LINEAR.items() for name in names}
    assert known < found.keys()
    assert {label: reads for label, reads in found.items() if reads and label not in known} == {}
