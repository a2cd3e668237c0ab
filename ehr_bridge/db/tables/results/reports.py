"""The tables of reports: what is being written, what was issued, who was told, templates and macros."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ehr_bridge.db.states import column_of
from ehr_bridge.db.tables.base import UID, Base, Dated
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.reporting.critical import CriticalLevel, Way
from ehr_bridge.reporting.states import ReportStatus

SUBJECT = String(255)
NEW = "new"
"""The open draft of a report that nobody has signed yet; any other is a word of `AMENDMENTS`."""
IS_DRAFT = "draft_kind IS NOT NULL"
IS_CRITICAL = "critical_level IS NOT NULL"
IS_OUTSIDE = "sender IS NOT NULL"
IS_DOUBTED = "doubt IS NOT NULL"


class Report(Dated, Base):
    """One report: how far it is, what is being written of it, and who writes. Its versions: `ReportVersion`."""

    __tablename__ = "reports"
    __table_args__ = (
        Index("ix_reports_issued_at_id", "issued_at", "id"),
        Index("ix_reports_status", "status", "id"),
        Index("ix_reports_number", "number", "status", "id"),
        Index("ix_reports_drafts", "draft_author", sqlite_where=text(IS_DRAFT), postgresql_where=text(IS_DRAFT)),
        Index(
            "ix_reports_critical", "critical_level", sqlite_where=text(IS_CRITICAL), postgresql_where=text(IS_CRITICAL)
        ),
        Index("ix_reports_doubt", "doubt", sqlite_where=text(IS_DOUBTED), postgresql_where=text(IS_DOUBTED)),
        Index(
            "ix_reports_sender",
            "sender",
            "sender_number",
            unique=True,
            sqlite_where=text(IS_OUTSIDE),
            postgresql_where=text(IS_OUTSIDE),
        ),
        Index(
            "ix_reports_sender_number",
            "sender_number",
            sqlite_where=text(IS_OUTSIDE),
            postgresql_where=text(IS_OUTSIDE),
        ),
    )
    NOT_SHOWN: ClassVar[frozenset[str]] = frozenset({"written_for_id"})

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    status: Mapped[ReportStatus] = mapped_column(
        column_of(ReportStatus, "status"), default=ReportStatus.DRAFT, active_history=True
    )
    """Of the latest version that was issued; `draft` while there is none."""
    number: Mapped[int] = mapped_column(default=0, active_history=True)
    """Of that version; 0 while there is none."""
    issued_at: Mapped[datetime | None]
    """When that version was issued."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), index=True, active_history=True)
    """Whose it is: the patient of its order, and without an order the one for whom it was written; follows merges."""
    written_for_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id))
    """The record for which it was begun, which a merge leaves as it is."""
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    """The primary one of the orders it answers; None: a study without an order."""
    study_instance_uid: Mapped[str | None] = mapped_column(UID, index=True)
    """None: no images were made."""
    title: Mapped[str] = mapped_column(String(128))
    language: Mapped[str] = mapped_column(String(35))
    template: Mapped[str | None] = mapped_column(String(64))
    """The name of the template it was begun with."""
    draft_kind: Mapped[str | None] = mapped_column(String(16))
    """What the open draft is to become: `new`, or a kind of amendment; None: nothing is being written."""
    draft_sections: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    draft_reason: Mapped[str | None] = mapped_column(String(500))
    """Why a signed version is amended."""
    draft_author: Mapped[str | None] = mapped_column(SUBJECT)
    draft_author_name: Mapped[str | None] = mapped_column(SUBJECT)
    draft_revision: Mapped[int] = mapped_column(default=0)
    """How often it was saved."""
    draft_saved_at: Mapped[datetime | None]
    draft_critical_level: Mapped[CriticalLevel | None] = mapped_column(column_of(CriticalLevel, None))
    draft_critical_note: Mapped[str | None] = mapped_column(String(500))
    """What the draft says to be critical; nobody who only reads sees it before it is issued."""
    presigned_by: Mapped[str | None] = mapped_column(SUBJECT)
    presigned_name: Mapped[str | None] = mapped_column(SUBJECT)
    """Who has signed the draft as it stands, where a supervisor has to sign after them."""
    claimed_by: Mapped[str | None] = mapped_column(SUBJECT)
    claimed_name: Mapped[str | None] = mapped_column(SUBJECT)
    claimed_until: Mapped[datetime | None]
    critical_level: Mapped[CriticalLevel | None] = mapped_column(column_of(CriticalLevel, None), active_history=True)
    """The critical result that was issued, or that somebody was told of."""
    critical_note: Mapped[str | None] = mapped_column(String(500))
    critical_told_at: Mapped[datetime | None]
    """When somebody was reached who had to know; None: it is open."""
    doubt: Mapped[str | None] = mapped_column(String(16))
    """Why a signed report is not delivered until somebody decides: `moved`, `unlinked`, `orders`."""
    doubted_at: Mapped[datetime | None]
    sender: Mapped[str | None] = mapped_column(SUBJECT)
    """Which other system wrote it: a source of HL7, else MSH-3 and MSH-4; by FHIR, who sent it. None: it is ours."""
    sender_application: Mapped[str | None] = mapped_column(SUBJECT)
    """MSH-3 of its first message."""
    sender_number: Mapped[str | None] = mapped_column(SUBJECT)
    """By which its sender knows it."""

    orders: Mapped[list[ReportOrder]] = relationship(
        lazy="selectin", order_by="ReportOrder.position", cascade="all, delete-orphan"
    )
    """The orders it answers, the primary one first."""
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True, foreign_keys=[patient_id])


