"""The tables: users, patients, orders, studies and their links, viewer tokens.

What was stored and through which upload stands in `ehr_bridge.db.tables.uploads`; `audit_events` has a file of its own
(`ehr_bridge.db.tables.audit`), for its own rules.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates

from ehr_bridge.db.types import UtcDateTime
from ehr_bridge.matching.issuers import issuer_key

UID = String(64)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class User(Base):
    """A local account, for places without their own identity provider."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[Any]]
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    """Somebody else chose the password: a sign-in with it may do nothing but choose another."""
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Patient(Base):
    """A person known to the EHR, by medical record number and who gave it; all else may be unknown (emergency)."""

    __tablename__ = "patients"
    __table_args__ = (
        CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name="sex"),
        Index("ix_patients_mrn_issuer_key", "mrn", "issuer_key", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    mrn: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str | None] = mapped_column(String(64))
    """The assigning authority, who gave the MRN; None when nobody has told."""
    issuer_key: Mapped[str] = mapped_column(String(192), default="", server_default="")
    """By which issuers are told apart; '' for none. Follows `issuer` by itself."""
    family_name: Mapped[str | None] = mapped_column(String(64))
    given_name: Mapped[str | None] = mapped_column(String(64))
    middle_name: Mapped[str | None] = mapped_column(String(64))
    prefix: Mapped[str | None] = mapped_column(String(64))
    suffix: Mapped[str | None] = mapped_column(String(64))
    birth_date: Mapped[date | None]
    sex: Mapped[str] = mapped_column(String(8), default="unknown")
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"), index=True)
    """The record that survived when two turned out to be of one person (HL7 A40)."""
    pending_change_id: Mapped[uuid.UUID | None]
    """The correction (`identity_changes`) by which the number may be another person's, until somebody has decided."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @validates("issuer")
    def _follow(self, _: str, issuer: str | None) -> str | None:
        self.issuer_key = issuer_key(issuer)
        return issuer


class Order(Base):
    """An imaging service request (FHIR ServiceRequest), with what it shows of its study."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "status IN ('scheduled', 'arrived', 'in_progress', 'completed', 'reported', 'cancelled')",
            name="status",
        ),
        Index("ix_orders_status_scheduled_at", "status", "scheduled_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    accession_number: Mapped[str] = mapped_column(String(16), unique=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patients.id"), index=True)
    modality: Mapped[str] = mapped_column(String(16))
    description: Mapped[str] = mapped_column(String(64))
    scheduled_at: Mapped[datetime | None]
    ordered_by: Mapped[str | None] = mapped_column(String(64))
    placer_order_number: Mapped[str | None] = mapped_column(String(64))
    requested_procedure_id: Mapped[str | None] = mapped_column(String(16), index=True)
    """As the EHR tells it; None: the accession number stands for it. So with the step."""
    scheduled_procedure_step_id: Mapped[str | None] = mapped_column(String(16), index=True)
    procedure_code: Mapped[str | None] = mapped_column(String(64))
    station_ae_title: Mapped[str | None] = mapped_column(String(16))
    body_part: Mapped[str | None] = mapped_column(String(16))
    laterality: Mapped[str | None] = mapped_column(String(1))
    """L, R or B (both)."""
    priority: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16), default="scheduled")
    arrived_at: Mapped[datetime | None]
    """When it was said that the patient is there."""
    made_here: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Made for a study that had no order, and not told by the EHR yet."""
    told_patient_id: Mapped[uuid.UUID | None]
    """The record under whose number the EHR told it last, also where that was merged into `patient`."""
    scheduled_study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    """Given to the order when it is placed; what the worklist offers and the matcher looks for."""
    study_instance_uid: Mapped[str] = mapped_column(UID, index=True)
    """The study that answers the order: the given one until another is linked."""
    orthanc_study_id: Mapped[str | None] = mapped_column(String(64))
    number_of_series: Mapped[int | None]
    number_of_images: Mapped[int | None]
    study_date: Mapped[date | None]
    study_time: Mapped[time | None]
    uploaded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime | None]
    upload_source: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin="unnested")  # type: ignore[arg-type]
    """Unnested: SQLite would gather all orders and patients first to find those of one study."""


LISTED = "orthanc_study_id IS NOT NULL AND deleted_at IS NULL"
"""What lists show of `studies`; their indexes hold nothing else."""
WITHHELD = "withheld_by_id IS NOT NULL"
WAITS = "link_status IN ('unlinked', 'ambiguous')"
"""Studies without a certain link."""
KEY = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Sorted byte by byte, the same on both engines."""


def _list_index(name: str, *columns: str) -> Index:
    return Index(f"ix_studies_list_{name}", *columns, sqlite_where=text(LISTED), postgresql_where=text(LISTED))


def _waiting_index(of: str) -> Index:
    return Index(f"ix_studies_waiting_{of}", f"match_{of}_id", sqlite_where=text(WAITS), postgresql_where=text(WAITS))


