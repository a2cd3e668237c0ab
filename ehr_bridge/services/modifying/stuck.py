"""An administrator's decision about a job that cannot continue: retry it, or give it up and restore every file."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNDER_WAY, JobKind, JobStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.jobs.study_jobs import require_idle
from ehr_bridge.services.modifying.attempts import FAILED
from ehr_bridge.services.modifying.requests import queue_undo
from ehr_bridge.services.modifying.rows import fail, finish

GIVEN_UP = "given_up"


class StuckJobs:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def retry(self, job_id: uuid.UUID, reason: str, origin: Origin) -> Modification:
        """Let a job that failed with an unexpected error start again.

        Raises:
            NotFound: there is no such job.
            Conflict: it did not fail like this, or its study has a later job.
        """
        now = self._clock()
        with self._database.write() as session:
            job, study = _failing(session, job_id)
            if job.status == JobStatus.FAILED:
                require_idle(session, study)
                _require_latest(session, job)
                job.status, job.finished_at, job.swept_at = JobStatus.QUEUED, None, None
            job.attempts, job.retry_at, job.error_code, job.failure = 0, None, None, None
            _note(session, "study.job_retried", job, study, reason, origin, now)
        return job

    def give_up(self, job_id: uuid.UUID, reason: str, origin: Origin) -> Modification:
        """End a job that cannot continue. If it changed no file, it has failed; otherwise the worker restores every
        file to the byte, by a job of its own.

        Raises:
            NotFound: there is no such job.
            Conflict: it is not stuck, it has ended, or it is an undo that has begun.
        """
        now = self._clock()
        with self._database.write() as session:
            job, study = _failing(session, job_id)
            if job.status not in UNDER_WAY:
                raise Conflict("job_state", "The job has ended; there is nothing to give up.")
            if job.status == JobStatus.RUNNING and job.kind == JobKind.UNDO:
                raise Conflict("job_state", "It has begun to restore files; it can only be tried again.")
            if job.status == JobStatus.QUEUED:
                fail(session, job_id, GIVEN_UP, now)
            else:
                job.given_up = {"actor": origin.actor, "address": origin.address, "reason": reason}
                job.attempts, job.retry_at, job.error_code = 0, None, GIVEN_UP
            _note(session, "study.job_given_up", job, study, reason, origin, now)
        return job


def end_given_up(session: Session, job_id: uuid.UUID, orthanc_study_id: str | None, now: datetime) -> None:
    """End a job that was given up once every image is either old or new; new ones get a job to undo it."""
    job = session.get_one(Modification, job_id)
    study = session.get_one(Study, job.study_id)
    if not job.number_done:
        study.corrections = dict(job.study_before["corrections"])
        fail(session, job_id, GIVEN_UP, now)
        return
    finish(session, job_id, orthanc_study_id, now)
    job.error_code, job.swept_at = GIVEN_UP, now
    session.flush()
    by = job.given_up or {}
    queue_undo(session, study, job, by["reason"], Origin(by["actor"], by["address"]), now)


def _failing(session: Session, job_id: uuid.UUID) -> tuple[Modification, Study]:
    job = session.get(Modification, job_id)
    if job is None:
        raise NotFound("job_not_found", "There is no job with this id.")
    if not job.attempts or (job.status not in UNDER_WAY and job.error_code != FAILED):
        raise Conflict("job_state", "The job did not fail with an unexpected error.")
    return job, session.get_one(Study, job.study_id)


def _require_latest(session: Session, job: Modification) -> None:
    later = select(Modification.id).where(
        Modification.study_id == job.study_id, Modification.requested_at > job.requested_at
    )
    if session.scalar(later.limit(1)) is not None:
        raise Conflict("job_state", "The study has had another job since; request this one again.")


def _note(
    session: Session, action: str, job: Modification, study: Study, reason: str, origin: Origin, now: datetime
) -> None:
    session.flush()
    detail = {"modification_id": str(job.id), "kind": job.kind, "reason": reason}
    audit.append(session, origin, study_event(action, study, detail), now)
