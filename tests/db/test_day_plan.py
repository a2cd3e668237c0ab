"""How the databases find the day's orders among ten thousand."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.services.registry.order_search import OrderWish, search_orders

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
MANY = 10_000
EACH_DAY = 50


def fill(database: Database) -> None:
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


def plans(database: Database, wish: OrderWish) -> tuple[list[str], list[str]]:
    """The accession numbers of the first page, and the plan of each statement that looked for orders."""
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with database.read() as session:
            found = [order.accession_number for order in search_orders(session, wish, 50, 0, None, "urgency").items]
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        looked = [(said, given) for said, given in sent if "FROM orders" in said]
        answers = [connection.exec_driver_sql(explain + said, given) for said, given in looked]  # type: ignore[arg-type]
        return found, [" ".join(str(row[-1]) for row in answer) for answer in answers]


@pytest.mark.parametrize(
    ("wish", "index"),
    [
        (OrderWish(since=NOW, until=NOW + timedelta(days=1)), "ix_scheduled_steps_scheduled_at"),
        (OrderWish(states=("scheduled", "arrived")), "ix_orders_status_id"),
    ],
)
def test_the_list_of_a_day_and_the_list_of_what_waits_read_no_whole_table(
    database: Database, wish: OrderWish, index: str
) -> None:
    """The appointments of the day by their index, what waits by its state; emergencies on top."""
    fill(database)
    found, said = plans(database, wish)
    assert (len(found), found[0]) == (EACH_DAY, "A9507")
    assert len(said) == 2
    for plan in said:
        assert index in plan or "ix_scheduled_steps_latest" in plan, plan
        assert "SCAN orders" not in plan.replace("SCAN orders USING", "")
        assert "Seq Scan on orders" not in plan
