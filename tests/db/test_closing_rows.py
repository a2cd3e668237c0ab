"""How many ways to the database a message or a request takes, and what is written at the end of a transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ehr_bridge.api.messages.door import MessageDoor
from ehr_bridge.db.database import Database
from ehr_bridge.db.decisive import on_decisive_change
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.logs import FeedEvent, ReceivedMessage
from ehr_bridge.db.tables.match_keys import PatientMatchKey
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep, StepData
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.services.registry.patients import PatientData
from ehr_bridge.services.registry.told_orders import OrderData, ToldOrder
from ehr_bridge.settings import Settings
from plugin.beside import serving
from plugin.beside.lines import ACCESS_CHANGED, CHANGED
from tests.support.asked import statements
from tests.support.messages import adt, encoded, merge, omi
from tests.support.server import SECRET

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
MOST = {"sqlite": (9, 8), "postgresql": (2, 2)}
"""Statements of a message that registers a patient, and of one that places an order; BEGIN is one
on SQLite, and goes with the first on PostgreSQL."""


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    return build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path), database)


def rows(database: Database) -> list[int]:
    with database.read() as session:
        tables = (AuditEvent, FeedEvent, ReceivedMessage)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_a_message_asks_the_database_no_more_often_than_it_must(services: Services, database: Database) -> None:
    """A sender waits for each acknowledgement, and each statement is a way to the server and back."""
    door = MessageDoor(services)
    kind = database.engine.dialect.name
    asked = []
    for text in (adt("A04", "MRN-1"), omi("NW", "ACC-1", "MRN-1")):
        made = statements(database, partial(door.receive, encoded(text), "127.0.0.1", ()))
        asked.append(len(made))
    assert all(one <= most for one, most in zip(asked, MOST[kind], strict=True)), asked
    assert rows(database) == [2, 2, 2]


def test_the_process_that_takes_messages_tells_what_the_gate_must_know(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that two records are one, which may restrict who sees them; nothing when a message comes again."""
    said: list[str] = []
    monkeypatch.setattr(serving, "say", said.append)
    serving.tell(database)
    door = MessageDoor(services)
    for text in (adt("A04", "MRN-1"), adt("A04", "MRN-2"), omi("NW", "ACC-1", "MRN-1"), merge("A40", "MRN-1", "MRN-2")):
        door.receive(encoded(text), "127.0.0.1", ())
    assert said == [CHANGED, CHANGED, CHANGED, CHANGED, ACCESS_CHANGED]
    door.receive(encoded(adt("A04", "MRN-1")), "127.0.0.1", ())
    assert len(said) == 5


