"""The state of the installation: used space, waiting work, and what needs attention.

Counts and ids only, each from an index or from memory, because a page may ask every few seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Select, TextClause, exists, func, select, text, union_all
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.logs import ORTHANC_CHANGES, Cursor
from ehr_bridge.db.tables.modifications import IS_NOT_WHOLE, IS_UNDER_WAY, IS_WAITING, Modification
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.holdings import Holdings, Usage
from ehr_bridge.services.audit.refusals import Refusals
from ehr_bridge.services.backups.state import BackupState, backups_now
from ehr_bridge.services.delivery.deliveries import Deliveries
from ehr_bridge.services.fixity.state import Fixity, look_at_fixity
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.interfaces.performed_listing import PerformedListing
from ehr_bridge.services.messages.listing import Messages
from ehr_bridge.services.modifying.attempts import STUCK
from ehr_bridge.services.nodes.register import KnownNode, Nodes
from ehr_bridge.services.system.forecast import Arrivals, Forecast
from ehr_bridge.services.system.measures import Machine, Queues, look_at_machine, look_at_queues
from ehr_bridge.services.system.probes import database_seconds
from ehr_bridge.services.system.restarts import Restarts, read_restarts
from ehr_bridge.services.uploads.quarantined import count_waiting
from ehr_bridge.storage.files import Disk, ObjectState

RECENT = timedelta(days=1)
LONG_WAIT = timedelta(minutes=5)
"""For files that should be in the object storage a moment after they came."""
MOST_JOBS = 20

ADVICE = {
    "storage_full": "Free space on the disks or enlarge them: images are refused until then, at every door.",
    "storage_low": "Free space on the disk for the images, or enlarge it: when it is full, nothing can be stored.",
    "objects_waiting": "Find out whether the object storage answers us: images wait on this server's disk for it.",
    "restarted": "Read in Orthanc's log what arrived just before it crashed, and keep the file that caused it.",
    "files_damaged": "Restore these files from a backup, or have the images sent again; it is noticed within the hour.",
    "jobs_failed": "Open each study and find the reason in its history; then request the job again, or undo it.",
    "jobs_stuck": (
        "Try each job again, or give it up, which restores its files; one that waits for another node continues when "
        "that node runs."
    ),
    "quarantined": "Open the Quarantine page, and give each file to its patient or discard it.",
    "uploads_incomplete": "Open the incomplete uploads, and have the missing images sent again.",
    "steps_without_order": (
        "Link the study of each step on the Reconciliation page, or say that nothing more will come of the step."
    ),
    "images_missing": (
        "Have the modality send the missing images again, or say that nothing more will come of the step."
    ),
    "steps_not_ended": (
        "Find out whether the modality is still at it; if not, say that nothing more will come of the step."
    ),
    "messages_refused": "Open the Interfaces page, and find out with those who run the source why.",
    "sources_silent": "Find out whether the source and the connection to it work: it has sent nothing for too long.",
    "deliveries_stuck": "Open the Destinations page: see why it cannot be reached, or decide about what it refuses.",
    "node_lost": (
        "Find out why this node ended without a word, and start it again; what it had begun, another node finishes."
    ),
    "clock_wrong": (
        "Set the clock of this node, or of the database's machine, by a time server (NTP): leases and tokens are "
        "judged by it."
    ),
    "secret_differs": (
        "This node or the one that runs longest has a wrong EHR_BRIDGE_JWT_SECRET: compare both with the EHR's, and "
        "restart the wrong one with that; until then, each refuses who signed in at the other."
    ),
    "folder_not_shared": (
        "Mount the folder of the images that the other nodes have on this node and restart it: what one of them "
        "stores, the other cannot show."
    ),
    "md5_not_made": (
        "Set EHR_BRIDGE_STORAGE_MD5=1 on this node and restart it: another node makes MD5s, and one with Orthanc 1.13 "
        "shows no image that came without; its next start completes them."
    ),
    "backup_old": "Read backup.log for why no backup was made: the repository, its disk, or a server that was off.",
    "backup_failed": "Read backup.log: it says what prevented the last backup, or that the repository is damaged.",
    "refused_often": "Find out in the audit trail who is refused: a program that is configured wrongly, or an attack.",
}
"""What needs attention, and what to do about it; docs/api.md shows this table."""


@dataclass(frozen=True, slots=True)
class FailedJob:
    """The latest job of a study, if it failed, left images unchanged, or is stuck."""

    id: uuid.UUID
    study_instance_uid: str
    kind: str
    status: str
    error_code: str | None
    finished_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Jobs:
    waiting: int
    running: int
    """Without those that are stuck."""
    failed: int
    stuck: int
    latest_failed: list[FailedJob]


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that needs attention; `code` is one of `ADVICE`."""

    code: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SystemState:
    """None means that a value could not be determined."""

    usage: Usage | None
    disk: Disk | None
    objects: ObjectState | None
    """None also where images are kept in a folder."""
    forecast: Forecast
    instances_to_record: int
    """Stored through this node and not recorded yet."""
    changes_to_check: int | None
    """Entries of the archive's log of changes that were not compared with the records yet."""
    jobs: Jobs
    uploads_under_way: int
    quarantined: int
    fixity: Fixity
    restarts: Restarts
    """Of this node; `recent` within the last day."""
    nodes: list[KnownNode]
    backups: BackupState
    attention: list[Attention]


