"""How often the database is asked while something is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from ehr_bridge.db.database import Database


def statements(database: Database, act: Callable[[], object]) -> list[str]:
    """Every statement of every connection, also the one that begins a transaction; not its end."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engines = database.engines.different
    for engine in engines:
        event.listen(engine, "after_cursor_execute", note)
    try:
        act()
    finally:
        for engine in engines:
            event.remove(engine, "after_cursor_execute", note)
    return asked
