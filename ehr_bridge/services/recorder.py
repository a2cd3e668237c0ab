"""Writes down what was stored: instances, links, the upload log, the audit trail.

Threads that come at the same time share a transaction (group commit): the first writes for all who wait.
The first instance of a study in an upload opens its entry: link, upload log and audit event in one durable
transaction. The following ones add a row each; counts are settled shortly after (`settle`), or by anyone who reads.
Recording the same instance twice is recording it once.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import DicomUploadSkip, Instance, Study
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.arrivals import Arrival
from ehr_bridge.services.entries import open_entry
from ehr_bridge.services.settling import settle_studies

LOGGER = logging.getLogger(__name__)

type EntryKey = tuple[uuid.UUID, uuid.UUID, str]


class Recorder:
    """The one writer of `instances` on a node."""

    def __init__(self, database: Database, clock: Callable[[], datetime], entry_cache: int = 1024) -> None:
        self._database = database
        self._clock = clock
        self._queue: list[Arrival] = []
        self._queue_lock = threading.Lock()
        self._writing = threading.Lock()
        self._entries: OrderedDict[EntryKey, uuid.UUID] = OrderedDict()
        self._entry_cache = entry_cache
        self._unsettled: set[uuid.UUID] = set()

    def add(self, arrival: Arrival) -> None:
        """Hand over; returns at once. `commit` or the worker writes it."""
        with self._queue_lock:
            self._queue.append(arrival)

    def commit(self, arrival: Arrival) -> None:
        """Return when `arrival`, which was handed over, is written.

        Raises:
            Unavailable: the database is away (everything handed over stays in the queue), or this one could not be
                written; the archive's list of changes brings it back.
        """
        with self._writing:
            if not arrival.is_recorded and arrival.failure is None:
                self._write_queue()
        if arrival.failure is not None:
            raise Unavailable(
                "record_pending", "The image is stored; its record follows by itself."
            ) from arrival.failure

    def flush(self) -> int:
        """Write what was handed over; answers how many instances that was.

        Raises:
            Unavailable: as `commit`.
        """
        with self._writing:
            return self._write_queue()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def settle(self) -> None:
        """Bring the counts of studies, orders and upload logs up to date with the recorded instances."""
        with self._writing:
            studies, self._unsettled = self._unsettled, set()
            if not studies:
                return
            try:
                with self._database.write() as session:
                    settle_studies(session, studies, self._clock())
            except BaseException:
                self._unsettled |= studies
                raise

    def _write_queue(self) -> int:
        with self._queue_lock:
            batch, self._queue = self._queue, []
        try:
            self._write_all(batch)
        except Unavailable:
            with self._queue_lock:
                self._queue = [a for a in batch if not a.is_recorded and a.failure is None] + self._queue
            raise
        return len(batch)

    def _write_all(self, batch: list[Arrival]) -> None:
        """Write a batch together; if that fails for a reason of its own, each by itself, so that one bad record
        takes no other with it."""
        if not batch:
            return
        try:
            self._write(batch)
        except Unavailable:
            raise
        except Exception as error:
            if len(batch) > 1:
                for arrival in batch:
                    self._write_all([arrival])
                return
            batch[0].failure = error
            LOGGER.exception("instance %s could not be recorded", batch[0].orthanc_instance_id)
            return
        for arrival in batch:
            arrival.is_recorded = True

    def _write(self, batch: list[Arrival]) -> None:
        now = self._clock()
        new_entries: dict[EntryKey, Arrival] = {}
        for arrival in batch:
            if arrival.decision.contradicts or _key(arrival) not in self._entries:
                new_entries.setdefault(_key(arrival), arrival)
        studies = {arrival.decision.study_id for arrival in batch}
        transaction = self._database.write if new_entries else self._database.write_relaxed
        with transaction() as session:
            opened = {key: open_entry(session, arrival, now) for key, arrival in new_entries.items()}
            entries = ChainMap(opened, self._entries)
            _insert_instances(session, batch, entries, now)
            if fresh := studies - self._unsettled:
                session.execute(update(Study).where(Study.id.in_(fresh)).values(is_settled=False))
        self._unsettled |= studies
        self._entries.update(opened)
        while len(self._entries) > self._entry_cache:
            self._entries.popitem(last=False)


def _key(arrival: Arrival) -> EntryKey:
    """An entry of the upload log: one study of one upload by one actor."""
    return (arrival.delivery.upload_id, arrival.decision.study_id, arrival.delivery.origin.actor)


def _insert_instances(
    session: Session, batch: Iterable[Arrival], entries: Mapping[EntryKey, uuid.UUID], now: datetime
) -> None:
    rows, skips = [], []
    for arrival in batch:
        log_id = entries[_key(arrival)]
        if arrival.is_duplicate:
            skips.append(
                {
                    "id": uuid.uuid4(),
                    "upload_log_id": log_id,
                    "file_name": arrival.file_name,
                    "sop_instance_uid": arrival.header.sop_instance_uid,
                    "size_bytes": arrival.size_bytes,
                    "status": "duplicate",
                    "error_code": None,
                }
            )
        rows.append(
            {
                "orthanc_instance_id": arrival.orthanc_instance_id,
                "study_id": arrival.decision.study_id,
                "upload_log_id": log_id,
                "file_name": arrival.file_name,
                "series_instance_uid": arrival.header.series_instance_uid,
                "sop_instance_uid": arrival.header.sop_instance_uid,
                "modality": arrival.header.modality[:16],
                "size_bytes": arrival.size_bytes,
                "door": arrival.delivery.door.value,
                "received_at": now,
            }
        )
    dialect_insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(dialect_insert(Instance).on_conflict_do_nothing(), rows)
    if skips:
        session.execute(insert(DicomUploadSkip), skips)
