"""Replaces a stored file that is damaged or missing when somebody sends it again.

The archive keeps what it has when an instance arrives again, even a damaged file. So its copy is read first; if it is
certainly not what was stored (`fixity`), it is quarantined and the new one takes its place. The new one need not have
the recorded digest: since a correction no sender has those bytes, and what comes may be the only copy there is. Whether
it has is in the audit trail.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any

from sqlalchemy import func, select, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.file_digests import NO_FILES, is_whole, stored_digest
from ehr_bridge.services.archive.storing import Archive, Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.fixity.check import MISSING, UNREADABLE, UNSETTLED, FixityCheck

LOGGER = logging.getLogger(__name__)
DAMAGED = "damaged"
NO_DAMAGE = frozenset({"", UNREADABLE, UNSETTLED})
"""What is no reason to replace a file: a disk may be back in a minute, and a digest be another copy's."""
MENDING = 0x45484D44
"""First key of PostgreSQL's advisory lock of the node that mends; the second is of the image."""


class Mending:
    def __init__(self, database: Database, clock: Callable[[], datetime], keep: Callable[[bytes, str], object]) -> None:
        """`keep` stores a file, with the reason, for people to examine (quarantine)."""
        self._database = database
        self._clock = clock
        self._keep = keep
        self._checks = FixityCheck(database, clock)
        self._one_at_a_time = threading.Lock()

    def is_due(self, archive: Archive, orthanc_instance_id: str) -> bool:
        """Whether the archive's file is certainly not what was stored. False when that is unknown."""
        try:
            return self._checks.look(archive, orthanc_instance_id) not in NO_DAMAGE
        except Unavailable:
            return False

    def mend(self, archive: Archive, orthanc_instance_id: str, data: bytes, origin: Origin) -> Stored | None:
        """Store `data`, the same instance, in place of a damaged file; None, and nothing done, if the file is whole,
        its state is unknown, or the disk cannot be read.

        If killed in between, the instance is missing until it is sent again. Raises Unavailable when the database, the
        archive or the quarantine folder is away.
        """
        if self._checks.look(archive, orthanc_instance_id) == "":
            return None  # whole, as nearly always: nobody waits for another who looks
        with self._alone(orthanc_instance_id):  # a second sender finds it whole, and removes nothing
            trouble = self._checks.look(archive, orthanc_instance_id)
            if trouble in NO_DAMAGE:
                return None
            self._put_aside(archive, orthanc_instance_id, trouble)
            archive.delete(orthanc_instance_id)
            stored = archive.store(data)
            if stored.is_duplicate:
                return None  # a modality has sent it at this very moment
            self._note(orthanc_instance_id, data, trouble, origin)
        LOGGER.warning("the stored file of instance %s was %s and is mended", orthanc_instance_id, trouble)
        return stored

    @contextmanager
    def _alone(self, orthanc_instance_id: str) -> Iterator[None]:
        """While no other thread of this node mends, and no other node this image. Raises Unavailable when the database
        is away, or the other node does not get on."""
        with self._one_at_a_time:
            if self._database.is_sqlite:
                yield
                return
            with self._database.write_relaxed() as session:
                session.execute(select(func.pg_advisory_xact_lock(MENDING, func.hashtext(orthanc_instance_id))))
                yield

    def _put_aside(self, archive: Archive, orthanc_instance_id: str, trouble: str) -> None:
        try:
            self._keep(archive.read(orthanc_instance_id), DAMAGED)
        except LookupError as error:
            if trouble != MISSING:  # it was there a moment ago, and nothing is deleted before it is kept
                raise Unavailable("archive_unavailable", "The archive does not return its copy.") from error
        except OSError as error:
            raise Unavailable("archive_unavailable", "The quarantine folder cannot be written.") from error

    def _note(self, orthanc_instance_id: str, data: bytes, trouble: str, origin: Origin) -> None:
        row = Instance.orthanc_instance_id == orthanc_instance_id
        with self._database.write() as session:
            is_same = _is_same(session.scalar(select(Instance.stored_digest).where(row)), data)
            session.execute(update(Instance).where(row).values(stored_digest=stored_digest(data), damaged_at=None))
            study = session.scalars(select(Study).join(Instance, Instance.study_id == Study.id).where(row)).one()
            detail: dict[str, Any] = {"orthanc_instance_id": orthanc_instance_id, "code": trouble, "by": "sent again"}
            detail["is_as_stored"] = is_same
            audit.append(session, origin, audit.study_event("study.file_restored", study, detail), self._clock())


def _is_same(digest: str | None, data: bytes) -> bool | None:
    """Whether these are the bytes that were lost; None when that is unknown."""
    return None if digest is None or digest == NO_FILES else is_whole(BytesIO(data), digest)
