"""SQLite in WAL mode. Readers and writers share a pool; a connection to a file costs nothing to ask."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from ehr_bridge.db.engines.kinds import WRITE, Engines
from ehr_bridge.db.turns import Turns


def sqlite_engines(url: str, turns: Turns) -> Engines:
    plain = _engine(url, turns, "FULL")
    writes = {WRITE: True}
    relaxed = _engine(url, turns, "NORMAL").execution_options(**writes)
    writing = plain.execution_options(**writes)
    return Engines(plain, plain, writing, relaxed, writing)


def _engine(url: str, turns: Turns, synchronous: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 15, "check_same_thread": False}, hide_parameters=True)
    event.listen(engine, "connect", partial(_connected, synchronous))
    event.listen(engine, "begin", partial(_begin, turns))
    return engine


def _connected(synchronous: str, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(turns: Turns, connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITE):
        connection.exec_driver_sql("BEGIN")
        return
    with turns.waiting():
        connection.exec_driver_sql("BEGIN IMMEDIATE")
