"""Uploads whose sender announced the number of files: complete, still running, or interrupted.

Files sent one by one have no visible end. With a total, a complete upload can be told from an abandoned one; without,
an upload is what has arrived.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import case, func, select, union_all
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.uploads import DicomUploadLog, DicomUploadSkip, Instance


def settle_announced(session: Session, log: DicomUploadLog) -> list[DicomUploadLog]:
    """Clear the marks of an upload that is now complete, and reopen one that continues after it was closed.

    `log` is one of its entries; returns the entries whose marks changed, because their status depends on them.
    """
    if log.under_way_since is None and log.interrupted_at is None:
        return []
    entries = _entries(session, log)
    ids = [entry.id for entry in entries]
    is_complete = count_arrived(session, ids) >= announced_total(entries)
    last = session.scalar(select(func.max(Instance.received_at)).where(Instance.upload_log_id.in_(ids)))
    changed = []
    for entry in entries:
        before = entry.under_way_since, entry.interrupted_at
        if is_complete:
            entry.under_way_since = entry.interrupted_at = None
        elif entry.interrupted_at is not None and last is not None and last > entry.interrupted_at:
            entry.under_way_since, entry.interrupted_at = last, None
        if (entry.under_way_since, entry.interrupted_at) != before:
            changed.append(entry)
    return changed


def explain_missing(session: Session, log: DicomUploadLog) -> str:
    """How much of an upload arrived that was closed before it was complete."""
    entries = _entries(session, log)
    arrived = count_arrived(session, [entry.id for entry in entries])
    return f"{arrived} of {announced_total(entries)} files arrived"


def announced_total(entries: Sequence[DicomUploadLog]) -> int:
    """The total of the whole upload. Its entries may differ when the sender added files meanwhile."""
    return max(entry.announced_files or 0 for entry in entries)


def count_arrived(session: Session, log_ids: Sequence[uuid.UUID]) -> int:
    """Number of different files that arrived, stored or not. A file that was sent again counts once.

    Two files of one image are two if they have different names. Files without a UID were told apart when they were
    recorded (`ehr_bridge.services.uploads.failures`).
    """
    stored = select(Instance.sop_instance_uid, Instance.file_name).where(Instance.upload_log_id.in_(log_ids))
    skip = DicomUploadSkip
    skips = select(skip.sop_instance_uid, skip.file_name).where(skip.upload_log_id.in_(log_ids))
    files = union_all(stored, skips.where(skip.sop_instance_uid.is_not(None))).subquery()
    names = func.count(files.c.file_name.distinct()).label("names")
    images = select(names).group_by(files.c.sop_instance_uid).subquery()
    of_images = select(func.sum(case((images.c.names > 1, images.c.names), else_=1)))
    without_uid = select(func.count()).where(skip.upload_log_id.in_(log_ids), skip.sop_instance_uid.is_(None))
    return int(session.scalar(of_images) or 0) + int(session.scalar(without_uid) or 0)


def _entries(session: Session, log: DicomUploadLog) -> list[DicomUploadLog]:
    return list(
        session.scalars(
            select(DicomUploadLog).where(
                DicomUploadLog.upload_id == log.upload_id, DicomUploadLog.uploaded_by == log.uploaded_by
            )
        )
    )
