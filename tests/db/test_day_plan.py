"""How the databases find the day's orders among ten thousand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ehr_bridge.db.database import Database
from ehr_bridge.services.registry.order_search import OrderWish, search_orders
from tests.db.plan_steps import EACH_DAY, NOW, fill_orders, plans, read_whole


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
    fill_orders(database)
    found: list[str] = []

    def ask() -> None:
        with database.read() as session:
            found[:] = [order.accession_number for order in search_orders(session, wish, 50, 0, None, "urgency").items]

    count, page, *rows = plans(database, ask)
    assert (len(found), found[0]) == (EACH_DAY, "A9507")
    for plan in (count, page):
        assert index in plan or "ix_scheduled_steps_latest" in plan, plan
    for plan in (count, page, *rows):
        assert "orders" not in read_whole(plan), plan
