"""Tables of stored instances, the upload log, and files that did not become a new instance."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.reporting.states import KEY_OBJECT_SELECTION

IS_KEY_OBJECT = f"sop_class_uid = '{KEY_OBJECT_SELECTION}'"


class Instance(Base):
    """One stored SOP instance, recorded once, whatever door it came through."""

    __tablename__ = "instances"
    __table_args__ = (
        Index("ix_instances_study_id_series_instance_uid", "study_id", "series_instance_uid"),
        Index(
            "ix_instances_damaged",
            "damaged_at",
            sqlite_where=text("damaged_at IS NOT NULL"),
            postgresql_where=text("damaged_at IS NOT NULL"),
        ),
        Index(
            "ix_instances_unclassed",
            "orthanc_instance_id",
            sqlite_where=text("sop_class_uid IS NULL"),
            postgresql_where=text("sop_class_uid IS NULL"),
        ),
        Index(
            "ix_instances_key_objects",
            "received_at",
            sqlite_where=text(IS_KEY_OBJECT),
            postgresql_where=text(IS_KEY_OBJECT),
        ),
    )

    orthanc_instance_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id))
    upload_log_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dicom_upload_logs.id"), index=True)
    file_name: Mapped[str | None] = mapped_column(String(255))
    series_instance_uid: Mapped[str] = mapped_column(UID, index=True)
    sop_instance_uid: Mapped[str] = mapped_column(UID, index=True)
    modality: Mapped[str] = mapped_column(String(16))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    door: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime]
    received_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    """Of the file as sent, before coercion; None where the bridge did not get the file itself (C-STORE, catch-up)."""
    stored_digest: Mapped[str | None] = mapped_column(String(80))
    """Of the file as it is in the archive (`services.archive.file_digests`); None where it was not read yet."""
    damaged_at: Mapped[datetime | None]
    """When its file was last found missing or changed."""
    sop_class_uid: Mapped[str | None] = mapped_column(UID)
    """None where it was not recorded on arrival and not asked for yet; '' where the file does not say."""


class DicomUploadLog(Base):
    """One delivery of one study by one actor through one door: an entry of the upload log."""

    __tablename__ = "dicom_upload_logs"
    __table_args__ = (
        UniqueConstraint("upload_id", "study_instance_uid", "uploaded_by"),
        *(
            Index(f"ix_dicom_upload_logs_{column}_uploaded_at", column, "uploaded_at")
            for column in ("uploaded_by", "source_address", "upload_status")
        ),
        Index(
            "ix_dicom_upload_logs_under_way",
            "under_way_since",
            sqlite_where=text("under_way_since IS NOT NULL"),
            postgresql_where=text("under_way_since IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    upload_id: Mapped[uuid.UUID]
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Patient.id), index=True)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    uploaded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(User.id))
    uploaded_by: Mapped[str] = mapped_column(String(255))
    """Subject of the token, or the calling AE title."""
    source_address: Mapped[str | None] = mapped_column(String(64))
    """Network address of the sender, where it is known."""
    announced_files: Mapped[int | None]
    """How many files the sender announced for the whole upload."""
    study_instance_uid: Mapped[str] = mapped_column(UID, index=True)
    orthanc_study_id: Mapped[str | None] = mapped_column(String(64), index=True)
    number_of_files: Mapped[int]
    number_of_duplicates: Mapped[int]
    total_size_bytes: Mapped[int] = mapped_column(BigInteger)
    original_patient_id: Mapped[str | None] = mapped_column(String(64))
    original_patient_name: Mapped[str | None] = mapped_column(String(255))
    original_accession_number: Mapped[str | None] = mapped_column(String(64))
    original_study_date: Mapped[str | None] = mapped_column(String(8))
    original_modality: Mapped[str | None] = mapped_column(String(16))
    modified_patient_id: Mapped[str | None] = mapped_column(String(64))
    modified_patient_name: Mapped[str | None] = mapped_column(String(255))
    modified_accession_number: Mapped[str | None] = mapped_column(String(64))
    tags_modified: Mapped[bool] = mapped_column(default=False)
    upload_status: Mapped[str] = mapped_column(String(20))
    error_message: Mapped[str | None] = mapped_column(Text)
    uploaded_at: Mapped[datetime] = mapped_column(index=True)
    upload_source: Mapped[str] = mapped_column(String(20))
    upload_duration_seconds: Mapped[float | None]
    is_deleted: Mapped[bool] = mapped_column(default=False)
    under_way_since: Mapped[datetime | None]
    """Set while more files are expected: the request is still running, or fewer came than were announced."""
    under_way_on: Mapped[str | None] = mapped_column(String(64))
    """The node that was the last to set it."""
    interrupted_at: Mapped[datetime | None]
    """When it was closed because its request had died, or nothing more came."""


class DicomUploadSkip(Base):
    """A file of an upload that did not become a new instance: a duplicate, or one that failed."""

    __tablename__ = "dicom_upload_skips"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    upload_log_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dicom_upload_logs.id"), index=True)
    file_name: Mapped[str | None] = mapped_column(String(255))
    sop_instance_uid: Mapped[str | None] = mapped_column(UID)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(64))
    received_sha256: Mapped[str | None] = mapped_column(String(64))
