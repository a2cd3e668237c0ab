"""The orders that a study answers: one writer, one patient, and the schema up and down with rows in it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.decisive import on_decisive_change
from ehr_bridge.db.links import Link
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyOrder

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 29, 13, tzinfo=UTC)
BEFORE = "0018_events"


def study(number: int, patient_id: uuid.UUID | None) -> Study:
    return Study(
        id=uuid.uuid4(), study_instance_uid=f"1.9.{number}", orthanc_study_id="x", patient_id=patient_id,
        link_status="linked", match_kind="exact", match_score=1.0, match_evidence=[], corrections={},
        received_identity={}, coerced=[], modalities=[], created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def orders(database: Database, *mrns: str) -> list[uuid.UUID]:
    """One order for each number, in this order; the same number is the same patient."""
    patients = {mrn: Patient(id=uuid.uuid4(), mrn=mrn, sex="unknown", created_at=NOW, updated_at=NOW) for mrn in mrns}
    placed = [
        Order(
            id=uuid.uuid4(), accession_number=f"A-{number}", patient_id=patients[mrn].id, description="d",
            modality="CT", scheduled_study_instance_uid=f"1.2.{number}", study_instance_uid=f"1.2.{number}",
            created_at=NOW, updated_at=NOW,
        )
        for number, mrn in enumerate(mrns)
    ]  # fmt: skip
    with database.write() as session:
        session.add_all(patients.values())
        session.flush()
        session.add_all(placed)
        return [order.id for order in placed]


def answering(database: Database, keys: list[uuid.UUID]) -> uuid.UUID:
    with database.write() as session:
        found = [session.get_one(Order, key) for key in keys]
        one = study(1, found[0].patient_id)
        session.add(one)
        session.flush()
        one.answer(found, NOW)
        return one.id


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as session:
        query = select(StudyOrder.order_id, StudyOrder.position, StudyOrder.linked_at).order_by(StudyOrder.position)
        return [tuple(row) for row in session.execute(query)]


def test_the_primary_order_and_the_rows_are_written_together(database: Database) -> None:
    """Others come and go, another becomes the primary one; what stays keeps since when it is answered."""
    one, two, three = orders(database, "1", "1", "1")
    key = answering(database, [one, two])
    assert rows(database) == [(one, 0, NOW), (two, 1, NOW)]
    for wanted, expected in (
        ([two, three], [(two, 0, NOW), (three, 1, LATER)]),
        ([three], [(three, 0, LATER)]),
        ([], []),
    ):
        with database.write() as session:
            session.get_one(Study, key).answer([session.get_one(Order, order) for order in wanted], LATER)
        assert rows(database) == expected
        with database.read() as session:
            found = session.get_one(Study, key)
            assert found.order_ids == tuple(wanted)
            assert found.order_id == (wanted[0] if wanted else None)


def test_a_study_never_answers_orders_of_two_patients(database: Database) -> None:
    """The writer refuses, and nothing is written."""
    one, two, other = orders(database, "1", "1", "2")
    key = answering(database, [one])
    with pytest.raises(ValueError, match="several patients"), database.write() as session:
        session.get_one(Study, key).answer([session.get_one(Order, order) for order in (two, other)], NOW)
    assert rows(database) == [(one, 0, NOW)]


def test_a_further_order_is_decisive(database: Database) -> None:
    """Decisions that were cached are dropped, although the row of the study stays."""
    one, two = orders(database, "1", "1")
    key, heard = answering(database, [one]), []
    on_decisive_change(database, lambda: heard.append(1))
    with database.write() as session:
        session.get_one(Study, key).answer([session.get_one(Order, order) for order in (one, two)], NOW)
    assert heard == [1]


def test_a_claim_that_is_dropped_leaves_no_row(database: Database) -> None:
    """It is dropped by one statement."""
    answering(database, orders(database, "1", "1"))
    with database.write() as session:
        session.execute(delete(Study))
    assert rows(database) == []


def test_studies_go_down_and_up_again_with_their_primary_order(database: Database) -> None:
    """What a former version linked is the only order; a study without one has no row."""
    one, two = orders(database, "1", "1")
    key = answering(database, [one, two])
    with database.write() as session:
        session.add(study(2, None))
    migrate.downgrade(database, BEFORE)
    linked_at = {"id": uuid.uuid4().hex, "study": key.hex, "at": "2026-11-29 13:00:00.000000"}
    with database.engine.begin() as connection:
        patient = connection.execute(text("SELECT patient_id FROM orders LIMIT 1")).scalar_one()
        said: dict[str, Any] = {"kind": "exact", "patient": patient, **linked_at}
        connection.execute(
            text(
                "INSERT INTO study_links (id, study_id, patient_id, match_kind, evidence, linked_by, linked_at) "
                "VALUES (:id, :study, :patient, :kind, '[]', 'x', :at)"
            ),
            said,
        )
    migrate.upgrade(database)
    assert rows(database) == [(one, 0, LATER)]
    with database.read() as session:
        assert session.get_one(Study, key).order_ids == (one,)


def test_a_link_in_json_reads_back_with_its_orders() -> None:
    """And one that an earlier version wrote, which knows one order."""
    one, two, patient = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    link = Link(patient, None, LinkStatus.LINKED, "exact", 1.0, [], patient, None).with_orders([one, two])
    assert Link.from_json(link.to_json()) == link
    assert link.order_ids == (one, two)
    former = {name: value for name, value in link.to_json().items() if name != "further_order_ids"}
    assert Link.from_json(former).order_ids == (one,)
