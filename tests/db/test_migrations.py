"""The schema: up, down, equal to the models, and an audit trail that cannot be edited."""

from __future__ import annotations

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, inspect, select, text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import keep_dates
from ehr_bridge.db.states import (
    JobKind,
    JobStatus,
    LinkStatus,
    RejectedFile,
    RejectionReason,
    RejectionStatus,
)
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.reporting.critical import CriticalLevel
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.changes.ledger import Followers
from ehr_bridge.services.registry.patients import PatientData, Patients
from tests.conftest import PostgresCluster

NOT_THERE = {"postgresql": {"ix_patients_searched"}}
"""Indexes of the models that one database does without."""


def test_upgrade_of_an_empty_database_gives_exactly_the_models(database: Database) -> None:
    """After migrating, nothing is missing and nothing is left over."""
    with database.engine.connect() as connection:
        named = NOT_THERE.get(connection.dialect.name, set())
        wanted = {"compare_type": True, "include_object": lambda _, name, *__: name not in named}
        context = MigrationContext.configure(connection, opts=wanted)
        assert compare_metadata(context, AuditEvent.metadata) == []
    assert migrate.is_current(database)


def test_downgrade_removes_every_table_and_upgrade_brings_them_back(database: Database) -> None:
    """An administrator can go back a version and forward again."""
    migrate.downgrade(database, "base")
    assert not migrate.is_current(database)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)
    assert "studies" in inspect(database.engine).get_table_names()


def test_upgrade_twice_changes_nothing(database: Database) -> None:
    """Every start migrates; the second time there is nothing to do."""
    migrate.upgrade(database)
    assert migrate.is_current(database)


