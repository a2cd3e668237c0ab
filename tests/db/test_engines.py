"""What is saved on the way to the database costs no certainty: both engines, and what PostgreSQL alone does."""

from __future__ import annotations

import threading
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import add_rows, table_of
from ehr_bridge.db.tables.match_keys import PatientMatchKey
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import Unavailable

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def patient(mrn: str, key: uuid.UUID | None = None) -> Patient:
    return Patient(id=key or uuid.uuid4(), mrn=mrn, sex="unknown", created_at=NOW, updated_at=NOW)


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Patient)) or 0


def end_all_connections(database: Database) -> None:
    """As a server does that is restarted; a file has none."""
    if database.is_sqlite:
        return
    with psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False)) as other:
        mine = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        other.execute(f"{mine} WHERE pid <> pg_backend_pid() AND datname = current_database()")


def test_a_machine_without_power_keeps_no_turn(database: Database) -> None:
    """PostgreSQL asks whether the other end of a connection is still there, and soon."""
    if database.is_sqlite:
        return
    with database.write() as session:
        asked = "SELECT setting FROM pg_settings WHERE name LIKE 'tcp_keepalives_%' ORDER BY name"
        count, idle, interval = session.scalars(text(asked))
    assert (idle, interval, count) == ("30", "10", "3")


@pytest.mark.parametrize("is_last", [True, False], ids=["last", "followed by a question"])
def test_a_row_that_is_refused_refuses_the_transaction(database: Database, is_last: bool) -> None:
    """The next one finds everything as it was."""
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(patient("MRN-1"))
        session.flush()
        add_rows(session, PatientMatchKey, [{"patient_id": uuid.uuid4(), "key": "of nobody"}])
        if not is_last:
            session.scalar(select(func.count()).select_from(Patient))
    assert count(database) == 0
    with database.write() as session:
        session.add(patient("MRN-2"))
    assert count(database) == 1


def test_more_readers_than_connections_are_told_to_come_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not that the server has failed: who waits for a connection in vain gets 503."""
    pool = database.engines.reading.pool
    monkeypatch.setattr(pool, "_timeout", 0.0)
    with pytest.raises(Unavailable) as refused, ExitStack() as held:
        for _ in range(200):
            held.enter_context(database.read()).connection()
    assert refused.value.code == "database_unavailable"
    assert count(database) == 0


BOTH = pytest.mark.parametrize("asks_first", [False, True], ids=["turn first", "turn and question at once"])
COUNT = select(func.count()).select_from(Patient)


def test_an_error_within_a_transaction_leaves_a_connection_that_works(database: Database) -> None:
    for _ in range(12):
        with pytest.raises((DBAPIError, Unavailable)), database.write() as session:
            session.add(patient("MRN-1"))
            session.flush()
            session.execute(text("SELECT nothing_like_this"))
    with database.write() as session:
        session.add(patient("MRN-2"))
    assert count(database) == 1


def test_what_a_reader_changes_is_not_kept(database: Database) -> None:
    try:
        with database.read() as session:
            session.execute(text("DELETE FROM patients"))
            session.add(patient("MRN-1"))
            session.flush()
    except DBAPIError as error:
        assert "read-only" in str(error.orig)
        assert not database.is_sqlite
    assert count(database) == 0


@BOTH
def test_a_first_question_that_is_refused_leaves_no_turn_behind(database: Database, asks_first: bool) -> None:
    """What is wrong is told to who asked, whatever else was sent with it; then others may write."""
    for _ in range(7):  # also when the statements that begin are prepared
        with pytest.raises((DBAPIError, Unavailable)) as refused, database.write(asks_first=asks_first) as session:
            session.execute(text("SELECT nothing_like_this"))
        assert "nothing_like_this" in str(refused.value.__cause__ or refused.value)
        with pytest.raises(ZeroDivisionError), database.write(asks_first=asks_first):
            raise ZeroDivisionError  # before it has asked anything
    with database.write() as session:
        session.add(patient("MRN-1"))
    assert count(database) == 1


@BOTH
def test_many_rows_at_once_are_in_the_transaction_that_they_begin(database: Database, asks_first: bool) -> None:
    rows = [{"mrn": f"MRN-{number}", "sex": "unknown", "created_at": NOW, "updated_at": NOW} for number in range(2)]
    with pytest.raises(ZeroDivisionError), database.write(asks_first=asks_first) as session:
        session.connection().execute(insert(table_of(Patient)), rows)
        assert session.scalar(COUNT) == 2
        raise ZeroDivisionError
    assert count(database) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_waits_too_long_for_the_turn_is_told_to_come_again(database: Database) -> None:
    """Also when the question waits with them: it is not asked, and nothing of it stays."""

    def impatient(connection: Any, *_: Any) -> None:
        connection.execute("SET lock_timeout = '50ms'")

    with database.write() as holder:
        holder.connection()
        event.listen(database.engines.writing, "checkout", impatient)
        for asks_first in (False, True):
            with pytest.raises(Unavailable), database.write(asks_first=asks_first) as session:
                session.scalar(COUNT)
        holder.add(patient("MRN-1"))
    with database.write(asks_first=True) as session:
        assert session.scalar(COUNT) == 1


@BOTH
def test_whoever_has_begun_has_the_turn(database: Database, asks_first: bool) -> None:
    """The clock of a transaction is read in its turn: until then no other has one, and it sees what was written; so
    does its question, if it is sent with the turn."""
    seen: list[int | None] = []

    def other() -> None:
        with database.write(asks_first=asks_first) as session:
            if not asks_first:
                session.connection()
            seen.append(session.scalar(COUNT))

    with database.write() as session:
        session.connection()
        waiting = threading.Thread(target=other)
        waiting.start()
        waiting.join(0.2)
        assert seen == []
        session.add(patient("MRN-1"))
    waiting.join(20)
    assert seen == [1]


def test_after_a_restart_of_the_server_nobody_meets_a_dead_connection(database: Database) -> None:
    for number in range(3):
        with database.write(asks_first=number == 2) as session:
            session.scalar(COUNT)
            session.add(patient(f"MRN-{number}"))
        assert count(database) == number + 1
        end_all_connections(database)
    assert count(database) == 3


def test_columns_have_their_names(database: Database) -> None:
    """Of the first answer of a statement and of later ones, and where there are no rows."""
    for _ in range(2):
        with database.read() as session:
            for asked in ("SELECT 1 AS one, 2 AS two", "SELECT 1 AS one, 2 AS two WHERE 1 = 0"):
                answer = session.connection().exec_driver_sql(asked)
                assert answer.cursor is not None
                columns = answer.cursor.description
                assert columns is not None and [column[0] for column in columns] == ["one", "two"] == [*answer.keys()]


def test_every_engine_is_reached_by_who_listens(database: Database) -> None:
    """So a test that counts statements counts all."""
    asked: list[str] = []
    for engine in database.engines.different:
        event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    count(database)
    with database.write() as session:
        session.add(patient("MRN-1"))
    assert any("count" in one for one in asked)
    assert any(one.startswith("INSERT") for one in asked)
