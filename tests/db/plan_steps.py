"""How a database finds what it is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, event, insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
MANY = 10_000
EACH_DAY = 50
TABLES = ("studies", "study_orders", "orders", "scheduled_steps", "reports", "report_orders", "report_versions")


def plans(database: Database, ask: Callable[[], object]) -> list[str]:
    """The plan of each statement that is sent. PostgreSQL reads small tables whole because they are small: here it is
    asked for what it can do without."""
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        looked = [(said, given) for said, given in sent if said.lstrip().startswith(("SELECT", "WITH"))]
        answers = [connection.exec_driver_sql(explain + said, given) for said, given in looked]  # type: ignore[arg-type]
        return ["\n".join(str(row[-1]) for row in answer) for answer in answers]


def read_whole(plan: str) -> list[str]:
    """The tables that a plan reads from end to end."""
    sequential = [name for name in TABLES if f"Seq Scan on {name}" in plan]
    return sequential + [name for name in TABLES if f"SCAN {name}\n" in f"{plan}\n"]


def fill_orders(database: Database) -> None:
    """200 days of 50 orders; what is past is reported."""
    patient = uuid.uuid4()
    with database.write() as session:
        session.add(Patient(id=patient, mrn="M", created_at=NOW, updated_at=NOW))
        session.flush()
        ids = [uuid.uuid4() for _ in range(MANY)]
        dated = {"created_at": NOW, "updated_at": NOW, "patient_id": patient, "description": "CT"}
        first = NOW - timedelta(days=190)
        at = [first + timedelta(days=number // EACH_DAY, minutes=number % EACH_DAY) for number in range(MANY)]
        orders = [
            {
                "id": key, "accession_number": f"A{number}", "scheduled_study_instance_uid": f"2.25.{number}",
                "study_instance_uid": f"2.25.{number}", "status": "reported" if at[number] < NOW else "scheduled",
                "priority": "STAT" if number % EACH_DAY == 7 else None, **dated,
            }
            for number, key in enumerate(ids)
        ]  # fmt: skip
        session.execute(insert(Order), orders)
        steps = [
            {"order_id": key, "position": 0, "modality": "CT", "scheduled_at": at[number]}
            for number, key in enumerate(ids)
        ]
        session.execute(insert(ScheduledStep), steps)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
