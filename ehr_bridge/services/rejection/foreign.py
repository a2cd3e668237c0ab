"""Rejection notes of other systems: recognised among the key object documents that arrive, and proposed to a person.

Nothing is put aside on the word of another system. The note itself stays where it arrived.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import RejectedFile, RejectionReason, RejectionStatus
from ehr_bridge.db.tables.results.rejections import Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.reporting.rejection_note import ForeignNote, read_note
from ehr_bridge.reporting.states import KEY_OBJECT_SELECTION
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.rejection.rejections import image_of

LOGGER = logging.getLogger(__name__)
WATCHED = timedelta(days=7)
"""How long after a note arrived its images may still come."""
AT_ONCE = 20


class ForeignNotes:
    """Not thread-safe: only the worker uses it."""

    def __init__(self, database: Database, clock: Callable[[], datetime], node: str) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._looked_at: dict[str, int] = {}
        """Notes that propose nothing, with the number of images that their study had then."""

    def run(self, archive: Archive) -> int:
        """Look at notes that are new; returns how many proposals they are. Raises Unavailable."""
        proposed = exists().where(Rejection.foreign_note_uid == Instance.sop_instance_uid)
        query = select(Instance.orthanc_instance_id, Study.id, Study.number_of_instances)
        query = query.join(Study, Study.id == Instance.study_id).where(
            Instance.sop_class_uid == KEY_OBJECT_SELECTION,
            Instance.received_at > self._clock() - WATCHED,
            Study.deleted_at.is_(None),
            Study.is_settled,
            ~proposed,
        )
        with self._database.read() as session:
            found = {key: (study_id, number) for key, study_id, number in session.execute(query)}
        new = [key for key, (_, number) in found.items() if self._looked_at.get(key) != number]
        self._looked_at = {key: number for key, number in self._looked_at.items() if key in found}
        return sum(self._look(key, *found[key], archive) for key in new[:AT_ONCE])

    def _look(self, instance_id: str, study_id: uuid.UUID, number: int, archive: Archive) -> bool:
        self._looked_at[instance_id] = number
        try:
            note = read_note(read_header(archive.read(instance_id)))
        except (LookupError, RefusedInstance):
            return False
        except Exception as error:  # what others write may be anything; the images stay in use
            LOGGER.warning("key object document %s cannot be read: %s", instance_id, type(error).__name__)
            return False
        if note is None:
            return False
        with self._database.write() as session:
            return self._propose(session, instance_id, study_id, note)

    def _propose(self, session: Session, instance_id: str, study_id: uuid.UUID, note: ForeignNote) -> bool:
        document = session.get(Instance, instance_id)
        study = session.get(Study, study_id)
        if document is None or study is None:
            return False
        named = {image.sop_instance_uid for image in note.images}
        images = session.scalars(select(Instance).where(Instance.study_id == study_id)).all()
        here = {one.sop_instance_uid: one for one in images if one.sop_instance_uid in named}
        here.pop(document.sop_instance_uid, None)
        if not here:
            return False
        now, log = self._clock(), session.get(DicomUploadLog, document.upload_log_id)
        rejection = Rejection(
            id=uuid.uuid4(),
            study_id=study_id,
            status=RejectionStatus.PROPOSED,
            reason=RejectionReason(note.reason),
            comment=note.comment,
            number_of_images=len(here),
            requested_by=log.uploaded_by if log is not None else OURSELVES.actor,
            requested_at=now,
            foreign_note_uid=document.sop_instance_uid,
            node=self._node,
            is_due=False,
        )
        session.add(rejection)
        session.flush()
        session.add_all(image_of(rejection, one, RejectedFile.BACK, now) for one in here.values())
        detail = {"rejection_id": str(rejection.id), "reason": note.reason, "instances": len(here)}
        audit.append(session, OURSELVES, audit.study_event("images.rejection_proposed", study, detail), now)
        return True