def test_who_may_see_whom_is_read_when_it_is_committed(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge within a message that is undone leaves no trace; one that holds is known and told, whatever was undone
    before it."""
    said: list[str] = []
    monkeypatch.setattr(serving, "say", said.append)
    serving.tell(database)
    door = MessageDoor(services)
    for text in (adt("A04", "MRN-1"), adt("A04", "MRN-2")):
        door.receive(encoded(text), "127.0.0.1", ())
    services.restrictions.refresh()
    version, origin = services.restrictions.version, Origin("rita")
    said.clear()
    with database.on_trial():
        services.identity_changes.merge("MRN-1", "MRN-2", "one person", origin)
    assert (services.restrictions.version, said) == (version, [])
    with database.together():
        services.identity_changes.merge("MRN-1", "MRN-2", "one person", origin)
        assert (services.restrictions.version, said) == (version, [])
    assert services.restrictions.version == (version or 0) + 1
    assert ACCESS_CHANGED in said


def test_what_a_transaction_writes_at_its_end_is_in_the_chain_in_its_order(database: Database) -> None:
    """Several events of one transaction, and one after it: the numbers have no gap, and the chain holds."""
    origin = Origin("rita")
    with database.write() as session:
        audit.append_all(session, origin, [Event("one"), Event("two")], AT)
        audit.append(session, origin, Event("three"), AT)
        assert session.scalar(select(func.count()).select_from(AuditEvent)) == 0
    with database.write() as session:
        audit.append(session, origin, Event("four"), AT)
    with database.read() as session:
        found = session.execute(select(AuditEvent.id, AuditEvent.action).order_by(AuditEvent.id)).all()
        assert [tuple(row) for row in found] == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
        assert audit.verify(session).ok


def test_a_transaction_that_fails_writes_none_of_it(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        audit.append(session, Origin("rita"), Event("one"), AT)
        raise ZeroDivisionError
    with database.write() as session:
        audit.append(session, Origin("rita"), Event("two"), AT)
    with database.read() as session:
        assert session.scalars(select(AuditEvent.action)).all() == ["two"]
        assert audit.verify(session).ok


RITA = Origin("rita")
SOMEBODY = PatientData("Muster", "Eva", None, "female", None)
STEPS = (StepData("CT", "STEP-2"), StepData("MR", "STEP-3"))
CT = OrderData("CT", "Thorax", AT, None, scheduled_procedure_step_id="STEP-1", further_steps=STEPS)


def written(session: Session) -> list[int]:
    """Patients, keys, orders and steps, asked without the ORM."""
    tables = (Patient, PatientMatchKey, Order, ScheduledStep)
    counts = (select(func.count()).select_from(one.__table__) for one in tables)
    return [session.connection().execute(count).scalar_one() for count in counts]


def test_a_new_patient_is_found_by_the_next_statement(services: Services, database: Database) -> None:
    """Whoever asks, in the same transaction, and also the order that is placed for them."""
    with database.together() as session:
        services.patients.upsert("MRN-1", SOMEBODY, RITA)
        services.orders.upsert(ToldOrder("ACC-1", "MRN-1", CT), RITA)
        patients, keys, orders, steps = written(session)
        assert (patients, keys > 0, orders, steps) == (1, True, 1, 3)
        with database.read() as reader:
            assert reader.scalar(select(Order.accession_number)) == "ACC-1"


def test_a_new_order_reads_as_it_was_placed(services: Services, database: Database) -> None:
    """Every column of it, of its steps and of its patient: also those that nobody has set."""
    with database.together():
        patient, _ = services.patients.upsert("MRN-1", SOMEBODY, RITA)
        order, _ = services.orders.upsert(ToldOrder("ACC-1", "MRN-1", CT), RITA)
    with database.read() as session:
        for made in (patient, order, *order.steps):
            names = [column.name for column in made.__table__.columns]
            (read,) = session.execute(select(*made.__table__.c).filter_by(**_key(made))).all()
            assert dict(zip(names, read, strict=True)) == {name: vars(made)[name] for name in names}


def _key(row: Base) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in row.__table__.primary_key}


def test_nothing_of_a_new_order_is_kept_when_its_transaction_fails(services: Services, database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.together():
        services.patients.upsert("MRN-1", SOMEBODY, RITA)
        services.orders.upsert(ToldOrder("ACC-1", "MRN-1", CT), RITA)
        raise ZeroDivisionError
    with database.write() as session:
        assert written(session) == [0, 0, 0, 0]


def test_what_is_tried_without_effect_is_written_all_the_same(services: Services, database: Database) -> None:
    """So that what the database refuses is known, and then nothing of it is kept."""
    twice = [Patient(mrn="MRN-1", sex="female", created_at=AT) for _ in range(2)]
    with pytest.raises(IntegrityError), database.on_trial() as session:
        session.add_all(twice)
    with database.on_trial():
        services.patients.upsert("MRN-1", SOMEBODY, RITA)
    with database.write() as session:
        assert written(session) == [0, 0, 0, 0]


def test_the_gate_is_told_of_an_order_that_is_never_flushed(services: Services, database: Database) -> None:
    """It waits for the end of the transaction, in which it is new all the same."""
    told: list[str] = []
    on_decisive_change(database, lambda: told.append("changed"))
    services.patients.upsert("MRN-1", SOMEBODY, RITA)
    services.orders.upsert(ToldOrder("ACC-1", "MRN-1", CT), RITA)
    assert told == ["changed", "changed"]