class Study(Base):
    """A study the archive holds or is about to hold: one row per StudyInstanceUID, on every node.

    The row is written before the first instance is stored (the claim), so that every instance of a study, through
    whatever door and node, gets the same identity.
    """

    __tablename__ = "studies"
    __table_args__ = (
        CheckConstraint("link_status IN ('linked', 'unlinked', 'ambiguous')", name="link_status"),
        Index(
            "ix_studies_unsettled",
            "id",
            sqlite_where=text("NOT is_settled"),
            postgresql_where=text("NOT is_settled"),
        ),
        _list_index("id", "id", "created_at", "study_date_key", "link_status", "modality_key"),
        _list_index("created", "created_at", "id", "link_status", "modality_key", "study_date_key"),
        _list_index("study_date", "study_date_key", "id", "link_status", "modality_key"),
        _list_index("patient_name", "patient_name_key", "id", "link_status", "modality_key"),
        _list_index("accession", "accession_key", "id", "link_status", "modality_key"),
        _list_index("link_status", "link_status", "created_at", "id", "modality_key", "study_date_key"),
        _list_index("patient_id", "patient_id_key", "id"),
        _waiting_index("patient"),
        _waiting_index("order"),
        Index("ix_studies_withheld", "withheld_by_id", sqlite_where=text(WITHHELD), postgresql_where=text(WITHHELD)),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    orthanc_study_id: Mapped[str | None] = mapped_column(String(64), index=True)
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"), index=True)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"), index=True)
    link_status: Mapped[str] = mapped_column(String(16))
    is_contradicted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It is ambiguous because its images, or people and EHR, say two patients: only a person decides."""
    withheld_by_id: Mapped[uuid.UUID | None]
    """The correction (`identity_changes`) of its patient that its files do not follow until somebody has decided."""
    match_kind: Mapped[str] = mapped_column(String(16))
    match_score: Mapped[float]
    match_evidence: Mapped[list[Any]]
    match_patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"))
    match_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    """Whom the opinion points to, linked or not."""
    corrections: Mapped[dict[str, Any]]
    """Attributes the uploader corrected; every instance of the study gets them."""
    received_identity: Mapped[dict[str, Any]]
    """What the first instance said of itself, before coercion: keyword to value."""
    coerced: Mapped[list[Any]]
    """What was replaced in its first instance: `{"tag", "before", "after"}`."""
    modalities: Mapped[list[Any]]
    study_date: Mapped[date | None]
    study_time: Mapped[time | None]
    study_description: Mapped[str | None] = mapped_column(String(64))
    study_date_key: Mapped[date] = mapped_column(default=date.min, server_default="0001-01-01")
    patient_name_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    accession_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    modality_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    patient_id_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    """By which studies are listed and found (docs/adr/0008-study-list.md); written by `identity.study_index` alone."""
    number_of_series: Mapped[int] = mapped_column(default=0)
    number_of_instances: Mapped[int] = mapped_column(default=0)
    is_settled: Mapped[bool] = mapped_column(default=True)
    """False while instances are recorded that the counts (here, on the order, in the upload log) do not show yet."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    patient: Mapped[Patient | None] = relationship(lazy="joined", foreign_keys=[patient_id])
    order: Mapped[Order | None] = relationship(lazy="joined", foreign_keys=[order_id])


class StudyLink(Base):
    """The recorded fact that a study answers an order or belongs to a patient: who said so, when, on what evidence."""

    __tablename__ = "study_links"
    __table_args__ = (
        Index(
            "ix_study_links_current",
            "study_id",
            unique=True,
            sqlite_where=text("unlinked_at IS NULL"),
            postgresql_where=text("unlinked_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("studies.id"), index=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patients.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    match_kind: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[list[Any]]
    linked_by: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]


class ViewerToken(Base):
    """A token made to look at certain studies; only its digest is kept."""

    __tablename__ = "viewer_tokens"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    subject: Mapped[str] = mapped_column(String(255), index=True)
    minted_by: Mapped[str] = mapped_column(String(255))
    study_instance_uids: Mapped[list[Any]]
    """The studies when it was made; what it opens now, `ehr_bridge.services.viewing.grants` finds by the scope."""
    operations: Mapped[list[Any]]
    scope: Mapped[str] = mapped_column(String(8), default="studies", server_default="studies")
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"))
    priors_match: Mapped[str | None] = mapped_column(String(16))
    priors_newest: Mapped[int | None]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """When the last token of it ends; renewing moves it, at most to `renewable_until`."""
    renewable_until: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    """How often it may be exchanged; a token with such a limit opens nothing itself."""
    uses: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was exchanged."""
    requests: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Requests for images that it let through, on all nodes; a moment behind."""
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(255))


class ViewerTokenRenewal(Base):
    """A further token of the same grant, got for one that was still good; only its digest is kept."""

    __tablename__ = "viewer_token_renewals"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    viewer_token_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("viewer_tokens.id"), index=True)
    expires_at: Mapped[datetime]


ORTHANC_CHANGES = "orthanc_changes"
"""The cursor in the archive's own log of changes."""


class Cursor(Base):
    """How far a reader of somebody else's log has come; one row per reader."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
