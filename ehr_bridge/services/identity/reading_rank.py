"""How urgently a study waits for a report, as one number of its row by which the reading list is sorted."""

from __future__ import annotations

from collections.abc import Iterable

from ehr_bridge.db.states import OrderStatus

URGENCY = {"STAT": 0, "HIGH": 1, "LOW": 3}
ROUTINE = 2
"""Of every other priority, and of none."""
NO_ORDER = 4
"""Nobody has asked for it, or not any more: after everything that somebody waits for."""


def rank_of_order(status: OrderStatus, priority: str | None) -> int | None:
    """None: it is reported."""
    if status is OrderStatus.REPORTED:
        return None
    return NO_ORDER if status is OrderStatus.CANCELLED else URGENCY.get((priority or "").upper(), ROUTINE)


def rank_of_study(of_orders: Iterable[int | None]) -> int | None:
    """Of a study without a signed report of its own, by the ranks of the orders that it answers. None: all that were
    asked for are reported."""
    ranks = set(of_orders)
    if waiting := {rank for rank in ranks if rank is not None and rank < NO_ORDER}:
        return min(waiting)
    return None if None in ranks else NO_ORDER
