"""The PDF of a version, for readers: the one that is filed, or one that is made for them."""

from __future__ import annotations

import uuid
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.results.reports import Report, ReportAttachment
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.dicom.values import date_text
from ehr_bridge.reporting.documents import Subject
from ehr_bridge.reporting.received import PDF
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.filing.making import Maker
from ehr_bridge.services.filing.rows import filed_pdf, is_of_patient
from ehr_bridge.services.identity.attributes import wanted_values
from ehr_bridge.services.reporting.rows import orders_of


class ReadableArchive(Protocol):
    """The PACS, for reading."""

    def read(self, orthanc_instance_id: str) -> bytes:
        """The stored file. Raises LookupError when it is gone."""


class ReportPdfs:
    def __init__(self, database: Database, maker: Maker) -> None:
        self._database = database
        self._maker = maker

    def pdf(self, version: Version, archive: ReadableArchive) -> bytes:
        """Of a version that the caller may read: as its sender has printed it, if it came with a PDF from outside."""
        with self._database.read() as session:
            if (printed := printed_outside(session, version)) is not None:
                return printed
            is_theirs = _study(session, session.get_one(Report, version.report_id)) is not None
            filed = filed_pdf(session, version.report_id, version.number) if is_theirs else None
        if filed is not None:
            try:
                return _pdf_in(archive.read(filed))
            except LookupError:
                pass
        with self._database.read() as session:
            subject = _subject(session, version.report_id)
        return self._maker.pdf(version, subject)


def printed_outside(session: Session, version: Version) -> bytes | None:
    """The first PDF that came with a version from outside. Of one that was withdrawn there is none."""
    if version.outside is None or version.status is ReportStatus.ENTERED_IN_ERROR:
        return None
    for position, one in enumerate(version.outside.attachments):
        if one.content_type == PDF:
            return session.get_one(ReportAttachment, (version.report_id, version.number, position)).content
    return None


def _pdf_in(file: bytes) -> bytes:
    dataset = read_dataset(read_header(file))
    pdf: bytes = dataset.EncapsulatedDocument
    return pdf[: dataset.EncapsulatedDocumentLength]


def _study(session: Session, report: Report) -> Study | None:
    """The report's study, where it is its patient's."""
    study = session.scalar(select(Study).where(Study.study_instance_uid == report.study_instance_uid))
    return study if study is not None and is_of_patient(study, report) else None


def _subject(session: Session, report_id: uuid.UUID) -> Subject:
    """The report's patient, and the study only where it is that patient's."""
    report = session.get_one(Report, report_id)
    patient = session.get_one(Patient, report.patient_id)
    order = next(iter(orders_of(report)), None)
    values = dict(wanted_values(patient, order))
    if (study := _study(session, report)) is not None:
        values["StudyDescription"] = study.study_description or ""
        values["StudyDate"] = date_text(study.study_date)
    return Subject.said(values)