class System:
    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        refusals: Refusals,
        clock: Callable[[], datetime],
        quarantine: QuarantineRecords,
        fixity_days: float,
        restarts_path: Path,
        messages: Messages,
        performed: PerformedListing,
        deliveries: Deliveries,
        nodes: Nodes,
        backups_scheduled: bool,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._refusals = refusals
        self._clock = clock
        self._quarantine = quarantine
        self._fixity_days = fixity_days
        self._restarts_path = restarts_path
        self._messages = messages
        self._performed = performed
        self._deliveries = deliveries
        self._nodes = nodes
        self._arrivals = Arrivals(database, clock)
        self._backups_scheduled = backups_scheduled

    def stuck_jobs(self) -> int:
        """How many jobs hold their study and need a person to continue."""
        with self._database.read() as session:
            return _stuck(session)

    def machine(self, storage: Path) -> Machine:
        return look_at_machine(self._database, storage)

    def queues(self) -> Queues:
        with self._database.read() as session:
            return look_at_queues(session, self._clock())

    def database_seconds(self) -> float:
        return database_seconds(self._database)

    def deaths(self) -> int:
        """How often Orthanc died on this node, as far back as the file goes."""
        return read_restarts(self._restarts_path, datetime.min.replace(tzinfo=UTC)).recent

    def look(self, archive: Holdings, handed_over: int) -> SystemState:
        """The present state; `handed_over` instances have not reached the recorder yet."""
        disk, objects = archive.space(), archive.objects()
        images_on = disk if objects is None else objects.disk
        self._quarantine.flush()
        with self._database.read() as session:
            jobs = _jobs(session)
            quarantined = count_waiting(session)
            backups = backups_now(session, is_scheduled=self._backups_scheduled, now=self._clock())
            fixity = look_at_fixity(session, self._fixity_days, self._clock())
            position = session.scalar(select(Cursor.position).where(Cursor.name == ORTHANC_CHANGES)) or 0
            under_way = _uploads(session, DicomUploadLog.under_way_since.is_not(None))
            incomplete = _uploads(
                session,
                DicomUploadLog.upload_status.in_(("partial", "failed")),
                DicomUploadLog.under_way_since.is_(None),
                DicomUploadLog.uploaded_at >= self._clock() - RECENT,
            )
        usage, last_change = _ask(archive)
        restarts = read_restarts(self._restarts_path, self._clock() - RECENT)
        latest = [
            each if each.file is not None else each._replace(file=archive.file_of(each.orthanc_instance_id))
            for each in fixity.latest
        ]
        steps, nodes = self._performed.waiting(), self._nodes.look()
        attention = [
            None if archive.has_room(0) else Attention("storage_full"),
            Attention("storage_low") if images_on and images_on.is_nearly_full else None,
            Attention("backup_old") if backups.is_old else None,
            Attention("backup_failed") if backups.has_failed else None,
            *(
                Attention(code, count) if count else None
                for code, count in (
                    ("objects_waiting", _late(objects, self._clock())),
                    ("restarted", restarts.recent),
                    ("files_damaged", fixity.damaged),
                    ("jobs_failed", jobs.failed),
                    ("jobs_stuck", jobs.stuck),
                    ("quarantined", quarantined),
                    ("uploads_incomplete", incomplete),
                    ("steps_without_order", steps.for_order),
                    ("images_missing", steps.for_images),
                    ("steps_not_ended", steps.for_end),
                    ("messages_refused", self._messages.count_refused(self._clock() - RECENT)),
                    ("sources_silent", sum(source.is_silent for source in self._messages.sources())),
                    ("deliveries_stuck", self._deliveries.in_trouble()),
                    *self._nodes.attention(nodes),
                    ("refused_often", self._refusals.alarms.loud()),
                )
            ),
        ]
        return SystemState(
            usage=usage,
            disk=disk,
            objects=objects,
            forecast=self._arrivals.forecast(usage, disk),
            instances_to_record=handed_over + self._recorder.waiting,
            changes_to_check=None if last_change is None else max(last_change - position, 0),
            jobs=jobs,
            uploads_under_way=under_way,
            quarantined=quarantined,
            fixity=fixity._replace(latest=latest),
            restarts=restarts,
            nodes=nodes,
            backups=backups,
            attention=[each for each in attention if each is not None],
        )


