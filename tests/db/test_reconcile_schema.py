"""The tables of links and changes: what was there before comes through, and late links are found by index."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Order, Patient, Study
from ehr_bridge.db.modifications import Modification
from ehr_bridge.services.late_links import look_ups

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEFORE = "0002_deletion"


def study(number: int = 1, **values: Any) -> Study:
    return Study(
        id=uuid.uuid4(), study_instance_uid=f"1.2.{number}", orthanc_study_id="x", link_status="unlinked",
        match_kind="none", match_score=0.0, match_evidence=[], corrections={}, received_identity={"PatientID": "P-1"},
        coerced=[], modalities=[], number_of_series=0, number_of_instances=0, created_at=NOW, updated_at=NOW, **values,
    )  # fmt: skip


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_modifications_come_through_an_upgrade_and_a_downgrade(database: Database) -> None:
    """With their instances; jobs that the former version does not know are forgotten on the way down."""
    one = study()
    known = Modification(
        id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind="modify", changes={}, wanted={}, reason="r",
        requested_by="rita", requested_at=NOW, status="succeeded", study_before={}, applied=[],
    )  # fmt: skip
    link = Modification(
        id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind="link", changes={}, wanted={}, reason="r",
        requested_by="rita", requested_at=NOW, status="waiting", study_before={}, applied=[], link_after={},
    )  # fmt: skip
    with database.write() as session:
        session.add(one)
        session.flush()
        session.add_all([known, link])
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO modification_instances (id, modification_id, orthanc_instance_id_before,"
                " orthanc_instance_id_after, sha256_before, sha256_after, same_at_start, same_at_end, former, changes,"
                " status) SELECT id, id, 'a', 'b', 'c', 'd', 1, 1, :former, '[]', 'done' FROM modifications"
            ),
            {"former": b"\x01"},
        )
    migrate.downgrade(database, BEFORE)
    assert rows(database, "SELECT kind, status FROM modifications") == [("modify", "succeeded")]
    assert rows(database, "SELECT orthanc_instance_id_after FROM modification_instances") == [("b",)]
    with pytest.raises(sqlalchemy.exc.DBAPIError), database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'link'"))
    migrate.upgrade(database)
    assert rows(database, "SELECT kind, link_after FROM modifications") == [("modify", None)]
    assert rows(database, "SELECT orthanc_instance_id_after FROM modification_instances") == [("b",)]
    assert rows(database, "SELECT patient_id_key FROM studies") == [("P-1",)]
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'link', status = 'waiting'"))
    with pytest.raises(sqlalchemy.exc.DBAPIError), database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'merge'"))


def test_a_modification_that_was_undone_comes_through_an_upgrade_and_a_downgrade(database: Database) -> None:
    """Which modification was undone by which is still known, and nothing else is undone."""
    one = study()

    def modification(kind: str, undoes: Modification | None = None) -> Modification:
        return Modification(
            id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind=kind, changes={}, wanted={}, reason="r",
            requested_by="rita", requested_at=NOW, status="succeeded", study_before={}, applied=[],
            undoes_id=undoes.id if undoes else None,
        )  # fmt: skip

    known, other = modification("modify"), modification("modify")
    undone = modification("undo", known)
    with database.write() as session:
        for row in (one, known, other, undone):
            session.add(row)
            session.flush()
    pairs = "SELECT kind, id, undoes_id FROM modifications ORDER BY id"
    before = rows(database, pairs)
    assert [kind for kind, _, undoes in before if undoes] == ["undo"]
    migrate.downgrade(database, BEFORE)
    assert rows(database, pairs) == before
    migrate.upgrade(database)
    assert rows(database, pairs) == before
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.engine.begin() as connection:
        connection.execute(text("DELETE FROM modifications WHERE id IN (SELECT undoes_id FROM modifications)"))


def test_studies_for_a_late_order_are_found_by_index(database: Database) -> None:
    """Each key alone, on both engines; nothing reads all studies."""
    patient = Patient(id=uuid.uuid4(), mrn="P-1", sex="female", created_at=NOW, updated_at=NOW)
    order = Order(
        id=uuid.uuid4(), accession_number="ACC-1", patient_id=patient.id, modality="MR", description="x",
        scheduled_study_instance_uid="1.2.1", study_instance_uid="1.2.1", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    found = [study(1), study(2, accession_key="ACC-1"), study(3, patient_id_key="P-1")]
    with database.write() as session:
        session.add(patient)
        session.flush()
        session.add_all([order, *found, *(study(number, accession_key=f"A{number}") for number in range(4, 500))])
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.read() as session:
        for query, expected in zip(look_ups(session, patient, order), found, strict=True):
            assert list(session.scalars(query)) == [expected.id]
            compiled = query.compile(database.engine, compile_kwargs={"literal_binds": True})
            plan = " ".join(str(row[-1]) for row in session.execute(text(explain + str(compiled))))
            assert "Seq Scan" not in plan and "SCAN studies" not in plan, plan
