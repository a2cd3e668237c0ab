"""One page of a longer list, by its number of rows to skip or by the row it begins after."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.errors import InvalidInput

type Position = tuple[str | None, ...]
"""Where a row stands in a sorted list: its values of the list's keys, as text."""


@dataclass(frozen=True, slots=True)
class Page[T]:
    items: list[T]
    total: int
    limit: int
    offset: int
    last: Position | None = None
    """Where the last row stands, if more follow and the list can go on from there."""

    def of[U](self, items: list[U]) -> Page[U]:
        """The same page with these items for its own."""
        return Page(items, self.total, self.limit, self.offset, self.last)


@dataclass(frozen=True, slots=True)
class Key:
    """One of the values by which a list is sorted; the last key of a list is unique."""

    column: ColumnElement[Any]
    read: Callable[[str], Any] = str
    descending: bool = False
    """The largest first."""

    @property
    def may_be_null(self) -> bool:
        """Whether rows may have no value; they come last."""
        return bool(getattr(self.column, "nullable", False))

    @property
    def order(self) -> ColumnElement[Any]:
        """NULLS LAST only where there may be some: PostgreSQL reads no index backwards that has them first."""
        order = self.column.desc() if self.descending else self.column.asc()
        return order.nulls_last() if self.may_be_null else order

    def beyond(self, text: str | None, then: ColumnElement[bool] | None) -> ColumnElement[bool]:
        """Whether a row comes after this value, or has the same and comes after by the keys that follow."""
        if text is None:
            same: ColumnElement[bool] = self.column.is_(None)
            return same if then is None else and_(same, then)
        value: Any = self.read(text)
        after = self.column < value if self.descending else self.column > value
        if self.may_be_null:
            after = or_(after, self.column.is_(None))
        return after if then is None else or_(after, and_(self.column == value, then))


@dataclass(frozen=True, slots=True)
class Sorts:
    """The orders in which a list can be asked for, by name."""

    keys: Mapping[str, Key | tuple[Key, ...]]
    """What each name sorts by, ascending."""
    default: str
    """With - in front, descending."""
    last: Key
    """The key that decides between rows that are alike otherwise."""

    @property
    def allowed(self) -> list[str]:
        return [sign + name for name in self.keys for sign in ("", "-")]

    def chosen(self, sort: str | None) -> tuple[Key, ...]:
        """The keys of an order that was asked for; None is the usual one. Raises InvalidInput, with what is allowed."""
        wanted = sort or self.default
        keys = self.keys.get(wanted.removeprefix("-"))
        if keys is None:
            allowed = ", ".join(self.allowed)
            raise InvalidInput("invalid_request", f"Sort by one of {allowed}.", (("sort", f"allowed: {allowed}"),))
        keys = keys if isinstance(keys, tuple) else (keys,)
        return tuple(replace(key, descending=wanted.startswith("-")) for key in (*keys, self.last))

    def order(self, sort: str | None) -> list[ColumnElement[Any]]:
        """The same for ORDER BY."""
        return [key.order for key in self.chosen(sort)]


def by_time(name: str, column: ColumnElement[Any], row_id: ColumnElement[Any]) -> Sorts:
    """A list that is sorted by one moment, usually the latest first."""
    return Sorts({name: Key(column, datetime.fromisoformat)}, f"-{name}", of_ids(row_id))


def in_period(column: ColumnElement[Any], since: Any, until: Any) -> list[ColumnElement[bool]]:
    """From `since` on, included, and before `until`; None is without end."""
    after = [] if since is None else [column >= since]
    return after if until is None else [*after, column < until]


def fetch_page[T](session: Session, query: Select[T], limit: int, offset: int) -> Page[T]:
    """One page of `query`; `total` counts the whole list in the same statement's view of the data."""
    total = _count(session, query)
    rows = session.scalars(query.limit(limit).offset(offset)).all()
    return Page(list(rows), total, limit, offset)


def fetch_sorted[T](
    session: Session, query: Select[T], keys: Sequence[Key], limit: int, offset: int, after: Position | None
) -> Page[T]:
    """Like `fetch_page`, of a list sorted by these keys; with `after`, the rows behind that position.

    Whoever goes on from `last` sees each row that is there all the time exactly once, whatever comes and goes
    meanwhile. Raises InvalidInput when `after` is no position of a list with these keys.
    """
    rows, last = rows_after(session, query, keys, limit, offset, after)
    return Page(rows, _count(session, query), limit, offset, last)


def rows_after(
    session: Session, query: Select[Any], keys: Sequence[Key], limit: int, offset: int, after: Position | None
) -> tuple[list[Any], Position | None]:
    """The rows of such a page, and the position of the last one if more follow."""
    ordered = sorted_by(query, keys)
    if after is not None:
        ordered = ordered.where(_beyond(keys, after))
    return first_of(session.execute(ordered.limit(limit + 1).offset(offset)).all(), limit)


def sorted_by(query: Select[Any], keys: Sequence[Key]) -> Select[Any]:
    """The query in the order of the keys, with their values in further columns."""
    return query.order_by(*(key.order for key in keys)).add_columns(*(key.column for key in keys))


def first_of(rows: Sequence[Row[Any]], limit: int) -> tuple[list[Any], Position | None]:
    """The first of the rows that such a query has found, and the position of the last one if more follow."""
    last = tuple(map(_text, rows[limit - 1][1:])) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], last


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def _beyond(keys: Sequence[Key], after: Position) -> ColumnElement[bool]:
    condition: ColumnElement[bool] | None = None
    try:
        for key, text in reversed(list(zip(keys, after, strict=True))):
            condition = key.beyond(text, condition)
    except ValueError:
        raise cursor_refused() from None
    assert condition is not None
    return condition


def cursor_refused() -> InvalidInput:
    """The refusal of a position that no list with these filters and this sort has given."""
    detail = (
        "This cursor is not from this list with these filters and this sort, or is from before an upgrade. Send the "
        "query that it came from unchanged, or begin without a cursor."
    )
    return InvalidInput("invalid_cursor", detail, (("cursor", "not the `next` of this query"),))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def of_ids(column: ColumnElement[Any], *, descending: bool = False) -> Key:
    """The last key of a list: the id of the row."""
    return Key(column, uuid.UUID, descending)
