"""Whether anything was committed since somebody last looked: what is only read again then is never missed."""

from __future__ import annotations

from sqlalchemy import text

from ehr_bridge.db.database import Database

COUNT_UP = text("UPDATE access_versions SET version = version + 1")


def test_the_answer_is_the_same_until_somebody_has_committed(database: Database) -> None:
    """By whichever connection; reading changes nothing, nor does what is not committed yet or never will be."""
    before = database.commits.state()
    with database.read() as session:
        session.execute(text("SELECT * FROM access_versions")).all()
    assert database.commits.state() == before
    with database.write() as session:
        session.execute(COUNT_UP)
        assert database.commits.state() == before
    after = database.commits.state()
    assert after != before
    assert database.commits.state() == after
    with database.engine.connect() as connection:
        connection.execute(COUNT_UP)
        connection.rollback()
    seen = database.commits.state()
    with database.write_relaxed() as session:
        session.execute(COUNT_UP)
    assert database.commits.state() not in (before, after, seen)


def test_another_process_is_noticed_too(database_url: str, database: Database) -> None:
    """Another node, or the command line."""
    before = database.commits.state()
    other = Database(database_url)
    with other.write() as session:
        session.execute(COUNT_UP)
    other.dispose()
    assert database.commits.state() != before


def test_a_transaction_that_was_open_while_one_looked_is_noticed_when_it_commits(database: Database) -> None:
    """However long it was open, and whoever committed in between."""
    with database.engine.connect() as slow:
        slow.execute(text("CREATE TABLE slow (id INTEGER)"))
        before = database.commits.state()
        slow.commit()
    assert database.commits.state() != before


def test_without_the_database_no_answer_equals_another() -> None:
    """So everything is read, and says itself that the database is away."""
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert away.commits.state() != away.commits.state()
    away.dispose()


def test_a_connection_made_anew_counts_anew(database: Database) -> None:
    """Behind it may be another server."""
    before = database.commits.state()
    database.commits.close()
    assert database.commits.state() != before
