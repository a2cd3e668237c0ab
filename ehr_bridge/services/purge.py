"""The purge: what was approved and whose grace is over leaves the archive; our rows stay.

Three steps, each safe to repeat: mark the request as purging, delete in the archive, mark it as purged. A process that
is killed in between leaves `purging`, and whoever comes next begins again there.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.deletions import DeletionRequest
from ehr_bridge.db.models import Order, Study, StudyLink
from ehr_bridge.db.uploads import DicomUploadLog
from ehr_bridge.services.audit import OURSELVES
from ehr_bridge.services.claims import Claims
from ehr_bridge.services.deletion_steps import move, note, open_request
from ehr_bridge.services.hidden import HiddenStudies
from ehr_bridge.services.holds import hold_in_force
from ehr_bridge.services.thumbnails import Thumbnails

LOGGER = logging.getLogger(__name__)


class PurgeableArchive(Protocol):
    """The PACS, as far as the purge needs it."""

    def delete_study(self, study_instance_uid: str) -> int:
        """Delete everything of a study, however many Orthanc studies it is; answers how many those were."""


class Purge:
    def __init__(
        self,
        database: Database,
        hidden: HiddenStudies,
        claims: Claims,
        thumbnails: Thumbnails,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._thumbnails = thumbnails
        self._hidden = hidden
        self._claims = claims
        self._clock = clock

    def run(self, archive: PurgeableArchive) -> int:
        """Purge what is due, and what a killed process left half done; answers how many studies that was."""
        with self._database.read() as session:
            due = session.execute(
                select(DeletionRequest.id, DeletionRequest.study_instance_uid).where(
                    or_(
                        DeletionRequest.status == "purging",
                        and_(DeletionRequest.status == "approved", DeletionRequest.purge_after <= self._clock()),
                    )
                )
            ).all()
        return sum(self._purge(request_id, uid, archive) for request_id, uid in due)

    def _purge(self, request_id: uuid.UUID, study_instance_uid: str, archive: PurgeableArchive) -> bool:
        seen = self._begin(request_id)
        if seen is None:
            return False
        deleted = archive.delete_study(study_instance_uid)
        self._end(request_id, deleted, seen)
        self._claims.forget()
        self._thumbnails.forget(study_instance_uid)
        self._hidden.changed(study_instance_uid)
        LOGGER.warning("deletion %s: the study is purged", request_id)
        return True

    def _begin(self, request_id: uuid.UUID) -> int | None:
        """How many late instances the request knows of, marked as purging; None when it must not be purged now."""
        now = self._clock()
        with self._database.write() as session:
            request = session.get(DeletionRequest, request_id)
            assert request is not None
            if request.status == "approved":
                if request.purge_after is None or request.purge_after > now:
                    return None
                if hold_in_force(session, request.study_id) is not None:
                    return None
                move(request, "purging")
                note(session, "deletion.purging", request, OURSELVES, now)
            return request.late_instances if request.status == "purging" else None

    def _end(self, request_id: uuid.UUID, deleted: int, seen: int) -> None:
        now = self._clock()
        with self._database.write() as session:
            request = session.get(DeletionRequest, request_id)
            assert request is not None
            if request.status != "purging":
                return  # another node ended it
            move(request, "purged")
            request.purged_at = now
            study = request.study
            _end_links(session, study, now)
            log = update(DicomUploadLog).where(DicomUploadLog.study_instance_uid == study.study_instance_uid)
            session.execute(log.values(is_deleted=True))
            note(session, "deletion.purged", request, OURSELVES, now, orthanc_studies=deleted)
            if request.late_instances > seen:  # they may have come just after the archive let go of the study
                session.flush()
                reason = "A modality sent images of this study while it was being deleted."
                open_request(session, study, reason, OURSELVES, now)


def _end_links(session: Session, study: Study, now: datetime) -> None:
    """The study belongs to nobody any more; its order shows the next study it has, or none."""
    current = update(StudyLink).where(StudyLink.study_id == study.id, StudyLink.unlinked_at.is_(None))
    session.execute(current.values(unlinked_at=now))
    order = session.get(Order, study.order_id) if study.order_id else None
    study.patient_id = study.order_id = None
    study.link_status, study.is_contradicted = "unlinked", False
    study.updated_at = now
    if order is None or order.study_instance_uid != study.study_instance_uid:
        return
    other = session.scalar(
        select(Study)
        .where(Study.order_id == order.id, Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
        .where(Study.id != study.id)
        .order_by(Study.created_at, Study.id)
        .limit(1)
    )
    order.study_instance_uid = other.study_instance_uid if other else order.scheduled_study_instance_uid
    order.orthanc_study_id = other.orthanc_study_id if other else None
    order.number_of_series = other.number_of_series if other else None
    order.number_of_images = other.number_of_instances if other else None
    order.study_date = other.study_date if other else None
    order.study_time = other.study_time if other else None
    if other is None:
        order.uploaded_by_id = order.uploaded_at = order.upload_source = None
    order.updated_at = now
