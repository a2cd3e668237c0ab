"""What writes and reads rows in a fraction of the time that a session's own way takes.

Rows that no listener has to see (`row_changes`, `facts`) are added by SQLAlchemy's Core. A statement that is asked
often stands at the top of its module, with parameters (`Among`), because to make one takes longer than to ask it.
Each statement is a way to PostgreSQL and back, so rows wait for one another (`LaterRows`): those that nobody reads
before their transaction ends (audit, events, a message) are written at its end, all others before the next statement,
which so finds them. What waits at the end is one statement on PostgreSQL; with it is asked what nobody needs to know
earlier (`ask_at_the_end`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    CTE,
    Boolean,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Row,
    Select,
    Table,
    bindparam,
    event,
    insert,
)
from sqlalchemy import CompoundSelect as Union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from ehr_bridge.db.tables.base import Base

type Question = Select[*tuple[Any, ...]] | Union[*tuple[Any, ...]]
type Then = Callable[[Sequence[Row[*tuple[Any, ...]]]], None]
_FIRST = "ehr_bridge_rows_for_the_next_statement"
"""Execution option of a connection, and of its session's `info`: what is written before its next statement."""
_WAITING = "rows_for_the_end"
_ASKED = "questions_for_the_end"
_WRITES_AT_THE_END = "writes_at_the_end"


def add_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, each with the same columns, at once. What the session has not written yet stays unwritten."""
    if rows:
        session.connection().execute(_insert(model), rows)


class Among(FunctionElement[bool]):
    """Whether a column has one of the values that are given by this name when the statement is asked.

    To PostgreSQL they are one array, so that the statement is the same however many there are, and stays prepared.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: Any, name: str) -> None:
        kind = column.expression.type
        listed, array = bindparam(name, type_=kind, expanding=True), bindparam(name, type_=ARRAY(kind))
        super().__init__(column.expression, listed, array)

    def self_group(self, against: Any = None) -> Self:
        """As it is: for a database without truth values SQLAlchemy would write `IN (…) = 1`, and SQLite reads the whole
        table for that."""
        return self


@compiles(Among)
def _in(element: Among, compiler: Any, **named: Any) -> str:
    column, listed, _ = element.clauses
    return f"{compiler.process(column, **named)} IN {compiler.process(listed, **named)}"


@compiles(Among, "postgresql")
def _any(element: Among, compiler: Any, **named: Any) -> str:
    column, _, array = element.clauses
    return f"{compiler.process(column, **named)} = ANY ({compiler.process(array, **named)})"


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements without the ORM."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _insert(model: type[Base]) -> Insert:
    return insert(table_of(model))


class LaterRows:
    """Rows of one table that a session writes later in its transaction, by this statement. Each kind is made once, at
    the top of a module; its parameters have names of their own (`named`)."""

    def __init__(self, model: type[Base], statement: Insert) -> None:
        self.table = table_of(model)
        self.statement = statement

    def named(self, name: str) -> str:
        """The parameter of this name; kinds that are written together share none."""
        return f"{self.table.name}_{name}"

    def add(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, each with all columns and parameters, when the transaction ends; at once in a session that is not
        one of `Database.write`."""
        if session.info.get(_WRITES_AT_THE_END):
            session.info.setdefault(_WAITING, {}).setdefault(self, []).extend(self._parameters(rows))
        else:
            session.connection().execute(self.statement, self._parameters(rows))

    def add_first(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same before the next statement of this transaction, or when it ends."""
        if not session.info.get(_WRITES_AT_THE_END):
            session.connection().execute(self.statement, self._parameters(rows))
            return
        first: Waiting | None = session.info.get(_FIRST)
        if first is None:
            first = session.info[_FIRST] = {}
            session.connection().execution_options(**{_FIRST: first})
        first.setdefault(self, []).extend(self._parameters(rows))

    def _parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{self.named(name): value for name, value in row.items()} for row in rows]


type Waiting = dict[LaterRows, list[dict[str, Any]]]


