"""Steps of orders in the schema: up and down with rows in it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, Patient, StepData

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEFORE = "0013_deletion_facts"


def orders(database: Database) -> list[Order]:
    steps: tuple[dict[str, Any], ...] = (
        {"modality": "MR"},
        {"modality": "CT", "scheduled_at": NOW, "scheduled_procedure_step_id": "S-1", "station_ae_title": "X"},
    )
    patient = Patient(id=uuid.uuid4(), mrn="1", sex="unknown", created_at=NOW, updated_at=NOW)
    placed = [
        Order(
            id=uuid.uuid4(), accession_number=f"A-{number}", patient_id=patient.id, description="d",
            scheduled_study_instance_uid=f"1.2.{number}", study_instance_uid=f"1.2.{number}", created_at=NOW,
            updated_at=NOW, **said,
        )
        for number, said in enumerate(steps)
    ]  # fmt: skip
    placed[1].further_steps = (StepData("US", "S-2"),)
    with database.write() as session:
        session.add(patient)
        session.flush()
        session.add_all(placed)
    return placed


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_orders_go_down_and_up_again_with_their_first_step(database: Database) -> None:
    """What a former version wrote becomes the only step; the way down keeps the first of several."""
    one, two = orders(database)
    migrate.downgrade(database, BEFORE)
    former = rows(
        database,
        "SELECT modality, scheduled_procedure_step_id, station_ae_title FROM orders ORDER BY accession_number",
    )
    assert former == [("MR", None, None), ("CT", "S-1", "X")]
    migrate.upgrade(database)
    with database.read() as session:
        kept = [session.get_one(Order, order.id) for order in (one, two)]
        assert [[step.said for step in order.steps] for order in kept] == [
            [StepData("MR")],
            [StepData("CT", "S-1", NOW, "X")],
        ]


def test_a_step_belongs_to_an_order_that_is_there(database: Database) -> None:
    """And a place among its steps is taken once."""
    one, _ = orders(database)
    insert = text("INSERT INTO scheduled_steps (order_id, position, modality) VALUES (:order, :position, 'CT')")
    stored = one.id.hex if database.is_sqlite else one.id
    for order, position in ((uuid.uuid4().hex if database.is_sqlite else uuid.uuid4(), 0), (stored, 0)):
        with pytest.raises(sqlalchemy.exc.IntegrityError), database.engine.begin() as connection:
            connection.execute(insert, {"order": order, "position": position})
    with database.write() as session:
        session.delete(session.get_one(Order, one.id))
    assert rows(database, "SELECT count(*) FROM scheduled_steps") == [(2,)]
