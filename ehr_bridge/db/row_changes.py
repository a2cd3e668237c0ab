"""What a session is about to write, and the one place that says when a row last changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, make_transient_to_detached

from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import ClosingRows, table_of
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.base import Base, Dated
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep

_MOMENT = "moment_of_the_changes"
STEPS = "steps"
"""The attribute of an order that holds its steps."""
_NEW: dict[type[Base], ClosingRows] = {model: ClosingRows(model) for model in (Patient, Order, ScheduledStep)}


class WrittenAround(Exception):
    """A statement changes rows that must be changed one by one, through their session."""


def changed(row: object) -> set[str]:
    """The attributes of a row that are not written yet and have another value than in the database; of a new row, all
    that were set."""
    state = inspect(row)
    touched = set(state.mapper.attrs.keys()) - state.unmodified
    return touched if is_new(row) else {name for name in touched if state.attrs[name].history.has_changes()}


def is_new(row: object) -> bool:
    """Whether a row of a session is not in the database yet."""
    return bool(inspect(row).pending)


def keep_dates(database: Database, clock: Callable[[], datetime]) -> None:
    """From now on `updated_at` of every `Dated` row is the moment of the transaction that changed it.

    The clock is read in the writer's turn: of two transactions of a node, the one that a reader sees first has the
    earlier moment. `Order.completed_at` is kept here too. Assigning `updated_at` counts as a change, for what is not
    in the row itself.
    """

    def stamp(session: Session, _flush: Any, _instances: Any) -> None:
        for row, names in dated(session):
            if names - row.NOT_SHOWN:
                row.updated_at = moment(session, clock)
            if isinstance(row, Order) and "status" in names:
                _note_completion(row, moment(session, clock))

    event.listen(database.write_session, "before_flush", stamp)
    event.listen(database.write_session, "do_orm_execute", _refuse_many_at_once)


def _note_completion(order: Order, now: datetime) -> None:
    """When its images were complete; a report that comes later, or is withdrawn, leaves it as it is."""
    if order.status == OrderStatus.COMPLETED:
        order.completed_at = order.completed_at or order.quiet_since or now
    elif order.status in {OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS}:
        order.completed_at = None


def dated(session: Session) -> Iterator[tuple[Dated, set[str]]]:
    """The `Dated` rows that the session is about to write, each with the attributes that have changed; an order also
    if only a step of it has."""
    for row in (*session.new, *session.dirty):
        if isinstance(row, Dated) and (names := changed(row)):
            yield row, names
        elif isinstance(row, ScheduledStep) and not is_new(row) and changed(row):
            yield session.get_one(Order, row.order_id), {STEPS}


def moment(session: Session, clock: Callable[[], datetime]) -> datetime:
    """The one moment of all that a transaction changes."""
    at: datetime | None = session.info.get(_MOMENT)
    if at is None:
        session.connection()  # the turn begins with the first statement
        at = session.info[_MOMENT] = clock()
    return at


def _refuse_many_at_once(state: ORMExecuteState) -> None:
    """An INSERT or UPDATE is seen by no listener: its rows would look unchanged, and nobody would be told."""
    writes, mapper = state.is_insert or state.is_update, state.bind_mapper
    if writes and mapper is not None and issubclass(mapper.class_, Dated):
        raise WrittenAround(f"write {mapper.class_.__name__} rows through their session, not by a statement")


def write_new_rows_later(database: Database) -> None:
    """From now on new patients and orders, with their steps, wait for the next statement or the end of the transaction
    (`LaterRows`), instead of a flush of their own. After `keep_dates` and `tell_facts`, which see them as new."""

    def put_off(session: Session, _flush: Any, _instances: Any) -> None:
        for row in [row for row in session.new if isinstance(row, Patient | Order)]:
            _put_off(session, row)

    event.listen(database.write_session, "before_flush", put_off)


def _put_off(session: Session, row: Patient | Order) -> None:
    """To the session the row is as if it had been read."""
    rows: list[Base] = [row]
    if isinstance(row, Order):
        for step in row.steps:
            step.order_id = row.id
            rows.append(step)
    session.expunge(row)
    for one in rows:
        values, columns = vars(one), _columns(type(one))
        for name, default in columns:
            if values.get(name) is None:
                values[name] = default(None)
        _NEW[type(one)].add_first(session, [{name: values[name] for name, _ in columns}])
        make_transient_to_detached(one)
    session.add(row)


@cache
def _columns(model: type[Base]) -> tuple[tuple[str, Callable[[None], Any]], ...]:
    """Each column, and what makes its value where none was set."""
    return tuple((column.name, _default(column.default)) for column in table_of(model).c)


def _default(default: Any) -> Callable[[None], Any]:
    if default is not None and default.is_callable:
        made: Callable[[None], Any] = default.arg
        return made
    value = None if default is None else default.arg
    return lambda _: value
