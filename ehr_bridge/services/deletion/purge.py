"""The purge: approved deletions whose grace period is over leave the archive; our rows stay.

Three steps, each safe to repeat: mark the request as purging, delete in the archive, mark it as purged. If a process is
killed in between, the request stays `purging`, and its next run starts again there; or another node, a minute later.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeletionStatus, JobStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.services.accounts.revocations import revoke_viewer_tokens
from ehr_bridge.services.archive.own_documents import forget_documents
from ehr_bridge.services.archive.rejected_images import forget_rejections
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.backups.records import purges_wait
from ehr_bridge.services.deletion.holds import hold_in_force
from ehr_bridge.services.deletion.steps import move, note, open_request
from ehr_bridge.services.identity.study_index import index_study, unlist
from ehr_bridge.services.jobs.leases import LEASE, RENEWED, free_for, is_free_for
from ehr_bridge.services.linking.links import end_link
from ehr_bridge.services.studies.thumbnails import Thumbnails
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies

LOGGER = logging.getLogger(__name__)


class PurgeLost(Exception):
    """Another node purges the study by now, or has ended it: what is stored under its UID may have come since."""


class PurgeableArchive(Protocol):
    """The PACS, for the purge."""

    def delete_study(self, study_instance_uid: str, hold: Callable[[], None]) -> int:
        """Delete all of a study, from however many Orthanc studies; returns how many these were. `hold` is called
        before each step: it raises PurgeLost when nothing more is to be deleted."""


class Purge:
    def __init__(
        self,
        database: Database,
        hidden: HiddenStudies,
        thumbnails: Thumbnails,
        clock: Callable[[], datetime],
        node: Callable[[], str],
    ) -> None:
        """`node` is the name of this node in leases."""
        self._database = database
        self._thumbnails = thumbnails
        self._hidden = hidden
        self._clock = clock
        self._node = node

    def run(self, archive: PurgeableArchive) -> int:
        """Purge one study that is due or was interrupted, and that no other node purges; returns how many were, 1 or 0.
        There may be more: other chores, which close what nobody may see any more, do not wait for all of them."""
        now, node = self._clock(), self._node()
        with self._database.read() as session:
            due = session.execute(
                select(DeletionRequest.id, DeletionRequest.study_instance_uid).where(
                    free_for(DeletionRequest, node, now),
                    or_(
                        DeletionRequest.status == DeletionStatus.PURGING,
                        and_(
                            DeletionRequest.status == DeletionStatus.APPROVED,
                            DeletionRequest.purge_after <= now,
                        ),
                    ),
                )
            ).all()
        return int(any(self._purge(request_id, uid, archive) for request_id, uid in due))

    def _purge(self, request_id: uuid.UUID, study_instance_uid: str, archive: PurgeableArchive) -> bool:
        seen = self._begin(request_id)
        if seen is None:
            return False
        try:
            deleted = archive.delete_study(study_instance_uid, lambda: self._hold(request_id))
        except PurgeLost:
            LOGGER.warning("deletion %s: another node goes on with it", request_id)
            return False
        self._end(request_id, deleted, seen)
        self._thumbnails.forget(study_instance_uid)
        self._hidden.changed(study_instance_uid)
        LOGGER.warning("deletion %s: the study is purged", request_id)
        return True

    def _begin(self, request_id: uuid.UUID) -> int | None:
        """Mark the request as purging; returns its number of late instances, or None when it must not be purged now."""
        now = self._clock()
        with self._database.write() as session:
            request = session.get(DeletionRequest, request_id)
            assert request is not None
            if request.status == DeletionStatus.APPROVED:
                if request.purge_after is None or request.purge_after > now:
                    return None
                if hold_in_force(session, request.study_id) is not None or purges_wait(session, now):
                    return None
                move(request, DeletionStatus.PURGING)
                note(session, "deletion.purging", request, OURSELVES, now)
            if request.status != DeletionStatus.PURGING or not is_free_for(request, self._node(), now):
                return None
            request.node, request.leased_until = self._node(), now + LEASE
            return request.late_instances

    def _hold(self, request_id: uuid.UUID) -> None:
        """Renew this node's lease where it has not long to go. Raises PurgeLost."""
        now, node, mine = self._clock(), self._node(), DeletionRequest
        with self._database.read() as session:
            status = mine.status == DeletionStatus.PURGING
            of_request = select(mine.leased_until).where(mine.id == request_id, mine.node == node, status)
            until = session.scalar(of_request)
        if until is not None and until > now + RENEWED:
            return
        renewed = update(mine).where(mine.id == request_id, mine.node == node, status)
        with self._database.write() as session:
            result = cast(CursorResult[Any], session.execute(renewed.values(leased_until=now + LEASE)))
        if result.rowcount == 0:
            raise PurgeLost

    def _end(self, request_id: uuid.UUID, deleted: int, seen: int) -> None:
        now = self._clock()
        with self._database.write() as session:
            request = session.get(DeletionRequest, request_id)
            assert request is not None
            if request.status != DeletionStatus.PURGING:
                return  # another node has ended it
            move(request, DeletionStatus.PURGED)
            request.purged_at, request.leased_until = now, None
            study = request.study
            end_link(session, study, now)
            unlist(session, study)
            _forget_images(session, study, now)
            _revoke_tokens(session, study, now)
            log = update(DicomUploadLog).where(DicomUploadLog.study_instance_uid == study.study_instance_uid)
            session.execute(log.values(is_deleted=True))
            note(session, "deletion.purged", request, OURSELVES, now, orthanc_studies=deleted)
            if request.late_instances > seen:  # they may have arrived just after the archive deleted the study
                session.flush()
                reason = "A modality sent images of this study while it was being deleted."
                open_request(session, study, reason, OURSELVES, now)
                index_study(session, study)


def _forget_images(session: Session, study: Study, now: datetime) -> None:
    """Waiting jobs have nothing left to work on; former bytes of images in ended jobs are deleted."""
    jobs = select(Modification.id).where(Modification.study_id == study.id)
    session.execute(delete(ModificationInstance).where(ModificationInstance.modification_id.in_(jobs)))
    waiting = update(Modification).where(Modification.study_id == study.id, Modification.status == JobStatus.WAITING)
    session.execute(waiting.values(status="succeeded", finished_at=now, swept_at=now))
    forget_documents(session, study.study_instance_uid, now)
    forget_rejections(session, study.id, now)


def _revoke_tokens(session: Session, study: Study, now: datetime) -> None:
    """A token that names the study was not made for images that arrive later under the same UID."""
    good = select(ViewerToken.id, ViewerToken.study_instance_uids).where(
        ViewerToken.scope == "studies", ViewerToken.revoked_at.is_(None), ViewerToken.expires_at > now
    )
    naming = [token_id for token_id, uids in session.execute(good) if study.study_instance_uid in uids]
    revoke_viewer_tokens(session, ViewerToken.id.in_(naming), OURSELVES, now)
