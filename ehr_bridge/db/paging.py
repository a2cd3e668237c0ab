"""One page of a longer list."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Page[T]:
    items: list[T]
    total: int
    limit: int
    offset: int


def fetch_page[T](session: Session, query: Select[T], limit: int, offset: int) -> Page[T]:
    """One page of `query`; `total` counts the whole list in the same statement's view of the data."""
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = session.scalars(query.limit(limit).offset(offset)).all()
    return Page(list(rows), total, limit, offset)
