"""How the databases find orders, persons, studies and documents in an archive that has grown: by indexes."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select, text, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import rows_after
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.linking import second_looks
from ehr_bridge.services.registry import order_search
from ehr_bridge.services.registry.order_search import OrderWish, search_orders
from ehr_bridge.services.visibility.restrictions import Closed
from ehr_bridge.settings import Settings
from tests.db.plan_steps import EACH_DAY, MANY, NOW, fill_orders, plans, read_whole
from tests.support.server import SECRET


def search(database: Database, wish: OrderWish, sort: str) -> list[str]:
    with database.read() as session:
        return [order.accession_number for order in search_orders(session, wish, 50, 0, None, sort).items]


def test_all_orders_by_when_they_were_placed_are_read_from_the_index(database: Database) -> None:
    """Only a page of them, and nothing is sorted or joined for that."""
    fill_orders(database)
    assert len(search(database, OrderWish(), "-created_at")) == 50
    pages = [plan for plan in plans(database, lambda: search(database, OrderWish(), "-created_at"))
             if "ix_orders_created" in plan]  # fmt: skip
    assert pages
    for plan in pages:
        assert "TEMP B-TREE" not in plan and "Sort" not in plan and "scheduled_steps" not in plan, plan


@pytest.mark.parametrize("wish", [
    OrderWish(since=NOW, until=NOW, also=("emergencies",)),
    OrderWish(since=NOW, until=NOW, also=("emergencies",), modality="CT"),
], ids=["all", "of a modality"])  # fmt: skip
def test_emergencies_whenever_they_are_are_found_by_an_index_of_their_own(database: Database, wish: OrderWish) -> None:
    """Beside the appointments of the period, which have theirs; the page and its count. Those of 190 days are done."""
    fill_orders(database)
    with database.read() as session:
        assert search_orders(session, wish, 50, 0, None, "urgency").total == MANY // EACH_DAY - 190
    said = plans(database, lambda: search(database, wish, "urgency"))
    assert sum("ix_orders_emergencies" in plan for plan in said) == 2, said
    assert [plan for plan in said if "orders" in read_whole(plan)] == [], said


def test_emergencies_beside_a_period_have_the_states_that_are_asked_for(database: Database) -> None:
    """What the page of the day lists: this week's appointments that wait, and emergencies that wait."""
    fill_orders(database)
    wish = OrderWish(since=NOW, until=NOW + timedelta(days=1), also=("emergencies",), states=("scheduled", "arrived"))
    with database.read() as session:
        page = search_orders(session, wish, 100, 0, None, "accession_number")
    later = MANY // EACH_DAY - 190 - 1
    assert page.total == len(page.items) == EACH_DAY + later
    said = plans(database, lambda: search(database, wish, "urgency"))
    assert [plan for plan in said if "orders" in read_whole(plan)] == [], said


def test_an_order_that_comes_to_a_closed_patient_meanwhile_is_not_shown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL each of the two statements of a page sees what is committed when it begins."""
    closed, open_to_all = uuid.uuid4(), uuid.uuid4()
    with database.write() as session:
        for one in (closed, open_to_all):
            session.add(Patient(id=one, mrn=str(one), created_at=NOW, updated_at=NOW))
        session.flush()
        values = {"patient_id": open_to_all, "description": "CT", "created_at": NOW, "updated_at": NOW}
        for number in ("A1", "A2"):
            uids = {"study_instance_uid": f"2.25.{number[1]}", "scheduled_study_instance_uid": f"2.25.{number[1]}"}
            session.execute(insert(Order).values(id=uuid.uuid4(), accession_number=number, **uids, **values))

    def rows_and_then_moved(*given: Any) -> Any:
        found = rows_after(*given)
        with database.engine.begin() as connection:
            connection.execute(update(Order).where(Order.accession_number == "A1").values(patient_id=closed))
        return found

    monkeypatch.setattr(order_search, "rows_after", rows_and_then_moved)
    with database.read() as session:
        page = search_orders(session, OrderWish(closed=Closed(frozenset({closed}))), 50, 0, None, "accession_number")
        shown = {order.accession_number: order.patient_id for order in page.items}
    assert shown["A2"] == open_to_all and closed not in shown.values()


def test_studies_that_an_order_may_concern_are_found_by_their_indexes(database: Database) -> None:
    """With each order that is placed or changed, among all studies that ever came."""
    fill_orders(database)

    def change() -> None:
        with database.write() as session:
            order = session.scalars(select(Order).limit(1)).one()
            second_looks.order_changed(session, order, second_looks.Cause.ORDER_CHANGED, NOW)

    said = plans(database, change)
    waiting = [plan for plan in said if "ix_studies_waiting_order" in plan and "ix_studies_waiting_patient" in plan]
    assert waiting or not database.is_sqlite, said  # to PostgreSQL all indexes of an empty table are alike
    assert [plan for plan in said if "studies" in read_whole(plan)] == [], said


def test_documents_that_are_to_be_filed_are_found_among_all_that_were(database: Database, tmp_path: Path) -> None:
    """The worker and the System page ask for them again and again."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path)
    filing = build_services(settings, database).results.filing
    (plan,) = plans(database, filing.failing)
    assert "ix_report_documents_to_do" in plan


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
