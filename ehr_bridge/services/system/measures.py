"""What a monitor asks besides the state: how much waits and since when, and how long database and disk take.

Each number of what waits is a look into an index that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNCERTAIN, BackupKind, DestinationKind
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.interfaces import IS_UNDER_WAY as IS_BEING_SENT
from ehr_bridge.db.tables.interfaces import Sending
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.db.tables.modifications import IS_UNDER_WAY, IS_WAITING, Modification
from ehr_bridge.db.tables.second_looks import SecondLook
from ehr_bridge.db.tables.studies import LISTED, Study
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.services.backups.measures import Runs, look_at_runs
from ehr_bridge.services.delivery.queue import depth_of
from ehr_bridge.services.system import probes


@dataclass(frozen=True, slots=True)
class Depth:
    """How many wait, and since when the first does."""

    waiting: int
    since: datetime | None

    def age(self, now: datetime) -> float:
        """Seconds for which the first has waited; 0 where none does."""
        return 0.0 if self.since is None else max((now - self.since).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Queues:
    studies: Mapping[str, Depth]
    """Without a certain link, by their status."""
    second_looks: Depth
    jobs: Depth
    sendings: Depth
    deliveries: Mapping[str, Depth]
    """By the kind of destination, all kinds."""
    backups: Mapping[BackupKind, Runs]
    viewer_tokens: int
    """That open studies now."""
    audit_events: int
    """Number of the newest event."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this process uses, and how its disk answers. None: it cannot be written."""

    resident_bytes: int
    open_files: int
    threads: int
    connections: int
    storage_seconds: float | None


def look_at_machine(database: Database, storage: Path) -> Machine:
    """Of this process and its disk; asks no database."""
    return Machine(
        resident_bytes=probes.resident_bytes(),
        open_files=probes.open_files(),
        threads=probes.threads(),
        connections=probes.connections_in_use(database),
        storage_seconds=probes.storage_seconds(storage),
    )


def look_at_queues(session: Session, now: datetime) -> Queues:
    """All of them at one time."""
    alive = ViewerToken.expires_at > now, ViewerToken.revoked_at.is_(None)
    waiting = _depth(session, Modification.requested_at, text(IS_WAITING))
    under_way = _depth(session, Modification.requested_at, text(IS_UNDER_WAY))
    return Queues(
        studies={
            status.value: _depth(session, Study.created_at, text(LISTED), Study.link_status == status)
            for status in UNCERTAIN
        },
        second_looks=_depth(session, SecondLook.asked_at),
        jobs=_together(waiting, under_way),
        sendings=_depth(session, Sending.requested_at, text(IS_BEING_SENT)),
        deliveries=_deliveries(session),
        backups=look_at_runs(session, now),
        viewer_tokens=session.scalar(select(func.count()).select_from(ViewerToken).where(*alive)) or 0,
        audit_events=session.scalar(select(func.max(AuditEvent.id))) or 0,
    )


def _depth(
    session: Session, moment: InstrumentedAttribute[datetime], *conditions: ColumnElement[bool] | object
) -> Depth:
    found = session.execute(select(func.count(), func.min(moment)).where(*conditions)).one()  # type: ignore[arg-type]
    return Depth(found[0], found[1])


def _deliveries(session: Session) -> dict[str, Depth]:
    found = {kind.value: Depth(0, None) for kind in DestinationKind}
    for key, kind in session.execute(select(Destination.id, Destination.kind)).all():
        found[kind] = _together(found[kind], Depth(*depth_of(session, key)))
    return found


def _together(one: Depth, other: Depth) -> Depth:
    first = min((since for since in (one.since, other.since) if since is not None), default=None)
    return Depth(one.waiting + other.waiting, first)