class ReportOrder(Base):
    """That a report answers an order: all orders of a study have one report."""

    __tablename__ = "report_orders"

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Report.id), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Order.id), primary_key=True, index=True)
    position: Mapped[int]
    """0 for the primary order."""

    order: Mapped[Order] = relationship(lazy="joined", innerjoin=True)


class ReportVersion(Base):
    """What was issued: `ehr_bridge.reporting.report.Version`, the bytes that were signed, and their digest.

    Insert only: the migration's triggers refuse UPDATE on both engines.
    """

    __tablename__ = "report_versions"
    __table_args__ = (Index("ix_report_versions_author_report_id", "author", "report_id"),)

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Report.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[ReportStatus] = mapped_column(column_of(ReportStatus, "status"))
    title: Mapped[str] = mapped_column(String(128))
    language: Mapped[str] = mapped_column(String(35))
    sections: Mapped[list[Any]]
    author: Mapped[str] = mapped_column(SUBJECT, index=True)
    author_name: Mapped[str] = mapped_column(SUBJECT)
    signer: Mapped[str | None] = mapped_column(SUBJECT)
    signer_name: Mapped[str | None] = mapped_column(SUBJECT)
    cosigner: Mapped[str | None] = mapped_column(SUBJECT)
    cosigner_name: Mapped[str | None] = mapped_column(SUBJECT)
    issued_at: Mapped[datetime]
    study_instance_uid: Mapped[str | None] = mapped_column(UID)
    accession_numbers: Mapped[list[Any]]
    replaces: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(500))
    signed_text: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    audit_event_id: Mapped[int] = mapped_column(BigInteger)
    """The event of the audit trail that holds the digest."""
    outside: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`ehr_bridge.reporting.report.Outside`, of a version that another system issued."""


class ReportAttachment(Base):
    """The bytes of a file that came with a version from outside; what it is stands in the version. Insert only."""

    __tablename__ = "report_attachments"
    __table_args__ = (ForeignKeyConstraint(["report_id", "number"], [ReportVersion.report_id, ReportVersion.number]),)

    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """From 0, as in `Outside.attachments`."""
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ReportCommunication(Base):
    """That somebody was told of a critical result, or could not be reached. Insert only, like versions."""

    __tablename__ = "report_communications"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Report.id), index=True)
    version: Mapped[int]
    """The latest version that was issued by then; 0: none."""
    level: Mapped[CriticalLevel] = mapped_column(column_of(CriticalLevel, "level"))
    told: Mapped[str] = mapped_column(String(255))
    """To whom."""
    way: Mapped[Way] = mapped_column(column_of(Way, "way"))
    at: Mapped[datetime]
    was_reached: Mapped[bool]
    read_back: Mapped[bool]
    """They have said it back, and it was right."""
    note: Mapped[str | None] = mapped_column(String(500))
    recorded_by: Mapped[str] = mapped_column(SUBJECT)
    recorded_name: Mapped[str] = mapped_column(SUBJECT)
    recorded_at: Mapped[datetime]


class ReportSeen(Base):
    """The latest version of a report that a person has seen."""

    __tablename__ = "report_seen"

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Report.id), primary_key=True)
    subject: Mapped[str] = mapped_column(SUBJECT, primary_key=True, index=True)
    number: Mapped[int]
    at: Mapped[datetime]


class ReportTemplate(Dated, Base):
    """The sections of a report of one kind, as a clinic has made or imported it."""

    __tablename__ = "report_templates"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(128))
    language: Mapped[str] = mapped_column(String(35))
    modalities: Mapped[list[Any]]
    body_part: Mapped[str | None] = mapped_column(String(16))
    sections: Mapped[list[Any]]
    """`{"code", "title", "text", "required"}`."""
    source: Mapped[str] = mapped_column(String(8))
    """`json` or `mrrt`."""
    changed_by: Mapped[str] = mapped_column(SUBJECT)


class ReportMacro(Dated, Base):
    """A text that its owner puts into a report by a short name."""

    __tablename__ = "report_macros"

    owner: Mapped[str] = mapped_column(SUBJECT, primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
