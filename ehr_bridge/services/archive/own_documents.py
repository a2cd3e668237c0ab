"""Which files of the archive are ours: documents of reports and rejection notes, never to be taken for images of a
modality.

They have rows of their own and none in `instances`. So no one judges, links or counts them, and no job that changes a
study's files works on them: they are made again instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import RejectionStatus
from ehr_bridge.db.tables.results.documents import ReportDocument
from ehr_bridge.db.tables.results.rejections import Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import Header
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.reporting.encapsulated import ENCAPSULATED_PDF
from ehr_bridge.reporting.states import KEY_OBJECT_SELECTION, DocumentStatus
from ehr_bridge.reporting.structured_report import BASIC_TEXT_SR
from ehr_bridge.services.archive.rejected_images import taken_out_since

OWN_DOCUMENT = "own_document"
CLASSES = frozenset({BASIC_TEXT_SR, ENCAPSULATED_PDF, KEY_OBJECT_SELECTION})
PAGE = 500


class OwnDocuments:
    """Asks the database only for files of the SOP classes that documents have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_foreign(self, header: Header) -> None:
        """Raises RefusedInstance `own_document` for one that comes back, from a medium or another archive."""
        if header.sop_class_uid not in CLASSES:
            return
        uid = header.sop_instance_uid
        known = exists().where(ReportDocument.sop_instance_uid == uid)
        if header.sop_class_uid == KEY_OBJECT_SELECTION:
            known = exists().where(Rejection.note_sop_uid == uid)
        with self._database.read() as session:
            if session.scalar(select(known)):
                raise RefusedInstance(
                    "own_document", "This file was made and filed here; it is made here again whenever it is needed."
                )


def own_ids(session: Session, orthanc_instance_ids: Iterable[str]) -> set[str]:
    """Those of these instances that are documents of ours."""
    ids, found = list(orthanc_instance_ids), set[str]()
    for start in range(0, len(ids), PAGE):
        page = ReportDocument.orthanc_instance_id.in_(ids[start : start + PAGE])
        found |= {one for one in session.scalars(select(ReportDocument.orthanc_instance_id).where(page)) if one}
        note = Rejection.note_orthanc_id.in_(ids[start : start + PAGE])
        found |= {one for one in session.scalars(select(Rejection.note_orthanc_id).where(note)) if one}
    return found


def documents_of(session: Session, study_instance_uid: str) -> set[str]:
    """The archive's ids of all documents that a study has or had."""
    of_study = ReportDocument.study_instance_uid == study_instance_uid
    documents = session.scalars(select(ReportDocument.orthanc_instance_id).where(of_study))
    of_study = Study.study_instance_uid == study_instance_uid
    query = select(Rejection.note_orthanc_id).join(Study, Study.id == Rejection.study_id).where(of_study)
    return {one for one in [*documents, *session.scalars(query)] if one}


def left_since(session: Session, study_instance_uid: str, moment: datetime) -> set[str]:
    """The archive's ids of the documents that a study has lost since then, and of the images that were rejected."""
    left = select(ReportDocument.orthanc_instance_id).where(
        ReportDocument.study_instance_uid == study_instance_uid, ReportDocument.removed_at >= moment
    )
    documents = {one for one in session.scalars(left) if one}
    study = session.scalar(select(Study.id).where(Study.study_instance_uid == study_instance_uid))
    return documents if study is None else documents | taken_out_since(session, study, moment)


def compare_documents(session: Session, study_instance_uid: str) -> None:
    """The files of a study have changed: its documents may show another patient than they do."""
    changed = update(ReportDocument).where(
        ReportDocument.study_instance_uid == study_instance_uid,
        ReportDocument.status.in_((DocumentStatus.DUE, DocumentStatus.FILED)),
    )
    session.execute(changed.values(is_to_be_compared=True))
    study = select(Study.id).where(Study.study_instance_uid == study_instance_uid).scalar_subquery()
    noted = update(Rejection).where(Rejection.study_id == study, Rejection.status == RejectionStatus.REJECTED)
    session.execute(noted.values(is_due=True, retry_at=None))


def forget_documents(session: Session, study_instance_uid: str, now: datetime) -> None:
    """A study was purged, with its documents. One that a node works on may be stored only now: it is to leave."""
    of_study = ReportDocument.study_instance_uid == study_instance_uid
    gone = update(ReportDocument).where(of_study, ReportDocument.status != DocumentStatus.REMOVED)
    is_made = gone.where(ReportDocument.leased_until.is_not(None))
    session.execute(is_made.values(status=DocumentStatus.LEAVING, is_to_be_compared=False, retry_at=None))
    is_idle = gone.where(ReportDocument.leased_until.is_(None))
    session.execute(is_idle.values(status=DocumentStatus.REMOVED, is_to_be_compared=False, removed_at=now))
