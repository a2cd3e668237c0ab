"""Leases and attempts of jobs, in rows of `modifications`: which node runs a job, for how long, how often it was tried.

The node that runs a job renews its lease; when it stops doing so, another takes over. Unexpected errors are counted,
and after `MOST_ATTEMPTS` the job ends: as failed if no file was changed yet. A job that has changed some files stays as
it is, holds its study, and is shown until an administrator decides.
"""

from __future__ import annotations

import traceback
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, or_, update
from sqlalchemy.orm import Session

from ehr_bridge.db.states import JobStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.services.modifying.rows import fail

LEASE = timedelta(seconds=60)
"""Several times what one step takes, even with the largest file."""
RENEWED = timedelta(seconds=40)
"""A lease with this time or less left is renewed."""
REST = timedelta(seconds=10)
"""Until a job is tried again that waits for an unknown node."""
MOST_ATTEMPTS = 8
"""With the pauses between them some four minutes: longer than a transient fault, and short enough for somebody waiting
for the study. Not a setting: an error caused by a file happens the ninth time too."""
FAILED = "unexpected_error"
ELSEWHERE = "image_elsewhere"
_EXHAUSTED = (Modification.status == JobStatus.RUNNING) & (Modification.attempts >= MOST_ATTEMPTS)
STUCK = _EXHAUSTED | ((Modification.status == JobStatus.RUNNING) & (Modification.error_code == ELSEWHERE))
"""Jobs that hold their study and need a person to continue."""
_ROOT = Path(__file__).resolve().parents[3]


class LeaseLost(Exception):
    """Another node runs the job."""


def pause_after(attempts: int) -> timedelta:
    """The pause after so many attempts: 2, 4, 8 … 128 seconds."""
    return timedelta(seconds=2**attempts)


def may_be_tried(now: datetime) -> ColumnElement[bool]:
    """Condition for jobs that are neither pausing nor left to an administrator."""
    return or_(Modification.retry_at.is_(None), Modification.retry_at <= now) & ~_EXHAUSTED


def is_free_for(job: Modification, node: str, now: datetime) -> bool:
    """Like `free_for`, for a loaded row."""
    return job.node in (None, node) or job.leased_until is None or job.leased_until < now


def free_for(node: str, now: datetime) -> ColumnElement[bool]:
    """Condition for jobs that this node may run: its own, new ones, or those of a node whose lease has expired."""
    is_left = or_(Modification.leased_until.is_(None), Modification.leased_until < now)
    return or_(Modification.node.is_(None), Modification.node == node, is_left)


def take_lease(session: Session, job: Modification, node: str, now: datetime) -> None:
    """Run a job for the duration of a lease. Raises LeaseLost when another node runs it."""
    mine = update(Modification).where(Modification.id == job.id, free_for(node, now))
    result = cast(CursorResult[Any], session.execute(mine.values(node=node, leased_until=now + LEASE)))
    if result.rowcount == 0:
        raise LeaseLost
    job.node, job.leased_until = node, now + LEASE


def leave(session: Session, job_id: uuid.UUID, node: str | None, now: datetime) -> None:
    """Return a job to the node it was taken over from, because one of its images is there. Other nodes try again when a
    lease has passed."""
    job = session.get_one(Modification, job_id)
    job.node, job.error_code = node, ELSEWHERE
    job.leased_until = now + LEASE if node else None
    job.retry_at = None if node else now + REST


def note_failure(session: Session, job_id: uuid.UUID, error: Exception, now: datetime) -> int:
    """Count an attempt that ended with an unexpected error; returns the number of attempts. After the last one the job
    ends, unless it has changed some of the files."""
    job = session.get_one(Modification, job_id)
    if job.retry_at is not None and job.retry_at > now:
        return job.attempts  # two nodes worked on its files at once
    job.attempts += 1
    job.failure = where(error)
    job.retry_at = now + pause_after(job.attempts)
    if job.attempts >= MOST_ATTEMPTS:
        if job.status == JobStatus.QUEUED:
            fail(session, job_id, FAILED, now)
        elif job.status == JobStatus.RUNNING:
            job.error_code = FAILED
        else:  # the sweep for what arrived while it ran
            job.status, job.error_code, job.swept_at = JobStatus.PARTIAL, FAILED, now
    return job.attempts


def where(error: Exception) -> str:
    """The exception and where it was raised; no part of its message, which may hold a value of a file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_ROOT))]
    ours = [frame for frame in frames if ".venv" not in frame.filename]
    if not ours:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(ours[-1].filename).relative_to(_ROOT)}, line {ours[-1].lineno}"[:255]
