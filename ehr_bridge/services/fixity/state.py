"""Progress of the fixity checks, and the damaged files they found.

Files are read in the order of the first digits of `orthanc_instance_id`, a SHA-1 and thus evenly distributed: a round
goes from 00000000 to ffffffff in a number of days. The clock alone says how far it should be; a row in `cursors` says
how far it is, counting on from round to round.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import RejectedFile
from ehr_bridge.db.tables.logs import Cursor
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance

FIXITY = "fixity"
"""The cursor of the rounds."""
ROUND = 2**32
MOST_SHOWN = 20
_DAMAGED = (Instance.damaged_at.is_not(None), Study.deleted_at.is_(None))
KEPT = (RejectedFile.KEPT, RejectedFile.OUT, RejectedFile.RETURNING)
"""States of rejected images whose file is kept beside the archive."""
_KEPT_DAMAGED = (RejectedImage.damaged_at.is_not(None), RejectedImage.status.in_(KEPT))


class DamagedFile(NamedTuple):
    study_instance_uid: str
    orthanc_instance_id: str
    damaged_at: datetime
    file: str | None = None
    """Its path in the storage folder, from the archive; of a rejected image, its name among the kept files."""


class Fixity(NamedTuple):
    """Progress of the checks, and the damaged files."""

    days: float
    checked_until: datetime | None
    """Everything due by then has been read; None when there are no files, or none has been read yet."""
    damaged: int
    latest: list[DamagedFile]


def look_at_fixity(session: Session, days: float, now: datetime) -> Fixity:
    """The condition of the files, as far as they have been read."""
    latest = (
        select(Study.study_instance_uid, Instance.orthanc_instance_id, Instance.damaged_at)
        .join(Study, Study.id == Instance.study_id)
        .where(*_DAMAGED)
        .order_by(Instance.damaged_at.desc(), Instance.orthanc_instance_id)
        .limit(MOST_SHOWN)
    )
    kept = (
        select(
            Study.study_instance_uid,
            RejectedImage.orthanc_instance_id,
            RejectedImage.damaged_at,
            RejectedImage.file_name,
        )
        .join(Rejection, Rejection.id == RejectedImage.rejection_id)
        .join(Study, Study.id == Rejection.study_id)
        .where(*_KEPT_DAMAGED)
        .order_by(RejectedImage.damaged_at.desc(), RejectedImage.orthanc_instance_id)
        .limit(MOST_SHOWN)
    )
    groups = [[DamagedFile(*row) for row in session.execute(query)] for query in (latest, kept)]
    found = sorted(chain.from_iterable(groups), key=lambda one: one.damaged_at, reverse=True)
    # counted only where not all are here: on PostgreSQL the next statement may see one more
    has_all = all(len(group) < MOST_SHOWN for group in groups)
    damaged = len(found) if has_all else count_damaged(session)
    return Fixity(days, _checked_until(session, days, now), damaged, found[:MOST_SHOWN])


def count_damaged(session: Session) -> int:
    """Of studies that still exist, and of rejected images whose file is kept."""
    query = select(func.count()).select_from(Instance).join(Study, Study.id == Instance.study_id)
    kept = select(func.count()).select_from(RejectedImage).where(*_KEPT_DAMAGED)
    return (session.scalar(query.where(*_DAMAGED)) or 0) + (session.scalar(kept) or 0)


def target(days: float, now: datetime) -> int:
    """How far the rounds should be."""
    return int(ROUND * (now.timestamp() / timedelta(days=days).total_seconds()))


def behind(session: Session, goal: int) -> int:
    """How much is due; a whole round and more at first, or when the number of days has changed."""
    due = goal - (_position(session) or 0)
    return due if 0 <= due < 2 * ROUND else due % ROUND + ROUND


def _position(session: Session) -> int | None:
    return session.scalar(select(Cursor.position).where(Cursor.name == FIXITY))


def _checked_until(session: Session, days: float, now: datetime) -> datetime | None:
    if days == 0 or _position(session) is None:
        return None
    return now - timedelta(days=days) * (behind(session, target(days, now)) / ROUND)
