"""What writes and reads rows in a fraction of the time that a session's own way takes.

Rows that no listener has to see (`row_changes`, `facts`) are added by SQLAlchemy's Core. A statement that is asked
often stands at the top of its module, with parameters (`Among`), because to make one takes longer than to ask it.
Rows that nobody reads before their transaction ends (audit, events, a message) are written at its end (`ClosingRows`),
on PostgreSQL in one statement, because each statement is a way to the server and back; with them is asked what nobody
needs to know earlier (`ask_at_the_end`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, CTE, Boolean, ColumnElement, Insert, Row, Select, Table, bindparam, event, insert
from sqlalchemy import CompoundSelect as Union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from ehr_bridge.db.tables.base import Base

type Question = Select[*tuple[Any, ...]] | Union[*tuple[Any, ...]]
type Then = Callable[[Sequence[Row[*tuple[Any, ...]]]], None]
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


class ClosingRows:
    """The rows of one table. Each kind is made once, at the top of a module."""

    def __init__(self, model: type[Base], **computed: ColumnElement[Any]) -> None:
        """Columns in `computed` are worked out by the database; they may use parameters of `named`."""
        self._model = model
        columns = {column.name: column.type for column in table_of(model).c if column.name not in computed}
        given = {name: bindparam(self.named(name), type_=kind) for name, kind in columns.items()}
        self.statement = insert(table_of(model)).values(given | computed).inline()

    def named(self, name: str) -> str:
        """The parameter of this name; kinds that are written together share none."""
        return f"{self._model.__tablename__}_{name}"

    def add(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, each with all columns and parameters, when the transaction ends; at once in a session that is not
        one of `Database.write`."""
        named = [{self.named(name): value for name, value in row.items()} for row in rows]
        if not session.info.get(_WRITES_AT_THE_END):
            session.connection().execute(self.statement, named)
            return
        waiting: dict[ClosingRows, list[dict[str, Any]]] = session.info.setdefault(_WAITING, {})
        waiting.setdefault(self, []).extend(named)


def write_at_the_end(sessions: type[Session]) -> dict[str, Any]:
    """From now on sessions of this class write such rows before they are committed; returns the `info` they need."""
    event.listen(sessions, "before_commit", write_now)
    return {_WRITES_AT_THE_END: True}


def ask_at_the_end(session: Session, question: Question, values: Mapping[str, Any], then: Then) -> None:
    """Ask when the transaction ends, with what is written then; at once in a session that is not one of
    `Database.write`. `then` gets the rows. The question is made once, at the top of a module."""
    if session.info.get(_WRITES_AT_THE_END):
        session.info.setdefault(_ASKED, []).append((question, values, then))
    else:
        then(session.connection().execute(question, values).all())


def write_now(session: Session) -> None:
    """Write the rows that wait for the end of this transaction, and ask what is asked then."""
    waiting: dict[ClosingRows, list[dict[str, Any]]] = session.info.pop(_WAITING, {})
    asked: list[tuple[Question, Mapping[str, Any], Then]] = session.info.pop(_ASKED, [])
    if not waiting and not asked:
        return
    connection = session.connection()
    is_one_each = len(waiting) + len(asked) > 1 and all(len(rows) == 1 for rows in waiting.values())
    if waiting and is_one_each and connection.dialect.name == "postgresql":
        row = {name: value for rows in waiting.values() for name, value in rows[0].items()}
        if asked:
            question, values, then = asked.pop()
            then(connection.execute(_asked_with(question, tuple(waiting)), {**row, **values}).all())
        else:
            connection.execute(_together(tuple(waiting)), row)
    else:
        for kind, rows in waiting.items():
            connection.execute(kind.statement, rows)
    for question, values, then in asked:
        then(connection.execute(question, values).all())


@cache
def _together(kinds: tuple[ClosingRows, ...]) -> Insert:
    """One row of each."""
    *first, last = kinds
    return last.statement.add_cte(*_ctes(first))


@cache
def _asked_with(question: Question, kinds: tuple[ClosingRows, ...]) -> Question:
    """One row of each is written, and the question sees what was there before."""
    return question.add_cte(*_ctes(kinds))


def _ctes(kinds: Iterable[ClosingRows]) -> Iterator[CTE]:
    return (kind.statement.cte(f"w_{number}") for number, kind in enumerate(kinds))
