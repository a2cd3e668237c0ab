"""The register of nodes: each says in its row that it lives, and reads there who else does.

Moments are the database's, so that a wrong clock of one node deceives nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from sqlalchemy import ColumnElement, delete, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import NodeState
from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.nodes.belonging import fits, folder_id, makes_md5, secret_marks
from ehr_bridge.services.nodes.naming import boot_of, home, keep_start, kept_start, new_start, node_name
from ehr_bridge.settings import Settings
from ehr_bridge.version import VERSION

if TYPE_CHECKING:
    from ehr_bridge.services.audit.trail import Origin

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
    """Another node has this name and is running. `may_be_gone` is when it was last seen, if it may be this node before
    its machine was started again: it is gone unless it is seen once more."""

    def __init__(self, said: str, may_be_gone: datetime | None = None) -> None:
        super().__init__(said)
        self.may_be_gone = may_be_gone


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
    has_other_secret: bool = False
    """It and the node that runs longest do not accept each other's tokens."""
    has_other_folder: bool = False
    """The folder that nodes share is another one than that of the node that runs longest."""
    lacks_md5: bool = False
    """Its Orthanc makes no MD5 of what it stores, while that of another node does, and may read nothing without."""

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
        self._has_company = False
        self._company_due = 0.0
        self._start: str | None = None
        self._folder: str | None = None
        self.is_taken = False
        """Another node has taken this one's name, because it was silent for long."""

    @property
    def beat_every(self) -> timedelta:
        return SLOW_BEAT if self._database.is_sqlite else BEAT

    @property
    def is_draining(self) -> bool:
        """Whether the launcher, or an administrator, has said that this node is to be sent nothing new."""
        return self._settings.draining_path.exists()

    def claim(self, gone_since: datetime | None = None) -> None:
        """Take this node's name before anything is served; also of the one that was last seen at `gone_since`. Raises
        NameTaken when a running node of another home, or on a copy of this machine, has it, OSError when the data
        directory cannot be written."""
        name, own, start = node_name(self._settings), home(self._settings), new_start()
        self._look_at_folder(is_start=True)
        with self._database.write() as session:
            now, ahead = self._time(session)
            holder = session.get(Node, name)
            if holder is not None and self._as_seen(holder, now, name).is_running:
                self._give_way(holder, own, start, now, gone_since)
            if holder is not None:
                session.delete(holder)
                session.flush()
            row = self._row(own, now, ahead, NodeState.STARTING) | {"start_id": start}
            row["shared_folder"] = self._folder or (holder.shared_folder if holder is not None else None)
            session.add(Node(name=name, **row, started_at=now))
            renamed = Node.home == own  # one server at a time runs there: what had another name is this one
            gone = or_(Node.last_seen_at < now - SHOWN_FOR, renamed & (Node.name != name))
            session.execute(delete(Node).where(gone, self._is_over(now)))
        keep_start(self._settings, start)
        self._start = start

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
        running = [row for row, one in zip(rows, seen, strict=True) if one.is_running]
        if running:
            measure = min(running, key=lambda row: (row.secret_marks is None, row.started_at))
            some = any(row.makes_md5 for row in running)
            seen = [_compared(one, row, measure, some_md5=some) for one, row in zip(seen, rows, strict=True)]
        return [one for one in seen if one.is_running or one.last_seen_at >= now - SHOWN_FOR]

    def others(self) -> set[str]:
        """The names of the other nodes that run."""
        return {one.name for one in self.look() if one.is_running and not one.is_this}

    def have_company(self) -> bool:
        """Whether another node may be storing images, as of the last second; also one that seems lost. One that starts
        takes its name some seconds before. Never on SQLite. True when the database is away."""
        if self._database.is_sqlite:
            return False
        if self._monotonic() >= self._company_due:
            others = select(Node.name).where(Node.name != node_name(self._settings), Node.state != NodeState.ENDED)
            try:
                with self._database.read() as session:
                    self._has_company = session.scalar(others.limit(1)) is not None
            except Unavailable:
                return True
            self._company_due = self._monotonic() + 1.0
        return self._has_company

    def attention(self, nodes: Sequence[KnownNode]) -> Iterator[tuple[str, int]]:
        """What needs somebody, with how many nodes it concerns."""
        yield "node_lost", sum(one.state is Seen.LOST for one in nodes)
        yield "clock_wrong", sum(one.has_wrong_clock for one in nodes)
        yield "secret_differs", sum(one.has_other_secret for one in nodes)
        yield "folder_not_shared", sum(one.has_other_folder for one in nodes)
        yield "md5_not_made", sum(one.lacks_md5 for one in nodes)

    def forget(self, name: str, origin: Origin) -> State | None:
        """Say that a node is gone and stays away, so that nobody is told any more that it is lost. Returns how it was;
        None, and nothing done, if there is none of this name. One that runs is left alone."""
        from ehr_bridge.services import audit  # a start reads this module, and waits for nothing that it does not need

        with self._database.write() as session:
            now, _ = self._time(session)
            row = session.get(Node, name)
            if row is None:
                return None
            seen = self._as_seen(row, now, None)
            if not seen.is_running:
                session.delete(row)
                detail = {"name": name, "at": seen.last_seen_at.isoformat()}
                audit.append(session, origin, audit.Event("node.forgotten", detail=detail), now)
            return seen.state

    def _give_way(self, holder: Node, own: str, start: str, now: datetime, gone_since: datetime | None) -> None:
        """Raises NameTaken, unless the holder is this node, which was killed."""
        seconds = max(round((now - holder.last_seen_at).total_seconds()), 0)
        free = f"its name is free {BEATS_MISSED * self.beat_every.total_seconds():.0f} s after it was last seen"
        if holder.home != own:
            raise NameTaken(
                f"a node named {holder.name} is running in {holder.home}, last seen {seconds} s ago. Set "
                f"EHR_BRIDGE_NODE to a name of its own for each node; if that one is dead, {free}"
            )
        boots = {boot_of(holder.start_id), boot_of(start)}
        is_gone = holder.last_seen_at == gone_since
        if not self._database.is_sqlite and "" not in boots and len(boots) > 1 and not is_gone:
            raise NameTaken(
                f"the node {holder.name} is running on a copy of this machine, last seen {seconds} s ago. Give this "
                f"one EHR_BRIDGE_NODE and a data directory of its own; if that one is dead, {free}",
                may_be_gone=holder.last_seen_at,
            )

    def _say(self, state: NodeState) -> None:
        name, own = node_name(self._settings), home(self._settings)
        if self._start is None:
            self._start = kept_start(self._settings)
        self._look_at_folder()
        with self._database.write_relaxed() as session:
            now, ahead = self._time(session)
            values = self._row(own, now, ahead, state) | {"start_id": self._start}
            if self._folder is None:  # what was known stays known: the folder may be away
                del values["shared_folder"]
            mine = update(Node).where(Node.name == name, Node.home == own, self._is_of_this_start(now))
            if session.scalar(mine.values(values).returning(Node.name)) is None:
                insert = (sqlite if self._database.is_sqlite else postgresql).insert(Node)
                added = insert.values(name=name, started_at=now, **values).on_conflict_do_nothing()
                if session.scalar(added.returning(Node.name)) is None:
                    self._lose_name(name)
                    return
        self.is_taken = False

    def _is_of_this_start(self, now: datetime) -> ColumnElement[bool]:
        """Or of one that is over: a restored database has the row of the day before."""
        if self._start is None:
            return true()
        return or_(Node.start_id == self._start, Node.start_id.is_(None), self._is_over(now))

    def _is_over(self, now: datetime) -> ColumnElement[bool]:
        return or_(Node.state == NodeState.ENDED, Node.last_seen_at < now - BEATS_MISSED * self.beat_every)

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
            "secret_marks": secret_marks(self._settings),
            "shared_folder": self._folder,
            "makes_md5": makes_md5(self._settings),
        }

    def _look_at_folder(self, *, is_start: bool = False) -> None:
        """Before a transaction, in which all other writers would wait for a file system that hangs."""
        if self._folder is None:
            self._folder = folder_id(self._settings.shared_path, is_start=is_start)

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


def _compared(one: KnownNode, row: Node, measure: Node, *, some_md5: bool) -> KnownNode:
    if not one.is_running:
        return one
    folders = {row.shared_folder, measure.shared_folder} - {None}
    return replace(
        one,
        has_other_secret=not fits(row.secret_marks, measure.secret_marks),
        has_other_folder=len(folders) > 1,
        lacks_md5=some_md5 and row.makes_md5 is False,
    )
