"""What a session is about to write, and the one place that says when a row last changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.base import Dated
from ehr_bridge.db.tables.registry import Order, ScheduledStep

_MOMENT = "moment_of_the_changes"


class WrittenAround(Exception):
    """A statement changes rows that must be changed one by one, through their session."""


def changed(row: object) -> set[str]:
    """The attributes of a row that are not written yet and have another value than in the database."""
    state = inspect(row)
    touched = set(state.mapper.attrs.keys()) - state.unmodified
    return {name for name in touched if state.attrs[name].history.has_changes()}


def keep_dates(database: Database, clock: Callable[[], datetime]) -> None:
    """From now on `updated_at` of every `Dated` row is the moment of the transaction that changed it.

    The clock is read in the writer's turn: of two transactions of a node, the one that a reader sees first has the
    earlier moment. Assigning `updated_at` counts as a change, for what is not in the row itself.
    """

    def stamp(session: Session, _flush: Any, _instances: Any) -> None:
        for row in _dated(session):
            row.updated_at = _moment(session, clock)

    event.listen(database.write_session, "before_flush", stamp)
    event.listen(database.write_session, "do_orm_execute", _refuse_many_at_once)


def _dated(session: Session) -> Iterator[Dated]:
    steps = {row.order_id for row in session.dirty if isinstance(row, ScheduledStep) and changed(row)}
    for order_id in steps:
        yield session.get_one(Order, order_id)
    for row in (*session.new, *session.dirty):
        if isinstance(row, Dated) and changed(row) - row.NOT_SHOWN:
            yield row


def _moment(session: Session, clock: Callable[[], datetime]) -> datetime:
    moment: datetime | None = session.info.get(_MOMENT)
    if moment is None:
        session.connection()  # the turn begins with the first statement
        moment = session.info[_MOMENT] = clock()
    return moment


def _refuse_many_at_once(state: ORMExecuteState) -> None:
    """An UPDATE is seen by no listener, so its rows would look unchanged."""
    if state.is_update and state.bind_mapper is not None and issubclass(state.bind_mapper.class_, Dated):
        raise WrittenAround(f"change {state.bind_mapper.class_.__name__} rows through their session, not by UPDATE")
