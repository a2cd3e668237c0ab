"""Finds instances that were stored but not recorded, because a process was killed or the database was away.

Orthanc keeps a log of changes; a row in `cursors` says how far we have read it. Every new instance in it without a row
of ours is read back and recorded like a fresh arrival from the same sender. If it lacks its coercion, a job does that
(`ehr_bridge.services.intake.late_coercion`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest, has_open_request
from ehr_bridge.db.tables.logs import ORTHANC_CHANGES, Cursor
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.meters import CAUGHT_UP, INSTANCES
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.archive.own_documents import own_ids
from ehr_bridge.services.archive.rejected_images import REJECTED_IMAGE, is_at_work
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from plugin.storing.archive import OrthancArchive

LOGGER = logging.getLogger(__name__)
PAGE = 500
SECONDS = 5.0
"""Of one run: arrivals wait for the thread that catches up."""


class CatchUp:
    def __init__(
        self,
        database: Database,
        archive: OrthancArchive,
        intake: Intake,
        recorder: Recorder,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._archive = archive
        self._intake = intake
        self._recorder = recorder
        self._monotonic = monotonic
        self._horizon = 0

    def run(self) -> int:
        """Read the log up to where it ended at the last run, or for some seconds; the next run goes on from there.
        Returns how many instances had to be recorded.

        Newer instances may still be on their way to the recorder. Raises Unavailable when the database is away; then
        the cursor stays where it is.
        """
        self._intake.rejected.refresh()
        horizon, self._horizon = self._horizon, self._archive.last_change()
        found, since, until = 0, self._position(), self._monotonic() + SECONDS
        while since < horizon:
            page = self._archive.changes(since, PAGE)
            changes = [change for change in page["Changes"] if change["Seq"] <= horizon]
            recorded, stopped_at = self._record_missing(changes, until)
            found += recorded
            self._recorder.flush()
            since = stopped_at or (horizon if page["Done"] else min(page["Last"], horizon))
            self._advance(since)
            if since < horizon and self._monotonic() >= until:
                return found
        CAUGHT_UP.set_to_current_time()
        return found

    def _position(self) -> int:
        with self._database.read() as session:
            return session.scalar(select(Cursor.position).where(Cursor.name == ORTHANC_CHANGES)) or 0

    def _advance(self, position: int) -> None:
        with self._database.write() as session:
            cursor = session.get(Cursor, ORTHANC_CHANGES) or Cursor(name=ORTHANC_CHANGES)
            cursor.position = position
            session.add(cursor)

    def _record_missing(self, changes: list[dict[str, Any]], until: float) -> tuple[int, int | None]:
        """How many were recorded, and the last change that was looked at, if the time was over before all were."""
        ids = [change["ID"] for change in changes if change["ChangeType"] == "NewInstance"]
        if not ids:
            return 0, None
        # rows of a purged study stay; what the archive has of it was sent again
        purged = (
            select(DeletionRequest.study_id)
            .join(Study, Study.id == DeletionRequest.study_id)
            .where(DeletionRequest.status == DeletionStatus.PURGED, Study.deleted_at.is_not(None), ~has_open_request())
        )
        with self._database.read() as session:
            known = set(
                session.scalars(
                    select(Instance.orthanc_instance_id).where(
                        Instance.orthanc_instance_id.in_(ids), Instance.study_id.not_in(purged)
                    )
                )
            )
            known |= own_ids(session, ids)
        recorded = 0
        for change in changes:
            if change["ChangeType"] == "NewInstance" and change["ID"] not in known:
                recorded += self._record(change["ID"])
                if self._monotonic() >= until:
                    return recorded, change["Seq"]
        return recorded, None

    def _record(self, orthanc_instance_id: str) -> bool:
        try:
            data = self._archive.read(orthanc_instance_id)
            study = self._archive.parent_study(orthanc_instance_id)
            caller = self._archive.sender_of(orthanc_instance_id)
            judged = self._intake.judge(data, _delivery(caller), may_coerce=False)
        except LookupError:
            return False  # deleted since
        except RefusedInstance as refusal:
            if refusal.code == REJECTED_IMAGE:
                self._take_out(orthanc_instance_id, data, _delivery(caller))
                return False
            LOGGER.error("stored instance %s cannot be recorded: %s", orthanc_instance_id, refusal.code)
            return False
        stored = Stored(orthanc_instance_id, study, False)
        INSTANCES.add(judged.delivery.door.value, "found_later")
        self._recorder.record(self._intake.found_later(judged, stored, stored_digest(data), caller))
        return True

    def _take_out(self, orthanc_instance_id: str, data: bytes, delivery: Delivery) -> None:
        """A rejected image that the archive took in while nobody could be asked: as at the door, it is kept in
        quarantine, and nobody is shown it. Raises Unavailable when that cannot be done now."""
        with self._database.read() as session:
            if is_at_work(session, read_header(data).sop_instance_uid):
                raise Unavailable("modification_running", "A job works on the study of a rejected image.")
        self._intake.set_aside(data, REJECTED_IMAGE, delivery)
        self._archive.delete(orthanc_instance_id)
        LOGGER.warning("a rejected image was stored again; it is in quarantine: %s", orthanc_instance_id)


def _delivery(caller: str | None) -> Delivery:
    """As at the door; for other doors than C-STORE the archive does not know the sender."""
    if caller is None:
        return Delivery(None, Door.ARCHIVE, "modality", Origin("orthanc"))
    return Delivery(None, Door.C_STORE, "modality", Origin(f"ae:{caller}"))
