"""How far the fixity checks are, and which files they found damaged.

The turn of a file is the beginning of its `orthanc_instance_id`, a SHA-1 and so evenly spread: in so many days a round
goes from 00000000 to ffffffff. The clock alone says how far it should be; a row in `cursors` says how far it is, from
round to round counted on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.cursors import Cursor
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance

FIXITY = "fixity"
"""The cursor of the rounds."""
ROUND = 2**32
MOST_SHOWN = 20
_DAMAGED = (Instance.damaged_at.is_not(None), Study.deleted_at.is_(None))


class DamagedFile(NamedTuple):
    study_instance_uid: str
    orthanc_instance_id: str
    damaged_at: datetime
    file: str | None = None
    """Where it is in the storage folder; the archive knows that."""


class Fixity(NamedTuple):
    """How far the files are read again, and which are damaged."""

    days: float
    checked_until: datetime | None
    """All that was due by then has been read; None when no file is, or none has been yet."""
    damaged: int
    latest: list[DamagedFile]


def look_at_fixity(session: Session, days: float, now: datetime) -> Fixity:
    """How the files are, as far as they have been read."""
    latest = (
        select(Study.study_instance_uid, Instance.orthanc_instance_id, Instance.damaged_at)
        .join(Study, Study.id == Instance.study_id)
        .where(*_DAMAGED)
        .order_by(Instance.damaged_at.desc(), Instance.orthanc_instance_id)
        .limit(MOST_SHOWN)
    )
    return Fixity(
        days,
        _checked_until(session, days, now),
        count_damaged(session),
        [DamagedFile(uid, name, at) for uid, name, at in session.execute(latest) if at is not None],
    )


def count_damaged(session: Session) -> int:
    """Of studies that are still there."""
    query = select(func.count()).select_from(Instance).join(Study, Study.id == Instance.study_id)
    return session.scalar(query.where(*_DAMAGED)) or 0


def target(days: float, now: datetime) -> int:
    """How far the rounds should be."""
    return int(ROUND * (now.timestamp() / timedelta(days=days).total_seconds()))


def behind(session: Session, goal: int) -> int:
    """How much is due. At first, or when the rounds take another number of days from now on: a whole round and more."""
    due = goal - (_position(session) or 0)
    return due if 0 <= due < 2 * ROUND else due % ROUND + ROUND


def _position(session: Session) -> int | None:
    return session.scalar(select(Cursor.position).where(Cursor.name == FIXITY))


def _checked_until(session: Session, days: float, now: datetime) -> datetime | None:
    if days == 0 or _position(session) is None:
        return None
    return now - timedelta(days=days) * (behind(session, target(days, now)) / ROUND)
