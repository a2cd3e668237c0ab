"""Which images are rejected now: they are not in the archive but kept apart, and no door takes them in again."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import REJECTED_FILES, UNDER_WAY, RejectedFile, RejectionStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.dicom import Header
from ehr_bridge.errors import RefusedInstance, Unavailable

REJECTED_IMAGE = "rejected_image"
IN_FORCE = RejectedImage.status.in_(REJECTED_FILES)


class RejectedImages:
    """Held in memory, because every instance is looked up on its way in; read again when a row has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._state: tuple[int, datetime | None] | None = None
        self._uids: frozenset[str] = frozenset()

    def require_wanted(self, header: Header) -> None:
        """Raises RefusedInstance `rejected_image`; Unavailable when it is not known yet which are rejected."""
        if self._state is None:
            self.refresh()
        if header.sop_instance_uid in self._uids:
            raise RefusedInstance(
                "rejected_image", "This image was rejected here and is kept apart; undo its rejection to have it back."
            )

    def refresh(self) -> None:
        """Raises Unavailable when the database is away; then the previous state remains."""
        with self._lock, self._database.read() as session:
            query = select(func.count(), func.max(RejectedImage.moved_at)).where(IN_FORCE)
            count, latest = session.execute(query).one()
            if (count, latest) != self._state:
                self._uids = frozenset(session.scalars(select(RejectedImage.sop_instance_uid).where(IN_FORCE)))
                self._state = (count, latest)

    def changed(self) -> None:
        """Rows have changed on this node. Never raises: the worker reads again in a moment."""
        with suppress(Unavailable):
            self.refresh()


def rejected_of_study(session: Session, study_id: uuid.UUID) -> list[RejectedImage]:
    """The images of a study that are rejected, those on their way out or back among them."""
    query = select(RejectedImage).join(Rejection, Rejection.id == RejectedImage.rejection_id)
    apart = RejectedImage.status.in_((*REJECTED_FILES, RejectedFile.RETURNING))
    return list(session.scalars(query.where(Rejection.study_id == study_id, apart)))


def rejected_among(session: Session, sop_instance_uids: list[str]) -> int:
    """How many of these images are rejected now; each of them is here, though not in the archive."""
    query = select(func.count(RejectedImage.sop_instance_uid.distinct()))
    taken = RejectedImage.status.in_((RejectedFile.KEPT, RejectedFile.OUT, RejectedFile.RETURNING))
    return session.scalar(query.where(RejectedImage.sop_instance_uid.in_(sop_instance_uids), taken)) or 0


def taken_out(session: Session, sop_instance_uid: str) -> RejectedImage | None:
    """The rejected image of this UID whose file is kept apart."""
    query = select(RejectedImage).where(
        RejectedImage.sop_instance_uid == sop_instance_uid, RejectedImage.status == RejectedFile.OUT
    )
    return session.scalars(query.limit(1)).first()


def taken_out_since(session: Session, study_id: uuid.UUID, moment: datetime) -> set[str]:
    """The archive's ids of the images of a study that were rejected since then."""
    query = select(RejectedImage.orthanc_instance_id).join(Rejection, Rejection.id == RejectedImage.rejection_id)
    query = query.where(Rejection.study_id == study_id, RejectedImage.moved_at >= moment)
    return set(session.scalars(query))


def is_at_work(session: Session, sop_instance_uid: str) -> bool:
    """Whether a job works on the study that a rejected image is to leave: the file may be the job's."""
    query = select(Modification.id).join(Rejection, Rejection.study_id == Modification.study_id)
    query = query.join(RejectedImage, RejectedImage.rejection_id == Rejection.id)
    query = query.where(RejectedImage.sop_instance_uid == sop_instance_uid, IN_FORCE)
    return session.scalar(query.where(Modification.status.in_(UNDER_WAY)).limit(1)) is not None


def forget_rejections(session: Session, study_id: uuid.UUID, now: datetime) -> None:
    """A study was purged, with the notes in it: the files that are kept of it go too."""
    of_study = select(Rejection.id).where(Rejection.study_id == study_id)
    gone = update(RejectedImage).where(RejectedImage.rejection_id.in_(of_study))
    session.execute(gone.values(status=RejectedFile.PURGED, moved_at=now))
    ended = update(Rejection).where(Rejection.study_id == study_id)
    session.execute(ended.values(note_orthanc_id=None, note_made_of=None, is_due=True, retry_at=None, failure=None))
    proposed = ended.where(Rejection.status == RejectionStatus.PROPOSED)
    session.execute(proposed.values(status=RejectionStatus.DECLINED, decided_at=now))