def test_the_expected_revision_is_alembics_newest() -> None:
    """We read it from the files ourselves, at every health check."""
    assert migrate.newest() == ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    """Said by the name of its schema, before anything is touched."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    with pytest.raises(migrate.NewerSchema, match="9999_later"):
        migrate.upgrade(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999_later"


def test_several_nodes_may_start_on_an_empty_database_at_once(postgres: PostgresCluster) -> None:
    """One migrates; the others wait for it and find nothing to do."""
    url = postgres.new_database()
    nodes = [Database(url) for _ in range(4)]
    start = threading.Barrier(len(nodes))

    def node(own: Database) -> None:
        start.wait()
        migrate.upgrade(own)

    with ThreadPoolExecutor(len(nodes)) as threads:
        for done in [threads.submit(node, own) for own in nodes]:
            done.result()
    assert all(migrate.is_current(own) for own in nodes)
    for own in nodes:
        own.dispose()


ADDS = {"create_table", "create_index", "add_column", "f", "get_bind"}


@pytest.mark.parametrize("path", sorted((migrate.MIGRATIONS / "versions").glob("*.py")), ids=lambda path: path.stem)
def test_a_migration_that_says_it_only_adds_only_adds(path: Path) -> None:
    """Nodes of the version before go on serving beside it (ADR 0080): they name no new column when they insert."""
    migration = path.read_text()
    if migrate.ADDITIVE.search(migration) is None:
        return
    (upgrade,) = [
        one for one in ast.parse(migration).body if isinstance(one, ast.FunctionDef) and one.name == "upgrade"
    ]
    calls = [ast.unparse(one) for one in ast.walk(upgrade) if isinstance(one, ast.Call)]
    done = [call.removeprefix("op.") for call in calls if call.startswith("op.")]
    assert {call.partition("(")[0] for call in done} <= ADDS
    for call in done:
        assert not call.startswith("add_column") or "nullable=True" in call or "server_default=" in call, call


def test_a_database_says_after_which_migration_older_versions_cannot_serve(database: Database) -> None:
    """The last one that does not only add; with every step, back too."""

    def floor() -> str:
        with database.engine.connect() as connection:
            return str(connection.scalar(text("SELECT revision FROM schema_floor")))

    last = floor()
    text_of = {path.read_text() for path in (migrate.MIGRATIONS / "versions").glob("*.py")}
    (cutting,) = [one for one in text_of if f'\nrevision = "{last}"' in one]
    assert migrate.ADDITIVE.search(cutting) is None
    assert migrate.fit(database) is migrate.Fit.CURRENT
    migrate.downgrade(database, "0051_nodes")
    assert floor() == "0053_backups"
    migrate.upgrade(database)
    assert floor() == last


def test_a_database_of_another_version_or_none_is_not_current(tmp_path: Path) -> None:
    """Before the first migration, and after one step back."""
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    assert not migrate.is_current(database)
    migrate.upgrade(database)
    migrate.downgrade(database, "-1")
    assert not migrate.is_current(database)
    database.dispose()


COLUMNS = "at, actor, action, outcome, detail, previous_hash, hash"
AGAIN = f"INTO audit_events (id, {COLUMNS}) SELECT id, {COLUMNS} FROM audit_events"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        f"INSERT {AGAIN} WHERE true ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    ],
)
def test_an_audit_event_cannot_be_changed_or_removed(database: Database, statement: str) -> None:
    """The database itself refuses."""
    with database.write() as session:
        audit.append(session, Origin("tester"), Event("thing.done"), utc_now())
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"),
        database.engine.begin() as connection,
    ):
        connection.execute(text(statement))
    with database.read() as session:
        assert audit.verify(session).events == 1


@pytest.mark.parametrize("statement", [f"INSERT OR REPLACE {AGAIN}", f"REPLACE {AGAIN}", f"INSERT OR IGNORE {AGAIN}"])
def test_sqlite_replaces_no_audit_event(database: Database, statement: str) -> None:
    """Its REPLACE takes the old row away without asking a DELETE trigger."""
    if not database.is_sqlite:
        with database.engine.connect() as connection, pytest.raises(sqlalchemy.exc.ProgrammingError):
            connection.execute(text(statement))  # PostgreSQL knows no such statement
        return
    with database.write() as session:
        audit.append(session, Origin("tester"), Event("thing.done"), utc_now())
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"),
        database.engine.begin() as connection,
    ):
        connection.execute(text(statement))
    with database.read() as session:
        assert audit.verify(session).events == 1


def test_one_altered_byte_breaks_the_audit_chain(database: Database) -> None:
    """A chain of events verifies; one altered byte, even behind the triggers' back, is found."""
    for number in range(3):
        with database.write() as session:
            audit.append(session, Origin("tester"), Event("thing.done", detail={"n": number}), utc_now())
    with database.read() as session:
        assert audit.verify(session).ok
    with database.engine.begin() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_events_no_update"))
        else:
            connection.execute(text("DROP TRIGGER audit_events_append_only ON audit_events"))
        connection.execute(text("UPDATE audit_events SET actor = 'tesser' WHERE id = 2"))
    with database.read() as session:
        verdict = audit.verify(session)
    assert (verdict.ok, verdict.events, verdict.broken_at, verdict.reason) == (False, 1, 2, "altered")


def test_what_drafts_say_to_be_critical_comes_along(database: Database) -> None:
    """What nobody was told of leaves a report of which nothing is issued, and comes back with the former version."""
    keep_dates(database, utc_now)
    patient, _ = Patients(database, utc_now, Followers()).upsert(
        "MRN-1", PatientData("Ek", "Bo", None, "other", None), Origin("ehr")
    )
    now, drafted = utc_now(), {"draft_critical_level": CriticalLevel.HOURS, "draft_critical_note": "air"}
    known = {"critical_level": CriticalLevel.HOURS, "critical_note": "air"}
    rows: dict[str, dict[str, Any]] = {
        "new": {"number": 0, "draft_kind": "new", **drafted},
        "told": {"number": 0, "draft_kind": "new", "critical_told_at": now, **known, **drafted},
        "amended": {"number": 1, "draft_kind": "corrected", **drafted},
        "signed": {"number": 1, **known},
    }
    with database.write() as session:
        for title, row in rows.items():
            whose = {"patient_id": patient.id, "written_for_id": patient.id, "created_at": now}
            session.add(Report(title=title, language="en", status=ReportStatus.FINAL, **whose, **row))
    migrate.downgrade(database, "0028_report_documents")
    with database.engine.connect() as connection:
        kept = connection.execute(text("SELECT DISTINCT critical_level, critical_note FROM reports")).all()
    assert [tuple(one) for one in kept] == [("hours", "air")]
    migrate.upgrade(database)
    with database.read() as session:
        found = {one.title: (one.critical_level, one.draft_critical_level) for one in session.scalars(select(Report))}
    hours = CriticalLevel.HOURS
    assert found == {"new": (None, hours), "told": (hours, hours), "amended": (hours, hours), "signed": (hours, None)}