class ClosingRows(LaterRows):
    """Plain rows: all columns of a table."""

    def __init__(self, model: type[Base], **computed: ColumnElement[Any]) -> None:
        """Columns in `computed` are worked out by the database; they may use parameters of `named`."""
        table = table_of(model)
        super().__init__(model, insert(table))
        columns = {column.name: column.type for column in table.c if column.name not in computed}
        given = {name: bindparam(self.named(name), type_=kind) for name, kind in columns.items()}
        self.statement = self.statement.values(given | computed).inline()


def write_later(sessions: type[Session], engine: Engine) -> dict[str, Any]:
    """From now on sessions of this class, on this engine, write such rows; returns the `info` they need."""
    event.listen(sessions, "before_commit", write_now)
    for when in ("before_cursor_execute", "commit"):
        event.listen(engine, when, _write_first)
    return {_WRITES_AT_THE_END: True}


def _write_first(connection: Connection, *_: Any) -> None:
    first: Waiting | None = connection.get_execution_options().get(_FIRST)
    if first:
        rows = {**first}
        first.clear()
        _write(connection, rows)


def ask_at_the_end(session: Session, question: Question, values: Mapping[str, Any], then: Then) -> None:
    """Ask when the transaction ends, with what is written then; at once in a session that is not one of
    `Database.write`. `then` gets the rows. The question is made once, at the top of a module."""
    if session.info.get(_WRITES_AT_THE_END):
        session.info.setdefault(_ASKED, []).append((question, values, then))
    else:
        then(session.connection().execute(question, values).all())


def write_now(session: Session) -> None:
    """Write the rows that wait for the end of this transaction, and ask what is asked then."""
    first: Waiting = session.info.get(_FIRST, {})
    waiting: Waiting = {**first, **session.info.pop(_WAITING, {})}
    first.clear()
    asked: list[tuple[Question, Mapping[str, Any], Then]] = session.info.pop(_ASKED, [])
    if waiting and asked and _is_one_each(session.connection(), waiting):
        question, values, then = asked.pop()
        row = {name: value for rows in waiting.values() for name, value in rows[0].items()}
        then(session.connection().execute(_asked_with(question, _ordered(waiting)), {**row, **values}).all())
    elif waiting:
        _write(session.connection(), waiting)
    for question, values, then in asked:
        then(session.connection().execute(question, values).all())


def write_first(session: Session) -> None:
    """Write what waits for the next statement."""
    if session.info.get(_FIRST):
        _write_first(session.connection())


def _is_one_each(connection: Connection, waiting: Waiting) -> bool:
    """Whether they can be written by one statement."""
    return connection.dialect.name == "postgresql" and all(len(rows) == 1 for rows in waiting.values())


def _write(connection: Connection, waiting: Waiting) -> None:
    kinds = _ordered(waiting)
    if len(kinds) > 1 and _is_one_each(connection, waiting):
        row = {name: value for rows in waiting.values() for name, value in rows[0].items()}
        connection.execute(_together(kinds), row)
        return
    for kind in kinds:
        connection.execute(kind.statement, waiting[kind])


def _ordered(waiting: Waiting) -> tuple[LaterRows, ...]:
    """Rows before those that refer to them."""
    places = _places()
    return tuple(sorted(waiting, key=lambda kind: places[kind.table]))


@cache
def _places() -> dict[Table, int]:
    return {table: place for place, table in enumerate(Base.metadata.sorted_tables)}


@cache
def _together(kinds: tuple[LaterRows, ...]) -> Insert:
    """One row of each."""
    *first, last = kinds
    return last.statement.add_cte(*_ctes(first))


@cache
def _asked_with(question: Question, kinds: tuple[LaterRows, ...]) -> Question:
    """One row of each is written, and the question sees what was there before."""
    return question.add_cte(*_ctes(kinds))


def _ctes(kinds: Iterable[LaterRows]) -> Iterator[CTE]:
    return (kind.statement.cte(f"w_{number}") for number, kind in enumerate(kinds))
