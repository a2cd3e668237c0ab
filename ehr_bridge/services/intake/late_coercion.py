"""Coerces images that were stored while the bridge could not coerce them, by jobs.

The database was away, or the process was killed between storing and recording. The job is a row, written in the
transaction that records the image: if the process is killed, either catch-up finds the image again, or the job is
waiting (`following`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import JobKind, JobStatus, LinkStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.jobs.study_jobs import new_job
from ehr_bridge.services.linking.second_looks import stored_late

REASON = "Images were stored while they could not be coerced; their files follow."


def coerce_late(session: Session, study: Study, *, is_unfinished: bool, now: datetime) -> None:
    """Request what is left to do for the study of an image that is being recorded, if anything.

    An image without the attributes of its study's link gets a job; a study that could not be linked when its first
    image arrived is judged again.
    """
    if study.is_contradicted or _is_waiting(session, study):
        return
    if is_unfinished:
        session.add(new_job(study, JobKind.FOLLOW, REASON, OURSELVES, now, waits=True))
    elif study.link_status != LinkStatus.LINKED:
        stored_late(session, study, now)


def _is_waiting(session: Session, study: Study) -> bool:
    """Whether a job will process every file of the study anyway; an undo processes only those of the undone job."""
    waiting = exists().where(
        Modification.study_id == study.id, Modification.status == JobStatus.WAITING, Modification.change_id.is_(None)
    )
    return bool(session.scalar(select(waiting)))
