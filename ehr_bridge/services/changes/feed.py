"""The events that other systems read to keep in step, in order; `db.facts` writes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.facts import NOTICE
from ehr_bridge.db.tables.logs import FeedEvent
from ehr_bridge.errors import NotFound
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, of_open

KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 20_000
_NEWEST = select(func.max(FeedEvent.seq)).scalar_subquery()
_ENDS = select(select(func.min(FeedEvent.seq)).scalar_subquery(), _NEWEST)
_TOLD = select(FeedEvent.seq, FeedEvent.id, FeedEvent.type, FeedEvent.time, FeedEvent.data)


@dataclass(frozen=True, slots=True)
class Told:
    """Some events in order, and the number to go on after."""

    items: list[Row[int, uuid.UUID, str, datetime, dict[str, Any]]]
    next: int


class Feed:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def after(self, seq: int, limit: int, closed: Closed = NOTHING) -> Told:
        """The events after that number that do not concern closed patients; after 0, all that are still kept. Notices,
        which name a person, are not among them.

        Raises NotFound `events_gone` when events after that number are no longer kept, or the number was never given.
        """
        with self._database.read() as session:
            oldest, newest = (number or 0 for number in session.execute(_ENDS).one())
            if seq > newest or 0 < seq < oldest - 1:
                raise _gone(seq > newest)
            if seq == newest:
                return Told([], newest)
            # events that are committed meanwhile come with the next question: `next` may not pass them by
            query = _TOLD.where(FeedEvent.seq > seq, FeedEvent.seq <= newest, FeedEvent.type != NOTICE)
            query = query.where(*of_open(FeedEvent, closed))
            items = list(session.execute(query.order_by(FeedEvent.seq).limit(limit)))
        return Told(items, items[-1].seq if len(items) == limit else newest)

    def forget_old(self) -> int:
        """Delete events older than `KEPT`, not too many at once; returns how many."""
        with self._database.read() as session:
            old = select(func.max(FeedEvent.seq)).where(FeedEvent.time < self._clock() - KEPT)
            last, (oldest, newest) = session.scalar(old), session.execute(_ENDS).one()
        if last is None:
            return 0
        last = min(last, newest - 1, oldest + FORGOTTEN_AT_ONCE - 1)
        if last < oldest:
            return 0
        with self._database.write() as session:
            return len(session.execute(delete(FeedEvent).where(FeedEvent.seq <= last).returning(FeedEvent.seq)).all())


def _gone(is_ahead: bool) -> NotFound:
    why = (
        "The feed has not come to this number yet, as after a restored backup"
        if is_ahead
        else "Events after this number are no longer kept"
    )
    return NotFound("events_gone", f"{why}: read patients, orders and studies again, and go on with after=0.")
