"""Requests to modify the attributes of a stored study, or to undo that; `runner` carries them out.

One at a time per study. Only the latest modification in effect can be undone, so that every undo restores files that
really existed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import JobKind
from ehr_bridge.db.tables.modifications import Modification, Split
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import MODIFIABLE_KEYWORDS
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.archive.rejected_images import rejected_of_study
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.deletion.holds import require_no_hold
from ehr_bridge.services.identity.attributes import wanted_values
from ehr_bridge.services.jobs.study_jobs import (
    changed_by_request,
    new_job,
    require_idle,
    take_over_unswept,
    undoable_on_request,
)
from ehr_bridge.services.linking.link_jobs import take_link_back
from ehr_bridge.services.studies.listing import find_study


class Modifications:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def request(self, study_instance_uid: str, changes: Mapping[str, str], reason: str, origin: Origin) -> Modification:
        """Request that a study's attributes get these values (keyword to value, already checked); a job does it.

        Raises:
            NotFound: there is no such study.
            Conflict: the study is being modified, or the values contradict its link.
        """
        now = self._clock()
        with self._database.write() as session:
            study = find_study(session, study_instance_uid)
            require_idle(session, study)
            _require_agreement(study, changes)
            job = new_job(study, JobKind.MODIFY, reason, origin, now)
            job.changes = dict(changes)
            job.wanted = take_over_unswept(session, study, job, now) | dict(changes)
            session.add(job)
            _note(session, job, "study.modification_requested", study, origin, now)
        return job

    def undo(self, modification_id: uuid.UUID, reason: str, origin: Origin) -> Modification:
        """Request that a modification is undone; a job restores every former byte.

        Raises:
            NotFound: there is no such modification, or its study is gone.
            Conflict: it cannot be undone, the study is being modified, or the values contradict its link.
        """
        now = self._clock()
        with self._database.write() as session:
            undone = session.get(Modification, modification_id)
            if undone is None:
                raise NotFound("modification_not_found", "There is no modification with this id.")
            study = find_study(session, undone.study_instance_uid)
            require_idle(session, study)
            if undone.kind == JobKind.FOLLOW:
                raise Conflict("cannot_undo", "The study follows its patient and order; undo their change instead.")
            if undoable_on_request(session, study.id) != undone.id:
                raise Conflict(
                    "cannot_undo",
                    "Only the latest modification of a study can be undone; undo later ones first.",
                )
            if (split := session.get(Split, undone.id)) is not None:
                _require_back(session, split)
            elif undone.link_before is None:
                _require_agreement(study, former_values(undone))
            return queue_undo(session, study, undone, reason, origin, now)

    def get(self, modification_id: uuid.UUID) -> Modification:
        """Raises NotFound."""
        with self._database.read() as session:
            job = session.get(Modification, modification_id)
        if job is None:
            raise NotFound("job_not_found", "There is no job with this id.")
        return job


def queue_undo(
    session: Session, study: Study, undone: Modification, reason: str, origin: Origin, now: datetime
) -> Modification:
    """The job that undoes `undone`."""
    job = new_job(study, JobKind.UNDO, reason, origin, now)
    job.undoes_id = undone.id
    if undone.link_before is not None:
        take_link_back(session, study, job, undone.link_before)
    elif undone.kind == JobKind.SPLIT:  # that restores its images and concerns no others
        undone.swept_at = undone.swept_at or now
    else:
        job.wanted = former_values(undone)
    take_over_unswept(session, study, job, now)
    session.add(job)
    _note(session, job, "study.undo_requested", study, origin, now)
    return job


def _require_back(session: Session, split: Split) -> None:
    """Raises Conflict when the study that a split made has been changed, is to be deleted, or is on hold, or when
    images of it are rejected: they would stay behind in a study that is gone."""
    target = session.get(Study, split.target_study_id) if split.target_study_id is not None else None
    if target is None or target.orthanc_study_id is None or target.deleted_at is not None:
        raise Conflict("cannot_undo", "The study with the moved images is gone or is to be deleted; restore it first.")
    require_idle(session, target)
    require_no_hold(session, target.id)
    if rejected := rejected_of_study(session, target.id):
        raise Conflict(
            "cannot_undo",
            f"Images of the study with the moved images are rejected (rejection {rejected[0].rejection_id}); "
            "take that back first.",
        )
    if changed_by_request(session, target.id):
        raise Conflict("cannot_undo", "The study with the moved images was changed since; undo that first.")


def former_values(undone: Modification) -> dict[str, str]:
    """The former values, where all instances of the study had the same."""
    before: dict[str, set[str]] = {}
    for change in undone.applied:
        before.setdefault(change["tag"], set()).add(change["before"])
    return {
        keyword: next(iter(values))
        for keyword, values in before.items()
        if keyword in MODIFIABLE_KEYWORDS and len(values) == 1
    }


def _require_agreement(study: Study, values: Mapping[str, str]) -> None:
    """The EHR decides the identity of a linked study: no value may contradict its link."""
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


def _note(session: Session, job: Modification, action: str, study: Study, origin: Origin, now: datetime) -> None:
    session.flush()
    detail: dict[str, Any] = {"modification_id": str(job.id), "tags": sorted(job.changes or job.wanted)}
    if job.undoes_id is not None:
        detail["undoes"] = str(job.undoes_id)
    audit.append(session, origin, study_event(action, study, detail), now)
