"""Requests to modify the attributes of a stored study, or to undo that; `modifying` carries them out.

One at a time per study. Only the latest modification that still holds can be undone, so that every undo leads back to
files that were really there.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Study
from ehr_bridge.db.modifications import Modification
from ehr_bridge.dicom import MODIFIABLE_KEYWORDS
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit import Event, Origin
from ehr_bridge.services.identity import wanted_values
from ehr_bridge.services.studies import find_study

UNDER_WAY = ("queued", "running")
HOLDS = ("succeeded", "partial")


class Modifications:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def request(self, study_instance_uid: str, changes: Mapping[str, str], reason: str, origin: Origin) -> Modification:
        """Note that a study's attributes shall have these values (keyword to value, checked already); a job does it.

        Raises:
            NotFound: there is no such study.
            Conflict: the study is being modified just now, or its link says who it is.
        """
        now = self._clock()
        with self._database.write() as session:
            study = find_study(session, study_instance_uid)
            _require_idle(session, study)
            _require_agreement(study, changes)
            wanted: dict[str, str] = {}
            for earlier in session.scalars(_unswept(study)):  # instances may still be on their way without these
                wanted |= earlier.wanted
                earlier.swept_at = now
            job = _queue(session, study, "modify", reason, origin, now)
            job.changes, job.wanted = dict(changes), wanted | dict(changes)
            _note(session, job, "study.modification_requested", study, origin, now)
        return job

    def undo(self, modification_id: uuid.UUID, reason: str, origin: Origin) -> Modification:
        """Note that a modification shall be taken back; a job restores every former byte.

        Raises:
            NotFound: there is no such modification, or its study is gone.
            Conflict: it cannot be undone, the study is being modified just now, or its link says who it is.
        """
        now = self._clock()
        with self._database.write() as session:
            undone = session.get(Modification, modification_id)
            if undone is None:
                raise NotFound("modification_not_found", "There is no modification with this id.")
            study = find_study(session, undone.study_instance_uid)
            _require_idle(session, study)
            if undoable(session, study.id) != undone.id:
                raise Conflict(
                    "cannot_undo",
                    "Only the latest modification of a study that still holds can be undone; undo later ones first.",
                )
            before = former_values(undone)
            _require_agreement(study, before)
            for earlier in session.scalars(_unswept(study)):
                earlier.swept_at = now
            job = _queue(session, study, "undo", reason, origin, now)
            job.undoes_id, job.wanted = undone.id, before
            _note(session, job, "study.undo_requested", study, origin, now)
        return job

    def get(self, modification_id: uuid.UUID) -> Modification:
        """Raises NotFound."""
        with self._database.read() as session:
            job = session.get(Modification, modification_id)
        if job is None:
            raise NotFound("job_not_found", "There is no job with this id.")
        return job


def former_values(undone: Modification) -> dict[str, str]:
    """What the study said before, where all its instances said the same."""
    before: dict[str, set[str]] = {}
    for change in undone.applied:
        before.setdefault(change["tag"], set()).add(change["before"])
    return {
        keyword: next(iter(values))
        for keyword, values in before.items()
        if keyword in MODIFIABLE_KEYWORDS and len(values) == 1
    }


def of_study(session: Session, study_id: uuid.UUID) -> list[Modification]:
    """All modifications of a study and their undoings, the latest first."""
    query = select(Modification).where(Modification.study_id == study_id)
    return list(session.scalars(query.order_by(Modification.requested_at.desc(), Modification.id)))


def undoable(session: Session, study_id: uuid.UUID) -> uuid.UUID | None:
    """The one modification of a study that can be undone now, if there is one."""
    jobs = of_study(session, study_id)
    undone = {job.undoes_id for job in jobs if job.kind == "undo" and job.status == "succeeded"}
    latest = (job for job in jobs if job.kind == "modify" and job.status in HOLDS and job.id not in undone)
    return next((job.id for job in latest), None)


def _unswept(study: Study) -> Select[Modification]:
    return select(Modification).where(
        Modification.study_id == study.id, Modification.status.in_(HOLDS), Modification.swept_at.is_(None)
    )


def _require_idle(session: Session, study: Study) -> None:
    query = select(Modification.id).where(Modification.study_id == study.id, Modification.status.in_(UNDER_WAY))
    if session.scalar(query) is not None:
        raise Conflict("modification_running", "This study is being modified just now; wait until that job ends.")


def _require_agreement(study: Study, values: Mapping[str, str]) -> None:
    """Who a linked study is, the EHR says: nothing may be written into it that disagrees with its link."""
    if study.patient is None:
        return
    linked = wanted_values(study.patient, study.order)
    for keyword, value in values.items():
        if keyword in linked:
            ours, theirs = wanted_value(keyword, value), wanted_value(keyword, linked[keyword])
            if ours.canonical != theirs.canonical:
                raise Conflict(
                    "study_is_linked",
                    f"{keyword} follows the patient and order this study is linked to; correct the link instead.",
                )


def _queue(session: Session, study: Study, kind: str, reason: str, origin: Origin, now: datetime) -> Modification:
    job = Modification(
        id=uuid.uuid4(),
        study_id=study.id,
        study_instance_uid=study.study_instance_uid,
        kind=kind,
        changes={},
        wanted={},
        reason=reason,
        requested_by=origin.actor,
        address=origin.address,
        requested_at=now,
        status="queued",
        number_of_instances=0,
        number_done=0,
        study_before={},
        applied=[],
    )
    session.add(job)
    return job


def _note(session: Session, job: Modification, action: str, study: Study, origin: Origin, now: datetime) -> None:
    session.flush()
    detail: dict[str, Any] = {"modification_id": str(job.id), "tags": sorted(job.changes or job.wanted)}
    if job.undoes_id is not None:
        detail["undoes"] = str(job.undoes_id)
    event = Event(
        action,
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail=detail,
    )
    audit.append(session, origin, event, now)
