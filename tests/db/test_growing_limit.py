"""`scripts/bench grown` ends a question that takes too long, so that the next ones are asked too."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from tests.bench.grown.watching import Watched

ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def test_a_question_without_end_is_ended_and_the_database_answers_the_next_one(database: Database) -> None:
    with Watched(0.05) as watched, database.read() as session:
        session.execute(ENDLESS)
    assert watched.is_late
    with Watched(600) as watched, database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    assert not watched.is_late and watched.statements[-1][1] == "SELECT 1"


def test_what_fails_in_time_is_an_error_of_the_bench(database: Database) -> None:
    with pytest.raises(Unavailable), Watched(600), database.read():
        raise Unavailable("database_unavailable", "The database does not answer; try again in a moment.")
