"""How the databases find the examinations of a span, and today's orders, among three thousand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.services.dashboard.milestones import LEGS
from ehr_bridge.services.dashboard.times import Times
from ehr_bridge.services.dashboard.today import Today
from ehr_bridge.services.visibility.restrictions import NOTHING
from tests.db.plan_steps import plans, read_whole
from tests.support.examined import Examined, fill

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MANY, EACH_DAY = 3_000, 5


def filled(database: Database) -> None:
    """Five a day for years; those of the last week have reports."""
    days = (NOW - timedelta(days=number // EACH_DAY, hours=4) for number in range(MANY))
    fill(
        database.engine,
        [Examined(number, day, signed=150 if number < 7 * EACH_DAY else None) for number, day in enumerate(days)],
    )
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def test_neither_today_nor_a_span_reads_a_whole_table(database: Database) -> None:
    """A week of examinations is found by the arrival of their first images, and all else of them by keys; the day by
    its appointments. So it is with a million."""
    filled(database)
    fresh = Fresh(database, lambda: None)
    times = Times(fresh, lambda: NOW, UTC, database.is_sqlite)
    today = Today(fresh, lambda: NOW, UTC)
    assert times.look(7, None, None, NOTHING).number == 7 * EACH_DAY
    times.forget()
    leg = LEGS[-1]
    for ask in (
        lambda: times.look(7, None, None, NOTHING),
        lambda: times.search(leg, 7, "CT", None, NOTHING, 50, 0),
    ):
        said = plans(database, ask)
        assert any("ix_studies_list_created" in plan for plan in said), said
        assert [read_whole(plan) for plan in said] == [[]] * len(said), said
    said = plans(database, lambda: today.look(NOTHING))
    assert all("ix_scheduled_steps_scheduled_at" in plan or "ix_scheduled_steps_latest" in plan for plan in said), said
    assert [read_whole(plan) for plan in said] == [[]] * len(said), said
