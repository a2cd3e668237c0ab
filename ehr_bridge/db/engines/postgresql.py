"""PostgreSQL, with few round trips: one takes as long as our own work for a statement, to another machine longer.

* A connection from the pool is not asked whether it is alive: its socket says if the server has closed it. Only one
  that was not used for a while is asked.
* Those that read are in autocommit: each statement sees what is committed when it begins, as in a transaction of the
  level READ COMMITTED, and there is no BEGIN and no ROLLBACK. After a ROLLBACK psycopg also forgets every statement
  that it has prepared. The server refuses a change by them.
* Those that write take the writer's turn together with BEGIN.
"""

from __future__ import annotations

import select
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from ehr_bridge.db.engines.kinds import WRITE, Engines

WRITERS_TURN = 0x45485242  # "EHRB": the advisory lock that one writer at a time holds
TURN = f"SELECT pg_advisory_xact_lock({WRITERS_TURN})"
ASKED_AFTER_SECONDS = 10.0
"""A connection that nobody has used for so long is asked whether it is alive."""
_USED_AT = "ehr_bridge_used_at"


def postgresql_engines(url: str) -> Engines:
    plain, writing = _engine(url), _engine(url, isolation_level="AUTOCOMMIT")  # we say BEGIN ourselves
    event.listen(writing, "begin", _begin)
    reading = _engine(url, "-c default_transaction_read_only=on", isolation_level="AUTOCOMMIT")
    writes = {WRITE: True}
    return Engines(plain, reading, writing.execution_options(**writes), plain.execution_options(**writes))


def _engine(url: str, setting: str = "", isolation_level: Any = None) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_timeout=5,
        hide_parameters=True,
        isolation_level=isolation_level,
        use_native_hstore=False,
        connect_args={"connect_timeout": 3, "tcp_user_timeout": 5000, "options": f"-c lock_timeout=10s {setting}"},
    )
    event.listen(engine, "checkout", partial(_require_alive, engine))
    event.listen(engine, "checkin", _note_use)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN; {TURN}")


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED_AT] = monotonic()


def _require_alive(engine: Engine, connection: Any, record: Any, _proxy: Any) -> None:
    """Raises InvalidatePoolError for a connection that is not; then the pool makes another."""
    used_at = record.info.get(_USED_AT)
    if used_at is None:
        return  # it is new
    if monotonic() - used_at < ASKED_AFTER_SECONDS and not _has_news(connection):
        return
    try:
        engine.dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError("the server has closed the connection") from error


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has sent something to a connection that waits for nothing: a notice, or that it ends."""
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, psycopg.Error):
        return True
