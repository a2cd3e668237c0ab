"""Fixity checks of the files of rejected images, which are kept beside the archive in a folder that all nodes share.

Each node reads what is due; two may read one file,
and find the same. The name of a kept file has the digest of its bytes, so nothing else must be known to judge it.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services import audit
from ehr_bridge.services.archive.quarantine import Quarantine, sha256_of
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.fixity.check import CHANGED, MISSING, UNREADABLE
from ehr_bridge.services.fixity.state import KEPT

LOGGER = logging.getLogger(__name__)
AT_ONCE = 50
LOOK_AGAIN = timedelta(hours=1)
"""After this time, or a round if that is shorter, a damaged file is read again."""


class _KeptFile(NamedTuple):
    rejection_id: uuid.UUID
    sop_instance_uid: str
    orthanc_instance_id: str
    study_id: uuid.UUID
    name: str
    damaged_at: datetime | None


class KeptFileRounds:
    """Reads the kept files on the caller's thread, each once in a round."""

    def __init__(self, database: Database, folder: Quarantine, clock: Callable[[], datetime], days: float) -> None:
        """`days` is the length of a round; 0 turns it off."""
        self._database = database
        self._folder = folder
        self._clock = clock
        self._days = days

    def run(self, seconds: float) -> None:
        """Read what is due, for about that long, at least one file. Raises Unavailable when the database is away."""
        if self._days == 0:
            return
        until = time.monotonic() + seconds
        for file in self._due():
            self._check(file)
            if time.monotonic() >= until:
                return

    def _due(self) -> list[_KeptFile]:
        now, a_round = self._clock(), timedelta(days=self._days)
        damaged = RejectedImage.damaged_at.is_not(None) & (RejectedImage.checked_at < now - min(LOOK_AGAIN, a_round))
        turn = or_(RejectedImage.checked_at.is_(None), RejectedImage.checked_at < now - a_round, damaged)
        query = (
            select(
                RejectedImage.rejection_id,
                RejectedImage.sop_instance_uid,
                RejectedImage.orthanc_instance_id,
                Rejection.study_id,
                func.coalesce(RejectedImage.file_name, ""),
                RejectedImage.damaged_at,
            )
            .join(Rejection, Rejection.id == RejectedImage.rejection_id)
            .where(RejectedImage.status.in_(KEPT), RejectedImage.file_name.is_not(None))
            .where(turn)
            .order_by(RejectedImage.checked_at.is_not(None), RejectedImage.checked_at)
            .limit(AT_ONCE)
        )
        with self._database.read() as session:
            return [_KeptFile(*row) for row in session.execute(query)]

    def _check(self, file: _KeptFile) -> None:
        trouble, now = self._trouble(file.name), self._clock()
        write = self._database.write_relaxed if bool(trouble) == bool(file.damaged_at) else self._database.write
        with write() as session:
            own = update(RejectedImage).where(
                RejectedImage.rejection_id == file.rejection_id,
                RejectedImage.sop_instance_uid == file.sop_instance_uid,
                RejectedImage.file_name == file.name,
                RejectedImage.status.in_(KEPT),
                RejectedImage.damaged_at.is_not_distinct_from(file.damaged_at),
            )
            damaged_at = (file.damaged_at or now) if trouble else None
            changed = own.values(checked_at=now, damaged_at=damaged_at).returning(RejectedImage.rejection_id)
            if session.scalar(changed) is None or bool(trouble) == bool(file.damaged_at):
                return  # taken back meanwhile, or known already
            detail = {"rejection_id": str(file.rejection_id), "sop_instance_uid": file.sop_instance_uid}
            detail |= {"code": trouble} if trouble else {}
            study = session.get_one(Study, file.study_id)
            action = "study.file_damaged" if trouble else "study.file_restored"
            audit.append(session, OURSELVES, audit.study_event(action, study, detail), now)
        if trouble:
            LOGGER.error("the kept file %s of a rejected image is damaged: %s", file.name, trouble)

    def _trouble(self, name: str) -> str:
        """What is wrong with a kept file, or ""."""
        try:
            data = self._folder.read(name)
        except LookupError:
            return MISSING
        except OSError:
            return UNREADABLE
        return "" if hashlib.sha256(data).hexdigest() == sha256_of(name) else CHANGED
