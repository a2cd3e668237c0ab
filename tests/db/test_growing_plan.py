"""How the databases find persons in an archive that has grown: by key, never from end to end."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.services.identity.merged_records import survivors
from tests.db.plan_steps import plans

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_the_records_of_a_person_are_found_by_key(database: Database) -> None:
    """Among 500, as among 600,000."""
    someone = uuid.uuid4()
    people = [someone, *(uuid.uuid4() for _ in range(500))]
    with database.write() as session:
        rows = [{"id": key, "mrn": f"M{key.hex}", "created_at": NOW, "updated_at": NOW} for key in people]
        session.execute(insert(Patient), rows)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))

    def ask() -> None:
        with database.read() as session:
            assert survivors(session, [someone]) == {someone: someone}

    for plan in plans(database, ask):
        assert "SCAN patients" not in plan.splitlines() and "Seq Scan on patients" not in plan, plan
