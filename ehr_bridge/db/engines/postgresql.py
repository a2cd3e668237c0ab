"""PostgreSQL, with few round trips: one takes as long as our own work for a statement, to another machine longer.

* A connection from the pool is not asked whether it is alive: its socket says if the server has closed it. Only one
  that was not used for a while is asked.
* Those that read are in autocommit: each statement sees what is committed when it begins, as in a transaction of the
  level READ COMMITTED, and there is no BEGIN and no ROLLBACK. After a ROLLBACK psycopg also forgets every statement
  that it has prepared. The server refuses a change by them.
* Nothing is compiled (`jit`): that takes longer than almost every question of ours, and begins with a guess of its
  cost that grows with the archive.
* Those that write take the writer's turn together with BEGIN, and those of `asking` their first question with both.
"""

from __future__ import annotations

import select
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from ehr_bridge.db.engines.cursors import LeanCursor
from ehr_bridge.db.engines.kinds import WRITE, Engines

WRITERS_TURN = 0x45485242  # "EHRB": the advisory lock that one writer at a time holds
TURN = f"SELECT pg_advisory_xact_lock({WRITERS_TURN})"
_BEGIN = f"BEGIN; {TURN}"
SILENCE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""By when the server ends the connection of a machine without power, and with it the turn and the locks that it holds:
after a minute, instead of the two hours of most systems. Nothing is asked on a socket of this machine."""
ASKED_AFTER_SECONDS = 10.0
"""A connection that nobody has used for so long is asked whether it is alive."""
_USED_AT = "ehr_bridge_used_at"
_WITH_QUESTION = "ehr_bridge_turn_with_question"
_OWED = "ehr_bridge_turn_owed"


def postgresql_engines(url: str) -> Engines:
    plain, writing = _engine(url), _engine(url, isolation_level="AUTOCOMMIT")  # we say BEGIN ourselves
    event.listen(writing, "begin", _begin)
    event.listen(writing, "do_execute", _begin_and_execute)
    event.listen(writing, "do_executemany", _begin_before)
    reading = _engine(url, "-c default_transaction_read_only=on", isolation_level="AUTOCOMMIT")
    writes = {WRITE: True}
    writing = writing.execution_options(**writes)
    asking = writing.execution_options(**{_WITH_QUESTION: True})
    return Engines(plain, reading, writing, plain.execution_options(**writes), asking)


def _engine(url: str, setting: str = "", isolation_level: Any = None) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_timeout=5,
        hide_parameters=True,
        isolation_level=isolation_level,
        use_native_hstore=False,
        paramstyle="numeric_dollar",
        connect_args={
            "connect_timeout": 3,
            "tcp_user_timeout": 5000,
            "options": f"-c lock_timeout=10s -c jit=off {SILENCE} {setting}",
            "cursor_factory": LeanCursor,
        },
    )
    event.listen(engine, "connect", _use_numbers)
    event.listen(engine, "checkout", partial(_require_alive, engine))
    event.listen(engine, "checkin", _note_use)
    return engine


def _use_numbers(connection: Any, _record: Any) -> None:
    connection.server_cursor_factory = psycopg.RawServerCursor


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WITH_QUESTION):
        connection.info[_OWED] = True
    else:
        connection.exec_driver_sql(_BEGIN)


def _begin_and_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Sends what `_begin` still owes with the statement. Each of the three sees what is committed when its own turn to
    be executed comes. Who made the statement is told if any is refused, which BEGIN and the turn are only by a server
    that ends or by the time limit, and then nothing of it is done."""
    if not _is_owed(context):
        return False
    with cursor.connection.pipeline():
        cursor.connection.execute("BEGIN")
        cursor.connection.execute(TURN)
        cursor.execute(statement, parameters)
    return True


def _begin_before(cursor: Any, _statement: str, _parameters: Any, context: Any) -> None:
    if _is_owed(context):
        cursor.connection.execute(_BEGIN)


def _is_owed(context: Any) -> bool:
    connection = context.root_connection
    return bool(connection.get_execution_options().get(_WITH_QUESTION) and connection.info.pop(_OWED, False))


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
