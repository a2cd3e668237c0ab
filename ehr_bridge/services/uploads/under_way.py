"""Marks uploads in the log while more is to come: a request with several files, or one whose total is known.

So an upload whose process died, or whose sender went away, can be told from a complete one.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.uploads.arrivals import Delivery

LOGGER = logging.getLogger(__name__)
SILENT_FOR = timedelta(hours=1)
"""Longer than any request takes between two of its files, and any sender between two of its requests."""


class UnderWay:
    """The marks of one node's requests. `open_entry` marks new entries."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], node: Callable[[], str | None] = lambda: None
    ) -> None:
        """`node` tells the name of this node."""
        self._database = database
        self._clock = clock
        self._node = node
        self._to_finish: set[tuple[uuid.UUID, str]] = set()

    def begin(self, delivery: Delivery) -> None:
        """Mark the entries that the upload of a request has from earlier ones."""
        if delivery.is_batch and delivery.upload_id is not None:
            self._mark(delivery.upload_id, delivery.origin.actor, self._clock())

    def finish(self, delivery: Delivery) -> None:
        """Clear the marks: every file has its outcome. If the database is away, `retry` does it later.

        Where a total is announced, the marks stay until it is reached (`ehr_bridge.services.uploads.announced`).
        """
        if delivery.is_batch and delivery.upload_id is not None:
            self._to_finish.add((delivery.upload_id, delivery.origin.actor))
            try:
                self.retry()
            except Unavailable:
                LOGGER.warning("upload %s ended; the log will say so later", delivery.upload_id)

    def retry(self) -> None:
        """Clear the marks that could not be cleared before."""
        for upload_id, actor in list(self._to_finish):
            self._mark(upload_id, actor, None)
            self._to_finish.discard((upload_id, actor))

    def mark(self, log: DicomUploadLog) -> None:
        """Note on an entry that is under way which node it is on."""
        if log.under_way_since is not None:
            log.under_way_on = self._node()

    def close_interrupted(self, silent_for: timedelta = SILENT_FOR, spared: Collection[str] = ()) -> int:
        """Close entries whose upload brought no file for so long: they hold what has arrived, and are partial.

        If it is alive after all (on another node, or after a pause), its end or its next file reopens it. Returns how
        many were closed. Entries on the nodes `spared` stay, and with them those whose node is not known.
        """
        now = self._clock()
        before = now - silent_for
        other = aliased(DicomUploadLog)  # of the same upload: while one of its studies receives files, none is silent
        same = other.upload_id == DicomUploadLog.upload_id, other.uploaded_by == DicomUploadLog.uploaded_by
        marked = select(func.max(other.under_way_since)).where(*same).scalar_subquery()
        latest = (
            select(func.max(Instance.received_at))
            .join(other, other.id == Instance.upload_log_id)
            .where(*same)
            .scalar_subquery()
        )
        silent = select(DicomUploadLog).where(
            DicomUploadLog.under_way_since <= before, marked <= before, func.coalesce(latest, marked) <= before
        )
        if spared:
            silent = silent.where(DicomUploadLog.under_way_on.not_in(spared))
        with self._database.write() as session:
            logs = list(session.scalars(silent))
            for log in logs:
                log.under_way_since, log.interrupted_at = None, now
                of_log = select(Study).where(Study.study_instance_uid == log.study_instance_uid)
                for study in session.scalars(of_log):
                    study.is_settled = False
        if logs:
            LOGGER.warning("%d uploads were interrupted and are closed as partial", len(logs))
        return len(logs)

    def _mark(self, upload_id: uuid.UUID, actor: str, since: datetime | None) -> None:
        entries = update(DicomUploadLog).where(
            DicomUploadLog.upload_id == upload_id, DicomUploadLog.uploaded_by == actor
        )
        if since is None:
            entries = entries.where(DicomUploadLog.announced_files.is_(None))
        with self._database.write() as session:
            session.execute(entries.values(under_way_since=since, under_way_on=self._node(), interrupted_at=None))
