"""Kept messages, for people: a list, one of them, which sources are silent; and how long they are kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import defer

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import MessageState
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.errors import NotFound
from ehr_bridge.hl7.sources import Source
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

KEPT = timedelta(days=30)
SORTS = by_time("received_at", ReceivedMessage.received_at.expression, ReceivedMessage.id.expression)
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class MessageFilters:
    """Which messages to list; None is any. `since` is inclusive, `until` exclusive."""

    state: MessageState | None = None
    source: str | None = None
    type: str | None = None
    control_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed: Closed = NOTHING
    """What the caller may not see."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """When a source was last heard."""

    name: str
    last_received_at: datetime | None
    silence_minutes: int | None
    is_silent: bool


class Messages:
    def __init__(self, database: Database, clock: Callable[[], datetime], sources: Sequence[Source]) -> None:
        self._database = database
        self._clock = clock
        self._sources = sources
        self._since = clock()

    def search(
        self, filters: MessageFilters, limit: int, offset: int, sort: str | None = None
    ) -> Page[ReceivedMessage]:
        """Messages without their bytes, latest first unless asked otherwise. Raises InvalidInput when the list cannot
        be sorted like that."""
        query = select(ReceivedMessage).where(*_conditions(filters))
        query = query.options(defer(ReceivedMessage.raw), defer(ReceivedMessage.ack), defer(ReceivedMessage.reading))
        query = query.order_by(*SORTS.order(sort))
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def get(self, message_id: uuid.UUID) -> ReceivedMessage:
        """Raises NotFound, or NotPermitted when the caller may not see its patient."""
        with self._database.read() as session:
            message = session.get(ReceivedMessage, message_id)
        if message is None:
            raise NotFound("message_not_found", "There is no such message, or it is no longer kept.")
        require_open(message.patient_id)
        return message

    def sources(self) -> list[SourceState]:
        """Each listed source, and whether it has been silent for longer than it may; after a start it has that long
        for its first message."""
        latest = select(func.max(ReceivedMessage.last_received_at))
        with self._database.read() as session:  # one by one, so that each is a look into the index
            heard = [session.scalar(latest.where(ReceivedMessage.source == source.name)) for source in self._sources]
        return [self._state(source, last) for source, last in zip(self._sources, heard, strict=True)]

    def nobody_is_silent(self) -> bool:
        return not any(source.is_silent for source in self.sources())

    def count_refused(self, since: datetime) -> int:
        """How many messages that came since then were refused, and not applied again."""
        refused = (ReceivedMessage.state == MessageState.REFUSED) & (ReceivedMessage.last_received_at >= since)
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(ReceivedMessage).where(refused)) or 0

    def forget_old(self) -> int:
        """Delete messages that came longer than `KEPT` ago, not too many at once; returns how many."""
        old = select(ReceivedMessage.id).where(ReceivedMessage.last_received_at < self._clock() - KEPT)
        old = old.where(ReceivedMessage.received_at < self._clock() - KEPT).limit(FORGOTTEN_AT_ONCE)
        with self._database.read() as session:
            ids = session.scalars(old).all()
        if not ids:
            return 0
        with self._database.write() as session:
            session.execute(delete(ReceivedMessage).where(ReceivedMessage.id.in_(ids)))
        return len(ids)

    def _state(self, source: Source, last: datetime | None) -> SourceState:
        minutes = source.silence_minutes
        since = max(last, self._since) if last is not None else self._since
        is_silent = minutes is not None and self._clock() - since > timedelta(minutes=minutes)
        return SourceState(source.name, last, minutes, is_silent)


def _conditions(filters: MessageFilters) -> list[ColumnElement[bool]]:
    row = ReceivedMessage
    pairs = ((row.state, filters.state), (row.source, filters.source), (row.control_id, filters.control_id))
    conditions: list[ColumnElement[bool]] = [column == value for column, value in pairs if value is not None]
    if filters.type is not None:
        conditions.append((row.type == filters.type) | row.type.startswith(f"{filters.type}^", autoescape=True))
    conditions += in_period(row.received_at.expression, filters.since, filters.until)
    return [*conditions, without(row.patient_id, filters.closed)]
