"""Keeps replaced images in the spool for a while.

A killed process loses nothing that Orthanc has acknowledged. A power cut may: Orthanc's SQLite index does not wait for
the disk, so after it the index can name a file that was deleted just before. So a replaced image stays in the spool for
a while, and each start compares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import PURGES, FileStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.jobs.replacing import StoredFiles, is_missing, put_back
from ehr_bridge.services.jobs.spool import Spool

LOGGER = logging.getLogger(__name__)
KEPT_FOR = timedelta(minutes=2)
"""Several times as long as a Linux kernel keeps written data in memory (30 s), and than the row of a file comes after
it."""
UNFINISHED_FOR = timedelta(hours=1)


class SpoolKeeper:
    """Compares and clears the spool; nodes that share one do both side by side."""

    def __init__(self, database: Database, archive: StoredFiles, spool: Spool, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._archive = archive
        self._spool = spool
        self._clock = clock

    def compare(self) -> int:
        """After a start: restore every replaced image that the archive has lost; returns how many. Raises Unavailable
        when the database or the archive is away.

        Another node may be replacing these images again just now. It writes the row of its job before it removes an
        image, so whether a missing one is still wanted is asked after it was found missing.
        """
        put = 0
        for row in self._rows():
            data = self._spool.get(row.id)
            if data is None or not is_missing(self._archive, row) or not self._is_current(row):
                continue
            put_back(self._archive, row, data)
            LOGGER.error("instance %s was missing after the start and is put back", row.orthanc_instance_id_after)
            put += 1
        return put

    def release(self) -> int:
        """Delete images whose job ended long enough ago; returns how many.

        A file is there before its row, so young ones may be another node's that is just preparing them.
        """
        names = self._spool.names(self._clock() - KEPT_FOR)
        self._spool.drop_unfinished(self._clock() - UNFINISHED_FOR)
        if not names:
            return 0
        under_way = select(ModificationInstance.id).join(
            Modification, Modification.id == ModificationInstance.modification_id
        )
        recent = Modification.finished_at.is_(None) | (Modification.finished_at > self._clock() - KEPT_FOR)
        with self._database.read() as session:
            needed = set(session.scalars(under_way.where(recent, ModificationInstance.status != FileStatus.REFUSED)))
        free = [name for name in names if name not in needed]
        for name in free:
            self._spool.drop(name)
        return len(free)

    def _rows(self) -> list[ModificationInstance]:
        """The current rows of spooled files: recorded, and not replaced again since."""
        names = self._spool.names()
        if not names:
            return []
        with self._database.read() as session:
            return [row for name in names if (row := _current(session, name)) is not None]

    def _is_current(self, row: ModificationInstance) -> bool:
        with self._database.read() as session:
            return _current(session, row.id) is not None


def _current(session: Session, name: object) -> ModificationInstance | None:
    row = session.get(ModificationInstance, name)
    if row is None or row.status != FileStatus.DONE or session.get(Instance, row.orthanc_instance_id_after) is None:
        return None
    own, later, job = session.get_one(Modification, row.modification_id), aliased(ModificationInstance), Modification
    purged = select(DeletionRequest.id).where(
        DeletionRequest.study_id == own.study_id, DeletionRequest.status.in_(PURGES)
    )
    if session.scalar(purged.limit(1)) is not None:
        return None  # permanently deleted: it must not come back
    replaced_again = (
        select(later.id)
        .join(job, job.id == later.modification_id)
        .where(later.orthanc_instance_id_before == row.orthanc_instance_id_after, job.requested_at > own.requested_at)
    )
    return None if session.scalar(replaced_again.limit(1)) is not None else row
