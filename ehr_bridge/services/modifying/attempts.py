"""Who carries a job on, for how long, and how often it was tried: leases and attempts, in rows of `modifications`.

A node that carries a job on says so again and again; when it falls silent, another takes over. Whatever a job raises
that nobody foresaw is counted, and after `MOST_ATTEMPTS` it ends: as failed when no file was touched yet. One whose
study is half old and half new by then stays as it is, holds its study, and is shown until an administrator decides.
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
"""A lease is renewed once so much of it or less is left."""
REST = timedelta(seconds=10)
"""Until a job is tried again that waits for a node nobody knows."""
MOST_ATTEMPTS = 8
"""With the pauses between them some four minutes: longer than a fault that passes by itself, and short enough for
somebody who waits in front of a study. No setting: what a file causes, it causes the ninth time too."""
FAILED = "unexpected_error"
ELSEWHERE = "image_elsewhere"
_EXHAUSTED = (Modification.status == JobStatus.RUNNING) & (Modification.attempts >= MOST_ATTEMPTS)
STUCK = _EXHAUSTED | ((Modification.status == JobStatus.RUNNING) & (Modification.error_code == ELSEWHERE))
"""Jobs that hold their study and cannot go on without somebody."""
_ROOT = Path(__file__).resolve().parents[3]


class LeaseLost(Exception):
    """Another node carries the job on."""


def pause_after(attempts: int) -> timedelta:
    """How long a job rests after so many attempts: 2, 4, 8 … 128 seconds."""
    return timedelta(seconds=2**attempts)


def may_be_tried(now: datetime) -> ColumnElement[bool]:
    """The condition of jobs that do not rest and are not left to an administrator."""
    return or_(Modification.retry_at.is_(None), Modification.retry_at <= now) & ~_EXHAUSTED


def is_free_for(job: Modification, node: str, now: datetime) -> bool:
    """As `free_for`, of a row that was read."""
    return job.node in (None, node) or job.leased_until is None or job.leased_until < now


def free_for(node: str, now: datetime) -> ColumnElement[bool]:
    """The condition of jobs that this node may carry on: its own, nobody's, or those of a node that fell silent."""
    is_left = or_(Modification.leased_until.is_(None), Modification.leased_until < now)
    return or_(Modification.node.is_(None), Modification.node == node, is_left)


def take_lease(session: Session, job: Modification, node: str, now: datetime) -> None:
    """Carry a job on, for the next while.

    Raises:
        LeaseLost: another node does.
    """
    mine = update(Modification).where(Modification.id == job.id, free_for(node, now))
    result = cast(CursorResult[Any], session.execute(mine.values(node=node, leased_until=now + LEASE)))
    if result.rowcount == 0:
        raise LeaseLost
    job.node, job.leased_until = node, now + LEASE


def leave(session: Session, job_id: uuid.UUID, node: str | None, now: datetime) -> None:
    """Give a job back to the node it was taken over from: one of its images waits there. Whoever else tries again does
    so when a lease has passed."""
    job = session.get_one(Modification, job_id)
    job.node, job.error_code = node, ELSEWHERE
    job.leased_until = now + LEASE if node else None
    job.retry_at = None if node else now + REST


def note_failure(session: Session, job_id: uuid.UUID, error: Exception, now: datetime) -> int:
    """Count an attempt that ended in what nobody foresaw; answers how many there were. After the last one the job ends,
    unless it left the study half old and half new."""
    job = session.get_one(Modification, job_id)
    if job.retry_at is not None and job.retry_at > now:
        return job.attempts  # two nodes looked at its files at once
    job.attempts += 1
    job.failure = where(error)
    job.retry_at = now + pause_after(job.attempts)
    if job.attempts >= MOST_ATTEMPTS:
        if job.status == JobStatus.QUEUED:
            fail(session, job_id, FAILED, now)
        elif job.status == JobStatus.RUNNING:
            job.error_code = FAILED
        else:  # the last look for what came while it ran
            job.status, job.error_code, job.swept_at = JobStatus.PARTIAL, FAILED, now
    return job.attempts


def where(error: Exception) -> str:
    """What was raised and where: no word of its message, which may hold a value of a file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_ROOT))]
    ours = [frame for frame in frames if ".venv" not in frame.filename]
    if not ours:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(ours[-1].filename).relative_to(_ROOT)}, line {ours[-1].lineno}"[:255]
