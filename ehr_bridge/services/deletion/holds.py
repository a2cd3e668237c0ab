"""Legal holds: a study cannot be deleted while one is in force."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import PURGES
from ehr_bridge.db.tables.deletions import DeletionRequest, LegalHold
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.visibility.asker import require_open


class Holds:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def place(self, study_instance_uid: str, reason: str, origin: Origin) -> LegalHold:
        """Place a study on hold, even if its deletion is requested or approved: it is not purged then.

        Raises:
            NotFound: the archive holds no such study.
            Conflict: it is on hold already, or just being purged.
        """
        now = self._clock()
        with self._database.write() as session:
            study = _find_study(session, study_instance_uid)
            if hold_in_force(session, study.id) is not None:
                raise Conflict("study_on_hold", "This study is already on hold.")
            hold = LegalHold(
                id=uuid.uuid4(), study_id=study.id, reason=reason, held_by=origin.actor, held_at=now, released_by=None
            )
            session.add(hold)
            _note(session, "study.held", study, hold, origin, now)
        return hold

    def get(self, study_instance_uid: str) -> LegalHold | None:
        """The hold in force, if any. Raises NotFound when there is no such study."""
        with self._database.read() as session:
            return hold_in_force(session, _find_study(session, study_instance_uid).id)

    def release(self, study_instance_uid: str, reason: str | None, origin: Origin) -> LegalHold:
        """End the hold of a study; a deletion that was approved continues. Raises NotFound when there is no such study,
        or it is not on hold."""
        now = self._clock()
        with self._database.write() as session:
            study = _find_study(session, study_instance_uid)
            hold = _find_hold(session, study)
            hold.released_by, hold.released_at, hold.release_reason = origin.actor, now, reason
            _note(session, "study.hold_released", study, hold, origin, now)
        return hold


def hold_in_force(session: Session, study_id: uuid.UUID) -> LegalHold | None:
    return session.scalar(select(LegalHold).where(LegalHold.study_id == study_id, LegalHold.released_at.is_(None)))


def require_no_hold(session: Session, study_id: uuid.UUID) -> None:
    """Raises Conflict while the study is on hold."""
    if hold_in_force(session, study_id) is not None:
        raise Conflict("study_on_hold", "This study is under legal hold; it can be deleted after the hold is released.")


def _find_hold(session: Session, study: Study) -> LegalHold:
    hold = hold_in_force(session, study.id)
    if hold is None:
        raise NotFound("hold_not_found", "This study is not on hold.")
    return hold


def _find_study(session: Session, study_instance_uid: str) -> Study:
    """A study with images in the archive, hidden or not."""
    gone = (
        select(DeletionRequest.id)
        .where(DeletionRequest.study_id == Study.id, DeletionRequest.status.in_(PURGES))
        .exists()
    )
    study = session.scalar(
        select(Study).where(
            Study.study_instance_uid == study_instance_uid,
            Study.orthanc_study_id.is_not(None),
            Study.deleted_at.is_(None) | ~gone,
        )
    )
    if study is None:
        raise NotFound("study_not_found", "The archive holds no study with this UID.")
    require_open(study.patient_id)
    return study


def _note(session: Session, action: str, study: Study, hold: LegalHold, origin: Origin, now: datetime) -> None:
    audit.append(session, origin, study_event(action, study, {"hold_id": str(hold.id)}), now)
