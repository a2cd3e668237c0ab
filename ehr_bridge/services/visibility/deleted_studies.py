"""Studies hidden by a deletion request that waits for approval or for the end of its grace period."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import select, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import IS_OPEN, DeletionRequest
from ehr_bridge.errors import Unavailable

UNTIL_RECORDED = timedelta(minutes=2)
"""Much longer than it takes to record an instance that the archive has just stored."""


class HiddenStudies:
    """StudyInstanceUIDs that no reader may see; refreshed from the database by the worker, and by `changed` after each
    change on this node.

    A purged study is not among them, since the archive has none of it. If a modality sends it again, `expect` hides it
    until its new request is recorded.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._waiting: Mapping[str, str] = {}
        self._expected: dict[str, datetime] = {}
        self._uids: frozenset[str] = frozenset()
        self._is_loaded = False

    @property
    def is_loaded(self) -> bool:
        """False until the database was read once; until then nobody may see images."""
        return self._is_loaded

    @property
    def uids(self) -> frozenset[str]:
        return self._uids

    def __contains__(self, study_instance_uid: object, /) -> bool:
        return study_instance_uid in self._uids

    def waits_for(self, subject: str, study_instance_uid: str) -> bool:
        """Whether the study's deletion waits for a decision that this person may take: it is not their own request."""
        return self._waiting.get(study_instance_uid, subject) != subject

    def waiting_for(self, subject: str) -> frozenset[str]:
        """All studies for which `waits_for` is true."""
        return frozenset(uid for uid, requester in self._waiting.items() if requester != subject)

    def refresh(self) -> None:
        """Read what this and other nodes hid and showed again. Raises Unavailable when the database is away; then the
        previous state remains."""
        with self._lock:  # so that an older answer of the database never replaces a newer one
            with self._database.read() as session:
                columns = (DeletionRequest.study_instance_uid, DeletionRequest.status, DeletionRequest.requested_by)
                found = session.execute(select(*columns).where(text(IS_OPEN))).all()
            self._known = frozenset(row.study_instance_uid for row in found)
            self._waiting = {
                row.study_instance_uid: row.requested_by for row in found if row.status == DeletionStatus.PENDING
            }
            now = self._clock()
            self._expected = {uid: until for uid, until in self._expected.items() if until > now}
            self._uids = self._known | self._expected.keys()
            self._is_loaded = True

    def expect(self, study_instance_uid: str) -> None:
        """Hide a deleted study of which an instance is about to be stored, before it is recorded."""
        with self._lock:
            self._expected[study_instance_uid] = self._clock() + UNTIL_RECORDED
            self._uids = self._known | self._expected.keys()

    def changed(self, *study_instance_uids: str) -> None:
        """Requests were opened, decided or ended: update their studies at once from the database.

        Never raises: the change is committed already, and the worker reads again in a moment.
        """
        with self._lock:
            for uid in study_instance_uids:
                self._expected.pop(uid, None)
        with suppress(Unavailable):
            self.refresh()
