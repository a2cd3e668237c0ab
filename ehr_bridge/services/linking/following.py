"""Studies that follow a change, by jobs that wait for their turn: one per study, made in the change's transaction.

A waiting job is a row. It starts when its study is idle and visible, on any node; so many studies, a busy one or a
killed process need no special treatment.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNDER_WAY, JobKind, JobStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.matching import Rules
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.jobs.study_jobs import is_moved_to_or_from, new_job, take_over_unswept, undoable
from ehr_bridge.services.linking.late_links import FreshVerdict, find_verdict, follow_verdict, others_come_first
from ehr_bridge.services.linking.link_jobs import prepare

AT_ONCE = 16


def follow(
    session: Session,
    studies: Iterable[Study],
    change: IdentityChange | None,
    reason: str,
    origin: Origin,
    now: datetime,
) -> int:
    """Let the files of these studies follow their links; returns how many studies have files."""
    count = 0
    for study in studies:
        if study.orthanc_study_id is None:
            continue
        job = new_job(study, JobKind.FOLLOW, reason, origin, now, waits=True)
        job.from_original = True
        job.change_id = change.id if change else None
        session.add(job)
        count += 1
    return count


def set_off(database: Database, rules: Rules, now: datetime) -> int:
    """Queue waiting jobs whose study is idle, oldest first; returns how many there were."""
    with database.read() as session:
        ready = _ready().with_only_columns(Modification.study_id, Modification.id, Modification.kind).limit(AT_ONCE)
        first: dict[uuid.UUID, tuple[uuid.UUID, JobKind]] = {}
        for study_id, job_id, kind in session.execute(ready):
            first.setdefault(study_id, (job_id, kind))
    for study_id, (job_id, kind) in first.items():
        found = None
        if kind == JobKind.LINK:  # judged before the writers' turn, which others wait for
            with database.read() as session:
                found = find_verdict(session, study_id, rules)
        with database.write() as session:
            job = session.scalar(_ready().where(Modification.id == job_id))
            if job is not None:
                _queue(session, job, found, now)
    return len(first)


def _ready() -> Select[Modification]:
    other = aliased(Modification)
    own = exists().where(other.study_id == Modification.study_id, other.status.in_(UNDER_WAY))
    busy = own | is_moved_to_or_from(Study.id)
    return (
        select(Modification)
        .join(Study, Study.id == Modification.study_id)
        .where(Modification.status == JobStatus.WAITING, Study.deleted_at.is_(None), ~busy, ~others_come_first())
        .order_by(Modification.requested_at, Modification.id)
    )


def _queue(session: Session, job: Modification, found: FreshVerdict | None, now: datetime) -> None:
    """Queue the job like any other; files are changed in the order in which jobs were queued.

    If something has changed since the verdict on its study was found, the job keeps waiting and is judged again.
    """
    study = session.get_one(Study, job.study_id)
    if found is not None and not found.still_holds(session, study):
        return
    job.requested_at = now
    if job.kind == JobKind.FOLLOW and study.patient_id is None and not study.corrections:
        # a person removed the link, or there never was one: nothing is left to follow
        job.status, job.finished_at, job.swept_at = JobStatus.SUCCEEDED, now, now
        return
    try:
        _require_certain(session, study, job, found)
    except Conflict as refusal:
        job.status, job.error_code, job.finished_at, job.swept_at = JobStatus.FAILED, refusal.code, now, now
        return
    followed = _followed(session, job)
    if followed is not None and undoable(session, study.id) == followed.id:
        job.kind, job.undoes_id = JobKind.UNDO, followed.id  # restores the bytes
    prepare(session, study, job)
    take_over_unswept(session, study, job, now)
    job.status = JobStatus.QUEUED
    session.flush()


def _require_certain(session: Session, study: Study, job: Modification, found: FreshVerdict | None) -> None:
    """Only a person's decision changes the files of a study that may hold images of two people.

    Raises:
        Conflict: it may, or the reason for the link no longer holds.
    """
    if job.kind == JobKind.UNLINK and study.withheld_by_id != job.change_id:
        raise Conflict("study_changed", "Somebody has linked the study since it was unlinked from this number.")
    if job.kind == JobKind.FOLLOW and study.is_contradicted:
        raise Conflict("study_contradicted", "Images of this study name another patient; link it first.")
    if job.kind == JobKind.LINK and not (found and follow_verdict(session, study, job, found.match)):
        raise Conflict("study_changed", "The verdict is no longer certain, or somebody has linked the study.")


def _followed(session: Session, job: Modification) -> Modification | None:
    """The job that followed the change which `job` undoes, or that unlinked the study from its number."""
    change = session.get(IdentityChange, job.change_id) if job.change_id else None
    if job.kind != JobKind.FOLLOW or change is None or change.undoes_id is None:
        return None
    earlier = select(Modification).where(
        Modification.change_id == change.undoes_id, Modification.study_id == job.study_id
    )
    return session.scalar(earlier.where(Modification.kind.in_((JobKind.FOLLOW, JobKind.UNLINK))))
