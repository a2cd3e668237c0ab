"""Records who views which study: one audit event per actor, study and viewing, not one per image.

The gate calls `note` for every read, which only updates memory. A chore writes new reads into `viewings` every moment,
so that a killed process loses no more than that, and turns a viewing into its audit event when it is over. A viewing
served by two nodes is one viewing; an instance read through both of them counts twice. The chore asks the database
which instances a whole study or series has.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.access import Viewing
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin

OVER_AFTER = timedelta(minutes=10)
"""A viewing without any reads for so long is over."""
MOST_AT_ONCE = 200
MOST_UNDER_WAY = 50_000


@dataclass(frozen=True, slots=True)
class Whole:
    """All instances of a series, or of the study when none is named, in one answer."""

    series_instance_uid: str | None = None


type _Key = tuple[str, str, str]
"""Actor, study, and the viewer token; empty for a user token."""


@dataclass(slots=True)
class _Reads:
    address: str
    started_at: datetime
    last_at: datetime
    requests: int = 0
    instances: set[str] = field(default_factory=set)
    """Read since the viewing began, through this node."""
    wholes: set[Whole] = field(default_factory=set)
    """Also read, and not looked up yet."""
    written: int = 0
    """How many of these are in the database already."""


class Viewings:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._reads: dict[_Key, _Reads] = {}
        self._flushing = threading.Lock()

    def note(self, caller: Caller, study_instance_uid: str, instance: str | Whole | None, address: str) -> None:
        """A caller reads an instance of a study, several at once, or only metadata. No database, no waiting."""
        token_id = caller.token_id if caller.token_id is not None and caller.token_id == caller.grant else ""
        key = (caller.subject, study_instance_uid, token_id)
        now = self._clock()
        with self._lock:
            reads = self._reads.get(key)
            if reads is None:
                if len(study_instance_uid) > 64 or len(self._reads) >= MOST_UNDER_WAY:
                    return  # no such study can be stored, or somebody requests thousands that do not exist
                reads = self._reads[key] = _Reads(address, now, now)
            reads.requests += 1
            reads.last_at = now
            if isinstance(instance, Whole):
                reads.wholes.add(instance)
            elif instance is not None:
                reads.instances.add(instance)

    def flush(self) -> None:
        """Write new reads, and the events of viewings that are over. Raises Unavailable when the database is away;
        nothing is lost, the next call writes it."""
        with self._flushing:
            self._look_up_wholes()
            new = self._new()
            if new:
                with self._database.write() as session:
                    uids = select(Study.study_instance_uid).where(
                        Study.study_instance_uid.in_({study for (_, study, _), *_ in new})
                    )
                    stored = set(session.scalars(uids))
                    for key, reads, requests, instances in new:
                        if key[1] in stored:
                            _write(session, key, reads, requests, instances)
                self._written(new)
            self._end_viewings()

    def _look_up_wholes(self) -> None:
        with self._lock:
            wholes = [(key[1], reads, whole) for key, reads in self._reads.items() for whole in reads.wholes]
        if not wholes:
            return
        with self._database.read() as session:
            found = [(reads, whole, set(session.scalars(_instances(uid, whole)))) for uid, reads, whole in wholes]
        with self._lock:
            for reads, whole, instances in found:
                reads.instances |= instances
                reads.wholes.discard(whole)

    def _new(self) -> list[tuple[_Key, _Reads, int, int]]:
        """What is not in the database yet, and how much of it."""
        with self._lock:
            return [
                (key, reads, reads.requests, len(reads.instances))
                for key, reads in self._reads.items()
                if reads.requests or len(reads.instances) > reads.written
            ][:MOST_AT_ONCE]

    def _written(self, new: list[tuple[_Key, _Reads, int, int]]) -> None:
        with self._lock:
            for _, reads, requests, instances in new:
                reads.requests -= requests
                reads.written = instances

    def _end_viewings(self) -> None:
        over = self._clock() - OVER_AFTER
        query = select(Viewing.id).where(Viewing.last_read_at < over).limit(MOST_AT_ONCE)
        with self._database.read() as session:
            is_any = session.scalar(query.limit(1)) is not None
        if is_any:
            with self._database.write() as session:
                for row in list(session.scalars(select(Viewing).where(Viewing.id.in_(query)))):
                    _end(session, row, self._clock())
        self._forget(over)

    def _forget(self, over: datetime) -> None:
        with self._lock:
            for key in [k for k, reads in self._reads.items() if not reads.requests and reads.last_at < over]:
                del self._reads[key]


def _instances(study_instance_uid: str, whole: Whole) -> Select[str]:
    query = select(Instance.sop_instance_uid).join(Study, Study.id == Instance.study_id)
    query = query.where(Study.study_instance_uid == study_instance_uid)
    if whole.series_instance_uid is not None:
        query = query.where(Instance.series_instance_uid == whole.series_instance_uid)
    return query


def _write(session: Session, key: _Key, reads: _Reads, requests: int, instances: int) -> None:
    actor, study, token_id = key
    query = select(Viewing).where(
        Viewing.actor == actor, Viewing.study_instance_uid == study, Viewing.token_id == token_id
    )
    row = session.scalar(query)
    if row is None:
        row = Viewing(
            actor=actor,
            study_instance_uid=study,
            token_id=token_id,
            address=reads.address,
            started_at=reads.started_at,
            last_read_at=reads.last_at,
            instances=0,
            requests=0,
        )
        session.add(row)
    row.last_read_at = max(row.last_read_at, reads.last_at)
    row.instances += instances - reads.written
    row.requests += requests
    if token_id:
        counted = update(ViewerToken).where(ViewerToken.id == uuid.UUID(token_id))
        session.execute(counted.values(requests=ViewerToken.requests + requests, last_used_at=reads.last_at))


def _end(session: Session, row: Viewing, now: datetime) -> None:
    study = session.scalar(select(Study).where(Study.study_instance_uid == row.study_instance_uid))
    detail: dict[str, object] = {
        "instances": row.instances,
        "requests": row.requests,
        "started_at": row.started_at.isoformat(timespec="seconds"),
        "seconds": int((row.last_read_at - row.started_at).total_seconds()),
    }
    if row.token_id:
        detail["token_id"] = row.token_id
    event = Event(
        "study.viewed",
        patient_id=study.patient_id if study else None,
        order_id=study.order_id if study else None,
        study_instance_uid=row.study_instance_uid,
        detail=detail,
    )
    audit.append(session, Origin(row.actor, row.address), event, now)
    session.delete(row)
