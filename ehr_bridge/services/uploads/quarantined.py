"""Numbers of files waiting in quarantine: in total, and by study."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.quarantine import QuarantinedFile

WAITING, GIVEN, DISCARDED = "waiting", "given", "discarded"
"""The states of a file in quarantine."""


def count_waiting(session: Session) -> int:
    """How many files wait for a person, on all nodes."""
    waiting = select(func.count()).where(QuarantinedFile.status == WAITING)
    return session.scalar(waiting) or 0


def waiting_by_study(session: Session, study_instance_uids: Sequence[str]) -> dict[str, int]:
    """How many waiting files have each of these study UIDs; studies without any are left out."""
    uids = QuarantinedFile.study_instance_uid
    waiting = uids.in_(study_instance_uids), QuarantinedFile.status == WAITING
    query = select(uids, func.count()).where(*waiting).group_by(uids)
    return {str(uid): count for uid, count in session.execute(query)}
