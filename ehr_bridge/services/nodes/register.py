"""The register of nodes: each says in its row that it lives, and reads there who else does.

Moments are the database's, so that a wrong clock of one node deceives nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import NodeState
from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.services.nodes.naming import home, node_name
from ehr_bridge.settings import Settings
from ehr_bridge.version import VERSION

LOGGER = logging.getLogger(__name__)
BEAT = timedelta(seconds=10)
SLOW_BEAT = timedelta(seconds=60)
"""On SQLite, where nobody but this node reads it."""
BEATS_MISSED = 3
"""After so many a node is lost, and its name is free."""
CLOCK_TOLERANCE = 2.0
"""Seconds by which clocks of nodes and database may differ; leases and tokens of a few seconds are judged by them."""
SHOWN_FOR = timedelta(days=1)
"""How long a node that has ended or is lost is listed."""


class NameTaken(Exception):
    """Another node has this name and is running."""


class Seen(StrEnum):
    """Said of a node that no longer says anything itself."""

    LOST = "lost"


type State = NodeState | Literal[Seen.LOST]


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node as its row shows it now."""

    name: str
    version: str
    schema_known: str
    state: State
    started_at: datetime
    last_seen_at: datetime
    clock_ahead_seconds: float
    is_this: bool

    @property
    def is_running(self) -> bool:
        return self.state not in (NodeState.ENDED, Seen.LOST)

    @property
    def has_wrong_clock(self) -> bool:
        return self.is_running and abs(self.clock_ahead_seconds) > CLOCK_TOLERANCE


class Nodes:
    """This node's row, and those of the others."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._state = NodeState.STARTING
        self._said: NodeState | None = None
        self._due = 0.0
        self.is_taken = False
        """Another node has taken this one's name, because it was silent for long."""

    @property
    def beat_every(self) -> timedelta:
        return SLOW_BEAT if self._database.is_sqlite else BEAT

    @property
    def is_draining(self) -> bool:
        """Whether the launcher, or an administrator, has said that this node is to be sent nothing new."""
        return self._settings.draining_path.exists()

    def claim(self) -> None:
        """Take this node's name before anything is served. Raises NameTaken when a running node of another home has it,
        OSError when the data directory cannot be written."""
        name, own = node_name(self._settings), home(self._settings)
        with self._database.write() as session:
            now, ahead = self._time(session)
            holder = session.get(Node, name)
            if holder is not None and holder.home != own and self._as_seen(holder, now, name).is_running:
                seconds = max(round((now - holder.last_seen_at).total_seconds()), 0)
                raise NameTaken(
                    f"a node named {name} is running in {holder.home}, last seen {seconds} s ago. Set EHR_BRIDGE_NODE "
                    "to a name of its own for each node; if that one is dead, its name is free "
                    f"{BEATS_MISSED * self.beat_every.total_seconds():.0f} s after it was last seen"
                )
            if holder is not None:
                session.delete(holder)
                session.flush()
            session.add(Node(name=name, **self._row(own, now, ahead, NodeState.STARTING), started_at=now))
            is_over = or_(Node.state == NodeState.ENDED, Node.last_seen_at < now - BEATS_MISSED * self.beat_every)
            session.execute(delete(Node).where(Node.last_seen_at < now - SHOWN_FOR, is_over))

    def begin(self) -> None:
        """From now on it serves; its next beat says so."""
        self._state = NodeState.SERVING

    def beat(self) -> None:
        """Say that it lives: at once when its state has changed, else when a beat is due."""
        state = self._state
        if state is NodeState.SERVING and self.is_draining:
            state = NodeState.DRAINING
        if state is self._said and self._monotonic() < self._due:
            return
        self._say(state)
        self._said, self._due = state, self._monotonic() + self.beat_every.total_seconds()

    def end(self) -> None:
        """Say that it has ended, and free its name."""
        self._state = NodeState.ENDED
        self._say(NodeState.ENDED)

    def look(self, *, marks_this: bool = True) -> list[KnownNode]:
        """All nodes, this one and others; those that are gone for a day. A command, which is no node, marks none."""
        with self._database.read() as session:
            now, _ = self._time(session)
            rows = session.scalars(select(Node).order_by(Node.name)).all()
        this = node_name(self._settings) if marks_this else None
        seen = [self._as_seen(row, now, this) for row in rows]
        return [one for one in seen if one.is_running or one.last_seen_at >= now - SHOWN_FOR]

    def attention(self, nodes: Sequence[KnownNode]) -> Iterator[tuple[str, int]]:
        """What needs somebody, with how many nodes it concerns."""
        yield "node_lost", sum(one.state is Seen.LOST for one in nodes)
        yield "clock_wrong", sum(one.has_wrong_clock for one in nodes)

    def _say(self, state: NodeState) -> None:
        name, own = node_name(self._settings), home(self._settings)
        with self._database.write_relaxed() as session:
            now, ahead = self._time(session)
            values = self._row(own, now, ahead, state)
            mine = update(Node).where(Node.name == name, Node.home == own).values(values).returning(Node.name)
            if session.scalar(mine) is None:
                insert = (sqlite if self._database.is_sqlite else postgresql).insert(Node)
                added = insert.values(name=name, started_at=now, **values).on_conflict_do_nothing()
                if session.scalar(added.returning(Node.name)) is None:
                    self._lose_name(name)
                    return
        self.is_taken = False

    def _lose_name(self, name: str) -> None:
        if not self.is_taken:
            LOGGER.error("another node has taken the name %s; set EHR_BRIDGE_NODE to another one and restart", name)
        self.is_taken = True

    def _row(self, own: str, now: datetime, ahead: float, state: NodeState) -> dict[str, object]:
        return {
            "home": own,
            "version": VERSION,
            "schema_known": migrate.newest(),
            "state": state,
            "last_seen_at": now,
            "clock_ahead_seconds": ahead,
        }

    def _time(self, session: Session) -> tuple[datetime, float]:
        """The database's time, and by how many seconds this node's clock is ahead of it. SQLite has this node's."""
        before = self._clock()
        if self._database.is_sqlite:
            return before, 0.0
        now = session.scalars(select(func.clock_timestamp())).one()
        after = self._clock()
        middle = before + (after - before) / 2
        return now, (middle - now).total_seconds()

    def _as_seen(self, row: Node, now: datetime, this: str | None) -> KnownNode:
        is_silent = row.last_seen_at < now - BEATS_MISSED * self.beat_every
        state: State = Seen.LOST if is_silent and row.state is not NodeState.ENDED else row.state
        return KnownNode(
            name=row.name,
            version=row.version,
            schema_known=row.schema_known,
            state=state,
            started_at=row.started_at,
            last_seen_at=row.last_seen_at,
            clock_ahead_seconds=round(row.clock_ahead_seconds, 3),
            is_this=row.name == this and row.home == home(self._settings),
        )
