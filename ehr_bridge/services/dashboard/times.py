"""How long examinations take, with percentiles; and the examinations behind each number, slowest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, func, select

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Key, Page, Sorts, of_ids
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.dashboard.days import Period, last_days
from ehr_bridge.services.dashboard.kept import Kept
from ehr_bridge.services.dashboard.milestones import LEGS, MILESTONES, Leg, has, milestones, minutes
from ehr_bridge.services.dashboard.percentiles import Spread, spread
from ehr_bridge.services.registry.order_search import PRIORITIES
from ehr_bridge.services.visibility.restrictions import Closed

UPPER = 90
KEPT = timedelta(seconds=10)
MOST_KEPT = 8
TAKEN, IMAGED = "time", "first_image"
SORTS = Sorts(
    {TAKEN: Key(Study.created_at.expression), IMAGED: Key(Study.created_at.expression)},
    f"-{TAKEN}",
    of_ids(Order.id.expression),
)
"""By the time of the leg, or by the first image."""
MOST_READ = 100_000
"""Examinations of a span that are measured, the latest; a site that makes a thousand a day has fewer in 90 days."""


@dataclass(frozen=True, slots=True)
class Examined:
    """The times of one examination in minutes, in the order of `LEGS`."""

    modality: str
    priority: str
    times: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class LegTimes:
    """How long one part of the way took."""

    leg: Leg
    all: Spread
    modalities: Sequence[tuple[str, Spread]]
    priorities: Sequence[tuple[str, Spread]]


@dataclass(frozen=True, slots=True)
class Turnaround:
    period: Period
    number: int
    """Of examinations whose first image came in the period, with an order."""
    is_cut: bool
    """There were more; the latest of them were measured."""
    modalities: Sequence[str]
    """Of the period, whichever was asked for."""
    legs: Sequence[LegTimes]


@dataclass(frozen=True, slots=True)
class Slow:
    """An examination behind a number."""

    order: Order
    start: datetime
    end: datetime
    minutes: float


class Times:
    def __init__(self, fresh: Fresh, clock: Callable[[], datetime], zone: tzinfo, is_sqlite: bool) -> None:
        self._fresh = fresh
        self._clock = clock
        self._zone = zone
        self._is_sqlite = is_sqlite
        self._kept = Kept[tuple[Period, frozenset[object]], list[Examined]](clock, MOST_KEPT)

    def look(self, days: int, modality: str | None, priority: str | None, closed: Closed) -> Turnaround:
        """Of the examinations of the last days, some seconds old at most."""
        period = last_days(self._clock(), self._zone, days)
        rows = self._rows(period, closed)
        seen = [one for one in rows if modality in (None, one.modality) and priority in (None, one.priority)]
        known = sorted({one.modality for one in rows})
        legs = [_leg_times(number, leg, seen) for number, leg in enumerate(LEGS)]
        return Turnaround(period, len(seen), len(rows) == MOST_READ, known, legs)

    def search(
        self,
        leg: Leg | None,
        days: int,
        modality: str | None,
        priority: str | None,
        closed: Closed,
        limit: int,
        offset: int,
        sort: str | None = None,
    ) -> Page[Slow]:
        """The examinations of which this time is known; without a leg all of them, by their first image. Raises
        InvalidInput when the list cannot be sorted like that."""
        (key, *_rest) = SORTS.chosen(sort)
        period = last_days(self._clock(), self._zone, days)
        rows = milestones(period.since, period.until, closed).subquery()
        wanted = [rows.c.modality == modality] if modality else []
        wanted += [rows.c.priority == priority] if priority else []
        wanted += [has(leg, rows)] if leg else []
        start, end = (rows.c[leg.start], rows.c[leg.end]) if leg else (rows.c.imaged, rows.c.imaged)
        by: ColumnElement[Any] = rows.c.imaged
        if leg and not (sort or "").endswith(IMAGED):
            by = self._taken(start, end)
        query = select(rows.c.order_id, start, end).where(*wanted)
        query = query.order_by(by.desc() if key.descending else by, rows.c.order_id)
        with self._fresh.read() as session:
            total = session.scalar(select(func.count()).select_from(rows).where(*wanted)) or 0
            found = session.execute(query.limit(limit).offset(offset)).all()
            ids = [row[0] for row in found]
            orders = {one.id: one for one in session.scalars(select(Order).where(Order.id.in_(ids)))}
        items = [
            Slow(orders[key], began, ended, (minutes(leg, began, ended) if leg else None) or 0.0)
            for key, began, ended in found
            if key in orders
        ]
        return Page(items, total, limit, offset)

    def forget(self) -> None:
        """Read again when asked next."""
        self._kept.forget()

    def _rows(self, period: Period, closed: Closed) -> Sequence[Examined]:
        key = (period, frozenset[object](closed.patients))
        return self._kept.get(key, KEPT, lambda: self._read(period, closed))

    def _read(self, period: Period, closed: Closed) -> list[Examined]:
        rows = milestones(period.since, period.until, closed).subquery()
        columns = [rows.c.modality, rows.c.priority, *(rows.c[name] for name in MILESTONES)]
        query = select(*columns).order_by(rows.c.imaged.desc()).limit(MOST_READ)
        with self._fresh.read() as session:
            return [_examined(row[0], row[1], row[2:]) for row in session.execute(query)]

    def _taken(self, start: ColumnElement[datetime], end: ColumnElement[datetime]) -> ColumnElement[Any]:
        """As something that both databases can sort by."""
        return func.julianday(end) - func.julianday(start) if self._is_sqlite else end - start


def _examined(modality: str, priority: str, moments: Iterable[datetime | None]) -> Examined:
    at = dict(zip(MILESTONES, moments, strict=True))
    return Examined(modality, priority, tuple(minutes(leg, at[leg.start], at[leg.end]) for leg in LEGS))


def _leg_times(number: int, leg: Leg, rows: Sequence[Examined]) -> LegTimes:
    measured = [(one, time) for one in rows if (time := one.times[number]) is not None]
    modalities: dict[str, list[float]] = {}
    priorities: dict[str, list[float]] = {}
    for one, time in measured:
        modalities.setdefault(one.modality, []).append(time)
        priorities.setdefault(one.priority, []).append(time)
    return LegTimes(
        leg,
        spread((time for _, time in measured), UPPER),
        [(name, spread(modalities[name], UPPER)) for name in sorted(modalities)],
        [(name, spread(priorities[name], UPPER)) for name in PRIORITIES if name in priorities],
    )
