"""Databases of PostgreSQL that one test after the other has, each of them as it was migrated.

To make a database, to learn its catalogue on each new connection and to drop it took PostgreSQL and us seventy
milliseconds, more than most tests take for themselves. So what a test leaves is deleted, and the connections it has
closed wait for the next test. A database that a test has altered, or filled with much, is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Protocol

import psycopg
import sqlalchemy
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import event

USES, ROWS = 60, 2_000
"""After so many tests, or so many rows to delete at once, a new database is the quicker one."""
SHAPE = """
SELECT (SELECT sum(hashtextextended(xmin::text, oid::bigint)) FROM pg_class WHERE oid >= 16384),
       (SELECT sum(hashtextextended(xmin::text, oid::bigint)) FROM pg_trigger WHERE oid >= 16384),
       (SELECT sum(hashtextextended(xmin::text, oid::bigint)) FROM pg_constraint WHERE oid >= 16384),
       (SELECT sum(hashtextextended(xmin::text, oid::bigint)) FROM pg_proc WHERE oid >= 16384),
       (SELECT sum(hashtextextended(xmin::text, attrelid::bigint * 2000 + attnum)) FROM pg_attribute
        WHERE attrelid >= 16384)"""
"""Differs as soon as anybody has altered a table, an index, a trigger, a constraint, a function or a column."""
STRANGERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL(%s)"""

type Connection = psycopg.Connection[Any]


class Cluster(Protocol):
    def new_database(self, template: str | None = None) -> str: ...

    def drop(self, url: str) -> None: ...


class Shelf:
    """Connections to one database that were closed; psycopg takes it for their pool."""

    close_returns = True

    def __init__(self) -> None:
        self._waiting: dict[str, list[Connection]] = defaultdict(list)
        self._kinds: dict[int, str] = {}

    def connect(self, options: dict[str, Any]) -> Connection:
        # `context` holds SQLAlchemy's adapters: another object for each engine, with the same in it.
        kind = repr(sorted(item for item in options.items() if item[0] != "context"))
        waiting = self._waiting[kind]
        while waiting:
            if _is_fit(connection := waiting.pop()):
                return connection
            self._throw_away(connection)
        connection = psycopg.connect(**options)
        setattr(connection, "_pool", self)  # noqa: B010  (as psycopg_pool does; it has no type)
        self._kinds[id(connection)] = kind
        return connection

    def putconn(self, connection: Connection) -> None:
        """Called by psycopg instead of closing: the connection as it was when it was new."""
        try:
            connection.rollback()
            connection.autocommit = True
            connection.execute("RESET ALL; SELECT pg_advisory_unlock_all()")
            connection.autocommit = False
        except psycopg.Error:
            self._throw_away(connection)
            return
        connection._notice_handlers.clear()
        self._waiting[self._kinds[id(connection)]].append(connection)

    def pids(self) -> list[int]:
        return [one.info.backend_pid for waiting in self._waiting.values() for one in waiting]

    def close(self) -> None:
        while self._waiting:
            for connection in self._waiting.popitem()[1]:
                self._throw_away(connection)

    def _throw_away(self, connection: Connection) -> None:
        self._kinds.pop(id(connection), None)
        setattr(connection, "_pool", None)  # noqa: B010
        connection.close()


def _is_fit(connection: Connection) -> bool:
    if connection.pgconn.status != ConnStatus.OK or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.Error:
        return False
    return True


class _Used:
    """A database that tests use one after the other."""

    def __init__(self, url: str) -> None:
        self.url, self.shelf, self.uses = url, Shelf(), 0
        self._conninfo = sqlalchemy.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._own: Connection = psycopg.connect(self._conninfo, autocommit=True)
        named = self._own.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        self._tables = [name for (name,) in named]
        one = SQL("SELECT {name} AS name WHERE EXISTS (SELECT FROM {table})")
        self._filled = SQL(" UNION ALL ").join(one.format(name=name, table=Identifier(name)) for name in self._tables)
        self._at_first = {name: self._rows(name) for name in self._with_rows()}
        self._shape = self._own.execute(SHAPE).fetchone()

    def is_new_again(self) -> bool:
        """Whether the next test finds what the first one found. Not if the test has ended our connection, too."""
        self.uses += 1
        try:
            return self.uses < USES and self._is_emptied()
        except psycopg.OperationalError:
            return False

    def _is_emptied(self) -> bool:
        self._own.execute(STRANGERS, ([self._own.info.backend_pid, *self.shelf.pids()],))
        if self._own.execute(SHAPE).fetchone() != self._shape:
            return False
        changed = [name for name in self._with_rows() | set(self._at_first) if self._is_changed(name)]
        if not changed:
            return True
        with self._own.transaction():
            self._own.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
            deleted = sum(self._own.execute(_delete(name)).rowcount for name in changed)
            for name in set(changed) & set(self._at_first):
                for row in self._at_first[name]:
                    self._own.execute(_insert(name, len(row)), row)
        return deleted < ROWS

    def close(self) -> None:
        self.shelf.close()
        self._own.close()

    def _with_rows(self) -> set[str]:
        return {name for (name,) in self._own.execute(self._filled).fetchall()}

    def _is_changed(self, name: str) -> bool:
        return name not in self._at_first or self._rows(name) != self._at_first[name]

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return self._own.execute(SQL("SELECT * FROM {}").format(Identifier(name))).fetchall()


def _delete(name: str) -> Composed:
    return SQL("DELETE FROM {}").format(Identifier(name))


def _insert(name: str, width: int) -> Composed:
    return SQL("INSERT INTO {} VALUES ({})").format(Identifier(name), SQL(", ").join([SQL("%s")] * width))


_shelves: dict[str, Shelf] = {}


class RecycledDatabases:
    """Lends migrated databases."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster, self._template = cluster, template
        self._free: list[_Used] = []
        self._lent: dict[str, _Used] = {}

    def lend(self) -> str:
        """The URL of a migrated database that nobody else uses."""
        used = self._free.pop() if self._free else _Used(self._cluster.new_database(self._template))
        self._lent[used.url] = used
        _shelves[used.url] = used.shelf
        return used.url

    def take_back(self, url: str) -> None:
        """Whoever is still connected is no longer."""
        used = self._lent.pop(url)
        del _shelves[url]
        if used.is_new_again():
            self._free.append(used)
        else:
            used.close()
            self._cluster.drop(url)

    def close(self) -> None:
        for used in (*self._free, *self._lent.values()):
            used.close()


def keep_connections(engine: sqlalchemy.Engine) -> None:
    """The engine's connections come from the shelf of its database, if that is a lent one."""
    if (shelf := _shelves.get(engine.url.render_as_string(hide_password=False))) is None:
        return

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> Connection:
        return shelf.connect(options)
