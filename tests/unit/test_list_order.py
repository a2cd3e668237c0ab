"""The order of lists, as the database is asked for it."""

from __future__ import annotations

from ehr_bridge.services.registry import order_search, patients
from ehr_bridge.services.studies import search


def test_rows_without_a_value_come_last_and_only_where_there_can_be_some() -> None:
    """PostgreSQL reads no index backwards for NULLS LAST, so it is not said of columns that are never null."""
    said = {
        sort: [" NULLS LAST" in str(key) for key in sorts.order(sort)]
        for sorts in (search.SORTS, order_search.SORTS, patients.SORTS)
        for sort in sorts.allowed
    }
    with_some = {"scheduled_at", "-scheduled_at", "birth_date", "-birth_date"}
    assert {sort for sort, keys in said.items() if any(keys)} == with_some
    assert all(keys[0] and not any(keys[1:]) for sort, keys in said.items() if sort in with_some)
