"""Records what was stored: instances, links, the upload log, the audit trail.

The first instance of a study in an upload opens its entry: link, upload log and audit events in one durable
transaction, for which its sender waits. Every other instance is one row, handed over and written a moment later
together with others; if the process is killed before that, catch-up finds it in the archive's list of changes. Counts
are settled after that (`settle`), or by any reader. Recording an instance twice has the same result as once.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.instance_rows import InstanceRow, InstanceRows
from ehr_bridge.db.tables.uploads import DicomUploadSkip, Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.trail import append_all
from ehr_bridge.services.intake.entries import open_entry
from ehr_bridge.services.intake.late_coercion import coerce_late
from ehr_bridge.services.uploads.arrivals import Arrival, Delivery, FoundLater, InstanceOutcome, Judged
from ehr_bridge.services.uploads.failures import WaitingFailures, failure_of, note_failures
from ehr_bridge.services.uploads.settling import count_first, settle_entry, settle_studies
from ehr_bridge.services.uploads.under_way import UnderWay

LOGGER = logging.getLogger(__name__)
REMEMBERED_ENTRIES = 1024
DIGESTS = ("received_sha256", "stored_digest")

type EntryKey = tuple[uuid.UUID, uuid.UUID, str, int | None]


class Recorder:
    """The one writer of `instances` on a node."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], node: Callable[[], str | None] = lambda: None
    ) -> None:
        """`node` tells the name of this node."""
        self._database = database
        self._clock = clock
        self._rows = InstanceRows(database)
        self._queue: list[InstanceRow] = []
        self._queue_lock = threading.Lock()
        self._writing = threading.Lock()
        self._entries: OrderedDict[EntryKey, uuid.UUID] = OrderedDict()
        self._unsettled: set[uuid.UUID] = set()
        self._waiting = WaitingFailures()
        self.under_way = UnderWay(database, clock, node)

    def record(self, arrival: Arrival) -> None:
        """Record a stored instance. Returns when its entry in the upload log is durable. Raises Unavailable when the
        entry could not be written: the image is stored, and catch-up will record it."""
        if self.record_one_more(arrival):
            return
        with self._writing:  # a study's first instances arrive together: one opens the entry, the others find it
            if not self.record_one_more(arrival):
                self._open(arrival)

    def record_one_more(self, arrival: Arrival) -> bool:
        """Record an instance whose entry exists and that adds nothing but itself; False, and nothing recorded, for any
        other. Its `Stored.orthanc_study_id` may be unknown."""
        decision = arrival.judged.decision
        if decision.contradicts or decision.is_hidden or arrival.stored.is_duplicate:
            return False
        if isinstance(arrival, FoundLater) and arrival.is_unfinished:
            return False
        log_id = self._entries.get(_key(arrival.judged))
        if log_id is None:
            return False
        with self._queue_lock:
            self._queue.append(_row(arrival, log_id, self._clock()))
        return True

    def record_failures(self, delivery: Delivery, outcomes: Sequence[InstanceOutcome]) -> None:
        """Record files of an upload that could not be stored, in its entry; without one they wait for it in memory, and
        are dropped if none comes.

        If the database is away, only the record is lost: the sender gets each outcome.
        """
        failures = [failure_of(delivery, outcome) for outcome in outcomes]
        try:
            with self._writing:
                with self._database.write() as session:
                    left, studies = note_failures(session, failures)
                self._unsettled |= studies
        except Exception:
            LOGGER.exception("%d failed files of upload %s wait to be noted", len(failures), delivery.upload_id)
            left = failures
        self._waiting.add(left)

    def flush(self) -> int:
        """Write what was handed over; returns the number of instances. Raises Unavailable when the database is away;
        then everything stays handed over."""
        with self._writing:
            return self._write_queue()

    def settle(self) -> None:
        """Bring `instances`, and the counts of studies, orders and upload logs, up to date. Raises Unavailable when the
        database is away; then it is done later."""
        self.under_way.retry()
        if not self._queue and not self._writing.locked() and not self._unsettled:
            return  # checked in this order: what left the queue is being written, or waits to be settled
        with self._writing:
            self._write_queue()
            studies, self._unsettled = self._unsettled, set()
            if not studies:
                return
            try:
                with self._database.write() as session:
                    settle_studies(session, studies)
            except BaseException:
                self._unsettled |= studies
                raise

    @property
    def waiting(self) -> int:
        """How many instances are handed over and not written yet."""
        return len(self._queue)

    def close(self) -> None:
        """Write and settle what is left, if the database allows it, and release the connection."""
        try:
            self.settle()
        except Unavailable:
            LOGGER.warning("%d instances are left to the archive's list of changes", len(self._queue))
        self._rows.close()

    def _open(self, arrival: Arrival) -> None:
        """The entry, the instance and their counts in one transaction: a reader sees all of it or nothing."""
        now, judged, is_duplicate = self._clock(), arrival.judged, arrival.stored.is_duplicate
        waiting = self._waiting.of(judged.upload_id, judged.delivery.origin.actor)
        try:
            with self._database.write() as session:
                with session.no_autoflush:
                    study, log, events, is_unfinished = open_entry(session, arrival, now)
                    log_id = log.id
                    self.under_way.mark(log)
                    row = _row(arrival, log_id, now)
                    is_plain = not waiting and not is_duplicate
                    is_counted = is_plain and count_first(session, study, log, row)
                    is_behind = bool(waiting) or not study.is_settled or study.id in self._unsettled
                    append_all(session, judged.delivery.origin, events, now)
                if is_duplicate:
                    _add_duplicate(session, judged, row)
                else:
                    is_behind = is_behind or _is_in_another_entry(session, row)
                    self._rows.put(session.connection(), [row])
                if is_behind:
                    _, studies = note_failures(session, waiting)
                    settle_studies(session, studies | {study.id})
                elif not is_counted:
                    settle_entry(session, study.id, log)
                if is_unfinished or isinstance(arrival, FoundLater):
                    session.flush()
                    coerce_late(session, study, is_unfinished=is_unfinished, now=now)
        except Unavailable:
            raise
        except Exception as error:
            LOGGER.exception("the entry of instance %s could not be opened", arrival.stored.orthanc_instance_id)
            raise Unavailable("record_pending", "The image is stored; its record follows automatically.") from error
        self._waiting.forget(waiting)
        if is_behind:
            self._unsettled.discard(judged.decision.study_id)
        self._entries[_key(judged)] = log_id
        while len(self._entries) > REMEMBERED_ENTRIES:
            self._entries.popitem(last=False)

    def _write_queue(self) -> int:
        with self._queue_lock:
            batch, self._queue = self._queue, []
        if not batch:
            return 0
        try:
            self._write(batch)
        except IntegrityError:
            for row in batch:  # a row whose claim or entry is gone must not fail the others
                self._write_alone(row)
        except BaseException:
            with self._queue_lock:
                self._queue = batch + self._queue
            raise
        return len(batch)

    def _write(self, batch: list[InstanceRow]) -> None:
        studies = {row.study_id for row in batch}
        self._rows.add(batch, sorted(studies - self._unsettled))
        self._unsettled |= studies

    def _write_alone(self, row: InstanceRow) -> None:
        try:
            self._write([row])
        except IntegrityError:
            LOGGER.error("instance %s is left to the archive's list of changes", row.orthanc_instance_id)
            for key in [key for key, log_id in self._entries.items() if log_id == row.upload_log_id]:
                del self._entries[key]


