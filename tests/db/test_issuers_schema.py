"""A patient is issuer and MRN in the schema too: up and down with rows in it, and what the database itself refuses."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, Patient

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEFORE, THERE = "0012_leases", "0011_issuers"


def patient(mrn: str, issuer: str | None) -> Patient:
    return Patient(id=uuid.uuid4(), mrn=mrn, issuer=issuer, sex="unknown", created_at=NOW, updated_at=NOW)


def order_of(one: Patient) -> Order:
    return Order(
        id=uuid.uuid4(), accession_number="A-1", patient_id=one.id, modality="MR", description="d",
        scheduled_study_instance_uid="1.2.3", study_instance_uid="1.2.3", created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def keep(database: Database, *rows: Any) -> None:
    with database.write() as session:
        for row in rows:
            session.add(row)
            session.flush()


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


KEYS = "SELECT mrn, issuer, issuer_key FROM patients ORDER BY mrn"


def test_patients_with_orders_and_merges_go_down_and_up_again(database: Database) -> None:
    """What points to them still does, and is still watched."""
    one, other = patient("1", " Straße "), patient("2", None)
    keep(database, one, other, order_of(one))
    with database.write() as session:
        session.get_one(Patient, other.id).merged_into_id = one.id
    migrate.downgrade(database, BEFORE)
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.engine.begin() as connection:
        connection.execute(text("UPDATE patients SET mrn = '1' WHERE mrn = '2'"))
    migrate.upgrade(database)
    assert rows(database, KEYS) == [("1", " Straße ", "strasse"), ("2", None, "")]
    joined = "SELECT o.accession_number FROM orders o JOIN patients p ON p.id = o.patient_id WHERE p.mrn = '1'"
    assert rows(database, joined) == [("A-1",)]
    assert rows(database, "SELECT count(*) FROM patients WHERE merged_into_id IS NOT NULL") == [(1,)]
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.engine.begin() as connection:
        connection.execute(text("DELETE FROM patients WHERE mrn = '1'"))


def test_the_database_takes_a_number_once_of_each_issuer(database: Database) -> None:
    """And once without any; case and blanks make no other issuer."""
    keep(database, patient("7", "SITE-A"), patient("7", "SITE-B"), patient("7", None))
    for issuer in (" site-a", "SITE-B", None):
        with pytest.raises(sqlalchemy.exc.IntegrityError):
            keep(database, patient("7", issuer))
    assert len(rows(database, KEYS)) == 3


def test_the_way_down_refuses_numbers_that_two_share(database: Database) -> None:
    """In words, with nothing changed."""
    keep(database, patient("7", "SITE-A"), patient("7", "SITE-B"))
    migrate.downgrade(database, THERE)
    with pytest.raises(RuntimeError, match="1 MRNs are shared"):
        migrate.downgrade(database, BEFORE)
    assert rows(database, "SELECT version_num FROM alembic_version") == [(THERE,)]
    assert len(rows(database, KEYS)) == 2
    with database.engine.connect() as connection:
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
