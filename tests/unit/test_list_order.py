"""The order of lists, as the database is asked for it."""

from __future__ import annotations

import re

from ehr_bridge.services.registry import order_search, patients
from ehr_bridge.services.studies import search

SOMETIMES_EMPTY = {
    "scheduled_steps.scheduled_at",
    "scheduled_steps.station_ae_title",
    "patients.birth_date",
    "orders.assigned_name",
}
LISTS = (search.SORTS, order_search.SORTS, patients.SORTS)


def test_rows_without_a_value_come_last_and_only_where_there_can_be_some() -> None:
    """PostgreSQL reads no index backwards for NULLS LAST, so it is not said of columns that are never null."""
    keys = [str(key) for sorts in LISTS for sort in sorts.allowed for key in sorts.order(sort)]
    last = {re.sub(r" (ASC|DESC) NULLS LAST$", "", key) for key in keys if key.endswith(" NULLS LAST")}
    elsewhere = {re.sub(r" (ASC|DESC)$", "", key) for key in keys if not key.endswith(" NULLS LAST")}
    assert last == SOMETIMES_EMPTY
    assert not last & elsewhere
