"""One page of a search as FHIR asks for it, with or without the number of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Position, Sorts, rows_after
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.fhir.searching import Search
from ehr_bridge.services.studies.search import BEGINNING


def page_of(
    session: Session,
    query: Select[Any],
    search: Search,
    sorts: Sorts,
    after: Position | None,
    count: Callable[[], int],
) -> tuple[list[Any], Position | None, int | None]:
    """The rows, where the last of them stands if more follow, and how many there are if somebody wants to know that;
    `count` is asked where the page does not tell."""
    if search.is_count_only:
        return [], None, count()
    rows, last = rows_after(session, query, sorts.chosen(search.sort), search.count, 0, after)
    if search.total == "none":
        return rows, last, None
    is_all = after is None and last is None
    return rows, last, len(rows) if is_all else count()


def count_all(session: Session, query: Select[Any], search: Search) -> int:
    """A count of all studies names its narrow index; otherwise SQLite reads every row."""
    if search.resource.name == "ImagingStudy" and not search.criteria:
        query = query.where(Study.created_at >= BEGINNING)
    return session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
