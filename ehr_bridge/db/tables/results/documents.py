"""The table of documents: files in the studies that show versions of reports."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import column_of, is_one_of
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.results.reports import ReportVersion
from ehr_bridge.reporting.states import DocumentForm, DocumentStatus

_UNDONE = DocumentStatus.DUE, DocumentStatus.LEAVING
TO_DO = f"{is_one_of('status', _UNDONE)} OR is_to_be_compared"
IS_TO_DO = f"({is_one_of('report_documents.status', _UNDONE)} OR report_documents.is_to_be_compared)"
"""The same in a statement. As a condition with parameters, SQLite would not take the index and would read the table."""


class ReportDocument(Base):
    """One file of a version in one form. A version whose patient is corrected gets another one, the next making.

    Its UIDs are written down before it is stored, so that storing it again makes no second one, and no door takes it
    for an image.
    """

    __tablename__ = "report_documents"
    __table_args__ = (
        ForeignKeyConstraint(["report_id", "number"], [ReportVersion.report_id, ReportVersion.number]),
        Index("ix_report_documents_to_do", "status", sqlite_where=text(TO_DO), postgresql_where=text(TO_DO)),
        Index("ix_report_documents_study_instance_uid", "study_instance_uid"),
    )

    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """Of the version."""
    form: Mapped[DocumentForm] = mapped_column(column_of(DocumentForm, "form"), primary_key=True)
    making: Mapped[int] = mapped_column(primary_key=True)
    """From 1."""
    status: Mapped[DocumentStatus] = mapped_column(column_of(DocumentStatus, "status"))
    is_superseded: Mapped[bool] = mapped_column(default=False)
    """A later version of the report was issued."""
    is_to_be_compared: Mapped[bool] = mapped_column(default=False)
    """Files of the study have changed: it may show another patient than they do."""
    study_instance_uid: Mapped[str] = mapped_column(UID)
    sop_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    series_instance_uid: Mapped[str] = mapped_column(UID)
    orthanc_instance_id: Mapped[str | None] = mapped_column(String(44), unique=True)
    """From before it is stored."""
    made_of: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the patient and study attributes that it shows."""
    node: Mapped[str | None] = mapped_column(String(36))
    """Which node is making it."""
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(255))
    """Why the last attempt failed: a code, or an exception and where it was raised."""
    created_at: Mapped[datetime]
    filed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
