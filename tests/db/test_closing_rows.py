"""How many ways to the database a message or a request takes, and what is written at the end of a transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from ehr_bridge.api.messages.door import MessageDoor
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.logs import FeedEvent, ReceivedMessage
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.settings import Settings
from plugin.beside import serving
from plugin.beside.lines import ACCESS_CHANGED, CHANGED
from tests.support.asked import statements
from tests.support.messages import adt, encoded, merge, omi
from tests.support.server import SECRET

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
MOST = {"sqlite": (9, 8), "postgresql": (5, 5)}
"""Statements of a message that registers a patient, and of one that places an order; BEGIN is one."""


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
