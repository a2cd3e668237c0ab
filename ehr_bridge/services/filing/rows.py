"""The rows of documents: written with the version that they show, and changed with what changes there."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.results.documents import ReportDocument
from ehr_bridge.db.tables.results.reports import Report, ReportVersion
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom.new_uids import new_uid
from ehr_bridge.reporting.documents import Place, Reference
from ehr_bridge.reporting.encapsulated import ENCAPSULATED_PDF
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import DocumentForm, DocumentStatus, ReportStatus
from ehr_bridge.reporting.structured_report import BASIC_TEXT_SR

FIRST_SERIES = 9901
"""Behind all series of modalities."""
STANDING = (DocumentStatus.DUE, DocumentStatus.FILED)


def is_of_patient(study: Study, report: Report) -> bool:
    """Whether the study is certainly that of the report's patient: only then are its documents in it, whatever a person
    has decided about the report."""
    return study.link_status == LinkStatus.LINKED and study.patient_id == report.patient_id


def note_issued(session: Session, report: Report, version: Version, now: datetime) -> None:
    """Called whenever listeners of reports are told (`reporting.issuing.Listener`). Where a report is filed says the
    report, not its version: its images may have come later."""
    uid = report.study_instance_uid
    if uid is None:
        return
    rows = list(session.scalars(select(ReportDocument).where(ReportDocument.report_id == report.id)))
    study = session.scalar(select(Study).where(Study.study_instance_uid == uid))
    if study is not None and study.deleted_at is None and not is_of_patient(study, report):
        _take_out(rows)
        return
    if not any(row.number == version.number for row in rows):
        session.flush()  # the version comes first
        session.add_all(_row(report.id, version.number, form, 1, uid, now) for form in DocumentForm)
        for row in rows:
            row.is_superseded = True
        if version.status is ReportStatus.ENTERED_IN_ERROR:
            _take_out(rows)
    elif not any(row.status in STANDING for row in rows):
        is_withdrawn = version.status is ReportStatus.ENTERED_IN_ERROR  # of that only the notice stands
        session.add_all(again(row, now) for row in _latest(rows) if not is_withdrawn or row.number == version.number)


def _take_out(rows: list[ReportDocument]) -> None:
    for row in rows:
        if row.status in STANDING:
            row.status, row.is_to_be_compared, row.retry_at = DocumentStatus.LEAVING, False, None


def _latest(rows: list[ReportDocument]) -> list[ReportDocument]:
    """The latest making of each document."""
    found: dict[tuple[int, str], ReportDocument] = {}
    for row in sorted(rows, key=lambda row: row.making):
        found[row.number, row.form] = row
    return list(found.values())


def again(row: ReportDocument, now: datetime) -> ReportDocument:
    """The next making of a document."""
    new = _row(row.report_id, row.number, row.form, row.making + 1, row.study_instance_uid, now)
    new.is_superseded = row.is_superseded
    return new


def _row(
    report_id: uuid.UUID, number: int, form: DocumentForm, making: int, study_instance_uid: str, now: datetime
) -> ReportDocument:
    """With new UIDs: if a version is issued again after an older database was restored, the archive has the first text
    under the former ones, and keeps it."""
    return ReportDocument(
        report_id=report_id,
        number=number,
        form=form,
        making=making,
        status=DocumentStatus.DUE,
        is_superseded=False,
        is_to_be_compared=False,
        study_instance_uid=study_instance_uid,
        sop_instance_uid=new_uid(),
        series_instance_uid=new_uid(),
        attempts=0,
        created_at=now,
    )


def place_of(row: ReportDocument) -> Place:
    """A series of its own, SR before PDF, in the order of the versions."""
    behind = 2 * (row.number - 1) + (row.form is DocumentForm.PDF)
    return Place(row.sop_instance_uid, row.series_instance_uid, FIRST_SERIES + behind)


def predecessors(session: Session, row: ReportDocument, replaces: int | None) -> list[Reference]:
    """The document of the version before it, in the same form."""
    if replaces is None:
        return []
    query = select(ReportDocument).where(
        ReportDocument.report_id == row.report_id,
        ReportDocument.number == replaces,
        ReportDocument.form == row.form,
    )
    latest = session.scalar(query.order_by(ReportDocument.making.desc()).limit(1))
    return [] if latest is None else [reference(latest)]


def reference(row: ReportDocument) -> Reference:
    """As another document names it."""
    sop_class = BASIC_TEXT_SR if row.form is DocumentForm.SR else ENCAPSULATED_PDF
    return Reference(sop_class, row.sop_instance_uid, row.series_instance_uid, row.study_instance_uid)


def is_replaced_later(session: Session, row: ReportDocument) -> bool:
    """Whether what takes its place is still to be stored."""
    next_one = session.get(ReportDocument, (row.report_id, row.number, row.form, row.making + 1))
    return next_one is not None and next_one.status is DocumentStatus.DUE


def filed_pdf(session: Session, report_id: uuid.UUID, number: int) -> str | None:
    """The archive's id of the PDF of a version."""
    filed = select(ReportDocument.orthanc_instance_id).where(
        ReportDocument.report_id == report_id,
        ReportDocument.number == number,
        ReportDocument.form == DocumentForm.PDF,
        ReportDocument.status == DocumentStatus.FILED,
        ~ReportDocument.is_to_be_compared,
    )
    return session.scalar(filed)


def version_row(session: Session, row: ReportDocument) -> ReportVersion:
    return session.get_one(ReportVersion, (row.report_id, row.number))


def try_again_at(session: Session, row: ReportDocument, at: datetime, failure: str | None = None) -> None:
    """Let go of a document until then; with a failure, count the attempt."""
    mine = update(ReportDocument).where(
        ReportDocument.sop_instance_uid == row.sop_instance_uid,
    )
    attempts = row.attempts + (failure is not None)
    session.execute(mine.values(retry_at=at, leased_until=None, failure=failure, attempts=attempts))