def _key(judged: Judged) -> EntryKey:
    """Key of an entry of the upload log: study, upload, actor and announced total."""
    delivery = judged.delivery
    return (judged.upload_id, judged.decision.study_id, delivery.origin.actor, delivery.announced_files)


def _row(arrival: Arrival, log_id: uuid.UUID, now: datetime) -> InstanceRow:
    judged = arrival.judged
    header = judged.header
    return InstanceRow(
        orthanc_instance_id=arrival.stored.orthanc_instance_id,
        study_id=judged.decision.study_id,
        upload_log_id=log_id,
        file_name=judged.file_name,
        series_instance_uid=header.series_instance_uid,
        sop_instance_uid=header.sop_instance_uid,
        modality=header.modality[:16],
        size_bytes=judged.size_bytes,
        door=judged.delivery.door.value,
        received_at=now,
        received_sha256=judged.received_sha256,
        stored_digest=arrival.stored_digest,
        sop_class_uid=header.sop_class_uid[:64],
    )


def _is_in_another_entry(session: Session, row: InstanceRow) -> bool:
    """Whether an image was recorded before its own door did so: its row is about to move to that door's upload."""
    found = select(Instance.upload_log_id).where(Instance.orthanc_instance_id == row.orthanc_instance_id)
    return session.scalar(found) not in (None, row.upload_log_id)


def _add_duplicate(session: Session, judged: Judged, row: InstanceRow) -> None:
    """Record that an instance arrived again. Its row stands in for a missing one, and gives way to the owner's. It was
    compared with the stored file, so its digest can fill in an unknown one."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    known = {name: func.coalesce(getattr(Instance, name), getattr(row, name)) for name in DIGESTS}
    statement = dialect.insert(Instance).values(**row._asdict())
    session.execute(statement.on_conflict_do_update(index_elements=["orthanc_instance_id"], set_=known))
    skip = {
        "id": uuid.uuid4(),
        "upload_log_id": row.upload_log_id,
        "file_name": judged.file_name,
        "sop_instance_uid": judged.header.sop_instance_uid,
        "size_bytes": judged.size_bytes,
        "status": "duplicate",
        "error_code": None,
        "received_sha256": judged.received_sha256,
    }
    session.execute(insert(DicomUploadSkip), [skip])
