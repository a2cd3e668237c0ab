"""What all jobs on a stored study share: one at a time, the last one in effect, and creating them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import HOLDS, UNDER_WAY, JobKind, JobStatus
from ehr_bridge.db.tables.deletions import last_purge
from ehr_bridge.db.tables.modifications import Modification
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
    """The one job of a study that can be undone now, if any; not one whose images are gone."""
    purged_at = session.scalar(last_purge(study_id))
    jobs = of_study(session, study_id)  # queued by `requested_at`, one at a time
    undone = {job.undoes_id for job in jobs if job.kind == JobKind.UNDO and job.status == JobStatus.SUCCEEDED}
    jobs = [job for job in jobs if purged_at is None or job.requested_at > purged_at]
    latest = (job for job in jobs if job.kind != JobKind.UNDO and job.status in HOLDS and job.id not in undone)
    return next((job.id for job in latest if job.number_done or job.kind != JobKind.FOLLOW), None)


def under_way(session: Session, study_id: uuid.UUID) -> Modification | None:
    """The job that is running on a study, or about to."""
    return session.scalar(
        select(Modification).where(Modification.study_id == study_id, Modification.status.in_(UNDER_WAY))
    )


def job_works_on_it() -> ColumnElement[bool]:
    """Whether a job is running on the study, or has not yet swept for instances that arrived meanwhile."""
    return exists().where(Modification.study_id == Study.id, Modification.status.in_(UNDER_WAY) | UNSWEPT)


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
