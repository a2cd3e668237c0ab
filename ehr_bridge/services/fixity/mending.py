"""A stored file that is damaged or gone gets the one that somebody sends again.

The archive keeps what it has when an instance comes again, whatever is left of it. So its copy is read first, and where
it is certainly not what was stored (`fixity`), it is kept aside and the new one takes its place.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.archive.storing import Archive, Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.fixity.check import UNREADABLE, FixityCheck

LOGGER = logging.getLogger(__name__)
DAMAGED = "damaged"


class Mending:
    def __init__(self, database: Database, clock: Callable[[], datetime], keep: Callable[[bytes, str], object]) -> None:
        """`keep` puts a file, and why, where people look for what the archive could not keep."""
        self._database = database
        self._clock = clock
        self._keep = keep
        self._checks = FixityCheck(database, clock)
        self._one_at_a_time = threading.Lock()

    def is_due(self, archive: Archive, orthanc_instance_id: str) -> bool:
        """Whether the archive's file is certainly not what was stored. False when nobody can say just now."""
        try:
            return self._checks.look(archive, orthanc_instance_id) not in ("", UNREADABLE)
        except Unavailable:
            return False

    def mend(self, archive: Archive, orthanc_instance_id: str, data: bytes, origin: Origin) -> Stored | None:
        """Store `data`, the same instance, where the archive's file of it is damaged; None, and nothing done, where it
        is whole, nobody knows, or the disk does not let itself be read.

        Killed on the way, it leaves an instance that is stored when it is sent again.

        Raises:
            Unavailable: the database, the archive or the folder of what is kept aside is away.
        """
        with self._one_at_a_time:  # a second sender finds it whole, and takes nothing out
            trouble = self._checks.look(archive, orthanc_instance_id)
            if trouble in ("", UNREADABLE):
                return None
            self._put_aside(archive, orthanc_instance_id)
            archive.delete(orthanc_instance_id)
            stored = archive.store(data)
            if stored.is_duplicate:
                return None  # a modality sent it in this very moment
            self._note(orthanc_instance_id, data, trouble, origin)
        LOGGER.warning("the stored file of instance %s was %s and is mended", orthanc_instance_id, trouble)
        return stored

    def _put_aside(self, archive: Archive, orthanc_instance_id: str) -> None:
        try:
            self._keep(archive.read(orthanc_instance_id), DAMAGED)
        except LookupError:
            return
        except OSError as error:
            raise Unavailable("archive_unavailable", "The quarantine folder cannot be written.") from error

    def _note(self, orthanc_instance_id: str, data: bytes, trouble: str, origin: Origin) -> None:
        row = Instance.orthanc_instance_id == orthanc_instance_id
        with self._database.write() as session:
            session.execute(update(Instance).where(row).values(stored_digest=stored_digest(data), damaged_at=None))
            study = session.scalars(select(Study).join(Instance, Instance.study_id == Study.id).where(row)).one()
            detail = {"orthanc_instance_id": orthanc_instance_id, "code": trouble, "by": "sent again"}
            audit.append(session, origin, audit.study_event("study.file_restored", study, detail), self._clock())
