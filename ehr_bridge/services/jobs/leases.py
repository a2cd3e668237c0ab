"""Leases on rows with `node` and `leased_until`: a node works on a row until then, or says that it ends.

A node that is killed keeps its lease for a minute at most, and takes it up again at once when it is back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, or_, update

from ehr_bridge.db.database import Database

LEASE = timedelta(seconds=60)
RENEWED = timedelta(seconds=40)
"""A lease with this time or less left is renewed."""


def free_for(table: Any, node: str, now: datetime) -> ColumnElement[bool]:
    """Condition for rows that this node may work on: its own, and those that no other has just now."""
    return or_(table.node == node, table.leased_until.is_(None), table.leased_until < now)


def is_free_for(row: Any, node: str, now: datetime) -> bool:
    """Like `free_for`, for a loaded row."""
    return row.node == node or row.leased_until is None or row.leased_until < now


def take_lease(database: Database, table: Any, key: object, node: str, now: datetime) -> bool:
    """Whether this node works on the row from now on; nothing is written where its lease has long to go."""
    with database.read() as session:
        row = session.get_one(table, key)
    if row.node == node and row.leased_until is not None and row.leased_until > now + RENEWED:
        return True
    mine = update(table).where(table.id == key, free_for(table, node, now))
    with database.write() as session:
        result = cast(CursorResult[Any], session.execute(mine.values(node=node, leased_until=now + LEASE)))
    return result.rowcount > 0