def _late(objects: ObjectState | None, now: datetime) -> int:
    """How many files wait for the object storage, if it is longer than it should be, or needs a person."""
    if objects is None:
        return 0
    is_late = objects.oldest_at is not None and objects.oldest_at < now - LONG_WAIT
    return max(objects.waiting, 1) if is_late or objects.error not in (None, "away") else 0


def _ask(archive: Holdings) -> tuple[Usage | None, int | None]:
    try:
        return archive.usage(), archive.last_change()
    except Unavailable:
        return None, None


def _jobs(session: Session) -> Jobs:
    def count(*conditions: str) -> int:
        query = select(func.count()).select_from(Modification)
        return session.scalar(query.where(*map(text, conditions))) or 0

    under_way, running = count(IS_UNDER_WAY), count(IS_UNDER_WAY, "status = 'running'")
    stuck = _stuck(session)
    not_whole = text(f"modifications.{IS_NOT_WHOLE}")
    failed = session.scalar(_last_word(select(func.count()).select_from(Modification), not_whole)) or 0
    # each by its partial index: together they would read the whole table
    marked = union_all(
        select(Modification.id).where(not_whole).correlate(None),
        select(Modification.id).where(text(IS_UNDER_WAY), STUCK).correlate(None),
    )
    latest = _last_word(
        select(
            Modification.id,
            Modification.study_instance_uid,
            Modification.kind,
            Modification.status,
            Modification.error_code,
            Modification.finished_at,
            Modification.failure,
        ),
        Modification.id.in_(marked),
    )
    rows = session.execute(latest.order_by(Modification.requested_at.desc()).limit(MOST_JOBS))
    waiting = count(IS_WAITING) + under_way - running
    return Jobs(waiting, running - stuck, failed, stuck, [FailedJob(*row) for row in rows])


def _stuck(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Modification).where(text(IS_UNDER_WAY), STUCK)) or 0


def _last_word[*Columns](query: Select[*Columns], condition: ColumnElement[bool] | TextClause) -> Select[*Columns]:
    """Such jobs that no later job on their study followed; of existing studies."""
    later = aliased(Modification)
    superseded = exists().where(later.study_id == Modification.study_id, later.requested_at > Modification.requested_at)
    query = query.join(Study, Study.id == Modification.study_id)
    return query.where(condition, ~superseded, Study.deleted_at.is_(None))


def _uploads(session: Session, *conditions: ColumnElement[bool]) -> int:
    """How many uploads have such entries. Counted here, because SQLite would read the whole log for DISTINCT."""
    return len(set(session.scalars(select(DicomUploadLog.upload_id).where(*conditions))))