def test_patients_come_through_the_parts_of_their_names_and_back(database: Database) -> None:
    """An archive in use gets the columns, empty; going back keeps what was known before."""
    keep_dates(database, utc_now)
    patients = Patients(database, utc_now, Followers())
    born = date(1961, 3, 14)
    whole = PatientData("Lindqvist", "Åsa", born, "female", None, middle_name="Maria", prefix="Dr.", suffix="MD, PhD")
    patients.upsert("MRN-1", whole, Origin("ehr"))
    migrate.downgrade(database, "0009_audit_replace")
    with database.engine.connect() as connection:
        row = connection.execute(text("SELECT mrn, family_name, given_name, sex FROM patients")).one()
    assert tuple(row) == ("MRN-1", "Lindqvist", "Åsa", "female")
    migrate.upgrade(database)
    kept = patients.get("MRN-1")
    assert (kept.given_name, kept.birth_date, kept.middle_name, kept.prefix, kept.suffix) == ("Åsa", born, *[None] * 3)
    again, created = patients.upsert("MRN-1", whole, Origin("ehr"))
    assert (again.middle_name, created) == ("Maria", False)


EMPTY: dict[str, Any] = {
    "match_kind": "none", "match_score": 0.0, "match_evidence": [], "corrections": {}, "received_identity": {},
    "coerced": [], "modalities": [], "created_at": utc_now(), "updated_at": utc_now(),
}  # fmt: skip


def test_no_version_is_gone_back_to_that_would_lose_rejected_images_or_take_a_split_for_something_else(
    database: Database,
) -> None:
    """Where the files of rejected images lie, and that images became another patient's, is known by rows only."""
    keep_dates(database, utc_now)
    study, now = (
        Study(study_instance_uid="1.2.3", link_status=LinkStatus.UNLINKED, **EMPTY),
        utc_now(),
    )
    with database.write() as session:
        session.add(study)
        session.flush()
        session.add(
            Modification(
                study_id=study.id, study_instance_uid="1.2.3", kind=JobKind.SPLIT, changes={}, wanted={}, reason="two",
                requested_by="rita", requested_at=now, status=JobStatus.SUCCEEDED, study_before={}, applied=[],
            )
        )  # fmt: skip
        rejection = Rejection(
            study_id=study.id, status=RejectionStatus.REJECTED, reason=RejectionReason.QUALITY, number_of_images=1,
            requested_by="rita", requested_at=now, node="n", is_due=False,
        )  # fmt: skip
        session.add(rejection)
        session.flush()
        session.add(
            RejectedImage(
                rejection_id=rejection.id, sop_instance_uid="1.2.4", series_instance_uid="1.2.5", sop_class_uid="1.2.6",
                status=RejectedFile.OUT, orthanc_instance_id="o", file_name="f", size_bytes=1, moved_at=now,
            )
        )  # fmt: skip
    with pytest.raises(RuntimeError, match="studies were split"):
        migrate.downgrade(database, "0037_dicom_class")
    with database.write() as session:
        assert session.scalars(select(Modification.kind)).all() == [JobKind.SPLIT]
        session.execute(delete(Modification))
    with pytest.raises(RuntimeError, match="images are rejected"):
        migrate.downgrade(database, "0042_reports_from")
    with database.engine.connect() as connection:
        assert connection.scalars(text("SELECT file_name FROM rejected_images")).all() == ["f"]
    migrate.upgrade(database)
    assert migrate.is_current(database)
