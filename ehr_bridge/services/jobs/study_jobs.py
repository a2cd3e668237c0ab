"""What all jobs on a stored study share: one at a time, the last one in effect, and creating them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.db.states import HOLDS, UNDER_WAY, JobKind, JobStatus
from ehr_bridge.db.tables.deletions import last_purge
from ehr_bridge.db.tables.modifications import Modification, Split
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit.trail import Origin

UNSWEPT = Modification.status.in_(HOLDS) & Modification.swept_at.is_(None)
"""Jobs that have ended but not yet swept for instances that arrived meanwhile."""
WORDS = {
    JobKind.MODIFY: "modify its tags",
    JobKind.UNDO: "undo its last change",
    JobKind.LINK: "link it",
    JobKind.UNLINK: "unlink it",
    JobKind.SPLIT: "move some of its images to another study",
    JobKind.FOLLOW: "bring it in line with its patient and order",
}


def of_study(session: Session, study_id: uuid.UUID) -> list[Modification]:
    """All jobs of a study, latest first."""
    query = select(Modification).where(Modification.study_id == study_id)
    return list(session.scalars(query.order_by(Modification.requested_at.desc(), Modification.id)))


def undoable(session: Session, study_id: uuid.UUID) -> uuid.UUID | None:
    """The last job in effect on a study, if any; not one whose images are gone."""
    return next((job.id for job in _in_effect(session, study_id)), None)


def undoable_on_request(session: Session, study_id: uuid.UUID) -> uuid.UUID | None:
    """The one job of a study that a person can undo now, if any. A split comes before the jobs by which the study has
    followed its patient since: its images return to what they were, and the study follows again."""
    jobs = _in_effect(session, study_id)
    asked_for = next((job for job in jobs if job.kind != JobKind.FOLLOW), None)
    if asked_for is not None and asked_for.kind == JobKind.SPLIT:
        return asked_for.id
    return jobs[0].id if jobs else None


def changed_by_request(session: Session, study_id: uuid.UUID) -> bool:
    """Whether a job in effect did more than follow the study's patient and order."""
    return any(job.kind != JobKind.FOLLOW for job in _in_effect(session, study_id))


def _in_effect(session: Session, study_id: uuid.UUID) -> list[Modification]:
    """The jobs whose changes the study's files have, latest first."""
    purged_at = session.scalar(last_purge(study_id))
    jobs = of_study(session, study_id)  # queued by `requested_at`, one at a time
    undone = {job.undoes_id for job in jobs if job.kind == JobKind.UNDO and job.status == JobStatus.SUCCEEDED}
    jobs = [job for job in jobs if purged_at is None or job.requested_at > purged_at]
    latest = [job for job in jobs if job.kind != JobKind.UNDO and job.status in HOLDS and job.id not in undone]
    return [job for job in latest if job.number_done or job.kind != JobKind.FOLLOW]


def under_way(session: Session, study_id: uuid.UUID) -> Modification | None:
    """The job that is running on a study, or about to: also one that moves images to it, or back from it."""
    own = select(Modification).where(Modification.study_id == study_id, Modification.status.in_(UNDER_WAY))
    if (job := session.scalar(own)) is not None:
        return job
    moving = select(Modification).join(Split, _moves()).where(Split.target_study_id == study_id)
    return session.scalar(moving.where(Modification.status.in_(UNDER_WAY)).limit(1))


def is_moved_to_or_from(study_id: ColumnElement[uuid.UUID] | InstrumentedAttribute[uuid.UUID]) -> ColumnElement[bool]:
    """Whether a job on another study is moving images to this one, or back from it."""
    moving = select(Split.target_study_id).join(Modification, _moves())
    return study_id.in_(moving.where(Modification.status.in_(UNDER_WAY), Split.target_study_id.is_not(None)))


def _moves() -> ColumnElement[bool]:
    return or_(Modification.id == Split.modification_id, Modification.undoes_id == Split.modification_id)


def job_works_on_it() -> ColumnElement[bool]:
    """Whether a job is running on the study, or has not yet swept for instances that arrived meanwhile."""
    own = exists().where(Modification.study_id == Study.id, Modification.status.in_(UNDER_WAY) | UNSWEPT)
    return own | is_moved_to_or_from(Study.id)


def require_idle(session: Session, study: Study) -> None:
    """Raises Conflict `modification_running`, which names the job."""
    job = under_way(session, study.id)
    if job is not None:
        raise Conflict(
            "modification_running",
            f"{job.requested_by} asked at {job.requested_at:%Y-%m-%dT%H:%M:%SZ} to {WORDS[job.kind]}; "
            "wait until that job ends, then look again.",
        )


def new_job(
    study: Study, kind: JobKind, reason: str, origin: Origin, now: datetime, *, waits: bool = False
) -> Modification:
    """A job for a study; the caller adds it to the session."""
    return Modification(
        id=uuid.uuid4(),
        study_id=study.id,
        study_instance_uid=study.study_instance_uid,
        kind=kind,
        changes={},
        wanted={},
        from_original=False,
        reason=reason,
        requested_by=origin.actor,
        address=origin.address,
        requested_at=now,
        status=JobStatus.WAITING if waits else JobStatus.QUEUED,
        number_of_instances=0,
        number_done=0,
        attempts=0,
        study_before={},
        applied=[],
    )


def take_over_unswept(session: Session, study: Study, job: Modification, now: datetime) -> dict[str, str]:
    """What earlier jobs want of instances that are still on their way: from now on `job` sweeps for them.

    A job on the link sweeps for all; a modification leaves the values of a link to that link's own sweep.
    """
    wanted: dict[str, str] = {}
    unswept = select(Modification).where(Modification.study_id == study.id, UNSWEPT)
    if not job.from_original:
        unswept = unswept.where(~Modification.from_original)
    for earlier in session.scalars(unswept.order_by(Modification.requested_at)):
        wanted |= earlier.wanted
        earlier.swept_at = now
    return wanted
