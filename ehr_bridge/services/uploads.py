"""The upload log: who delivered what, when, from where, and what became of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import DicomUploadLog, DicomUploadSkip, Instance
from ehr_bridge.errors import NotFound
from ehr_bridge.services.paging import Page, fetch_page
from ehr_bridge.services.patients import find_patient
from ehr_bridge.services.recorder import Recorder
from ehr_bridge.services.restrictions import NOTHING, Closed, without


@dataclass(frozen=True, slots=True)
class UploadedFile:
    file_name: str | None
    sop_instance_uid: str | None
    size_bytes: int
    status: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class UploadDetail:
    """One upload: an entry per study it brought, and its files."""

    entries: list[DicomUploadLog]
    files: list[UploadedFile]


class Uploads:
    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def search(self, patient: str | None, limit: int, offset: int, closed: Closed = NOTHING) -> Page[DicomUploadLog]:
        """Entries of the log, newest first; of one patient (id or MRN) if given.

        Raises:
            NotFound: there is no such patient.
        """
        self._recorder.settle()
        query = select(DicomUploadLog).where(without(DicomUploadLog.patient_id, closed))
        query = query.order_by(DicomUploadLog.uploaded_at.desc(), DicomUploadLog.id)
        with self._database.read() as session:
            if patient is not None:
                query = query.where(DicomUploadLog.patient_id == find_patient(session, patient).id)
            return fetch_page(session, query, limit, offset)

    def get(self, upload_id: uuid.UUID) -> UploadDetail:
        """Raises NotFound."""
        self._recorder.settle()
        with self._database.read() as session:
            entries = list(
                session.scalars(
                    select(DicomUploadLog)
                    .where(DicomUploadLog.upload_id == upload_id)
                    .order_by(DicomUploadLog.uploaded_at)
                )
            )
            if not entries:
                raise NotFound("upload_not_found", "The log has no upload with this id.")
            ids = [entry.id for entry in entries]
            stored = session.scalars(
                select(Instance).where(Instance.upload_log_id.in_(ids)).order_by(Instance.received_at)
            )
            files = [UploadedFile(i.file_name, i.sop_instance_uid, i.size_bytes, "stored", None) for i in stored]
            skips = session.scalars(select(DicomUploadSkip).where(DicomUploadSkip.upload_log_id.in_(ids)))
            files += [
                UploadedFile(s.file_name, s.sop_instance_uid, s.size_bytes, s.status, s.error_code) for s in skips
            ]
            return UploadDetail(entries, files)
