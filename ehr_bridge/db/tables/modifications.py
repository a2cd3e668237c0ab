"""The ledger of modified studies: what was requested, by whom and why, and how to restore every former byte.

A change of a study's link is a modification too, because patient and order are in each of its files.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.links import Link, LinkColumn
from ehr_bridge.db.states import NOT_WHOLE, UNDER_WAY, FileStatus, JobKind, JobStatus, column_of, is_one_of
from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study

IS_UNDER_WAY = is_one_of("status", UNDER_WAY)
IS_WAITING = f"status = '{JobStatus.WAITING}'"
IS_NOT_WHOLE = is_one_of("status", NOT_WHOLE)
_LINK = LinkColumn(none_as_null=True)


class Modification(Base):
    """One request to modify the attributes or the link of a stored study, or to undo such a request; also its job."""

    __tablename__ = "modifications"
    __table_args__ = (
        Index(
            "ix_modifications_under_way",
            "study_id",
            unique=True,
            sqlite_where=text(IS_UNDER_WAY),
            postgresql_where=text(IS_UNDER_WAY),
        ),
        Index(
            "ix_modifications_waiting",
            "requested_at",
            sqlite_where=text(IS_WAITING),
            postgresql_where=text(IS_WAITING),
        ),
        Index(
            "ix_modifications_not_whole",
            "study_id",
            "requested_at",
            sqlite_where=text(IS_NOT_WHOLE),
            postgresql_where=text(IS_NOT_WHOLE),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("studies.id"), index=True)
    study_instance_uid: Mapped[str] = mapped_column(UID)
    kind: Mapped[JobKind] = mapped_column(column_of(JobKind, "kind"))
    undoes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("modifications.id"))
    changes: Mapped[dict[str, Any]]
    """What was requested: DICOM keyword to value; empty for an undo."""
    wanted: Mapped[dict[str, Any]]
    """The values for every instance without former bytes to restore."""
    from_original: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether attributes of identity that are not in `wanted` return to what each file had when it was received."""
    known: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Input of the site's coercion rules: the study's `corrections`, the EHR's data (`ehr`) at the job's turn, and
    `linked_to`, the MRN of the patient linked until then, which images received since then carry."""
    link_before: Mapped[Link | None] = mapped_column(_LINK)
    link_after: Mapped[Link | None] = mapped_column(_LINK)
    """The study's link before, and as the job sets it when it ends (`ehr_bridge.services.linking.links`)."""
    change_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(IdentityChange.id), index=True)
    """The change of a patient or order that the study follows."""
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    status: Mapped[JobStatus] = mapped_column(column_of(JobStatus, "status"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    node: Mapped[str | None] = mapped_column(String(36))
    """The node that runs the job; its spool folder holds files that are between two states."""
    leased_until: Mapped[datetime | None]
    """Until then no other node takes the job over; the node renews it (`ehr_bridge.services.modifying.attempts`)."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many attempts ended in an unexpected error."""
    retry_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(255))
    """What the last of them raised, and where; no value from a file."""
    given_up: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """By whom and why (`actor`, `address`, `reason`), when files had changed already and are put back."""
    finished_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    """When instances were looked for that were on their way while the job ran."""
    number_of_instances: Mapped[int] = mapped_column(default=0)
    number_done: Mapped[int] = mapped_column(default=0)
    study_before: Mapped[dict[str, Any]]
    """`corrections`, `study_date` and `study_description` of the study before, the `patient_ids` in its files, and
    whether a rule of the site asks for a person's decision on one of them (`is_doubted`)."""
    applied: Mapped[list[Any]]
    """What was changed: `{"tag", "before", "after", "instances"}`."""


class ModificationInstance(Base):
    """One instance that a modification replaced: enough to verify it and to restore its former bytes."""

    __tablename__ = "modification_instances"
    __table_args__ = (UniqueConstraint("modification_id", "orthanc_instance_id_before"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    modification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("modifications.id"))
    orthanc_instance_id_before: Mapped[str] = mapped_column(String(64))
    orthanc_instance_id_after: Mapped[str] = mapped_column(String(64))
    sha256_before: Mapped[str] = mapped_column(String(64))
    sha256_after: Mapped[str] = mapped_column(String(64))
    same_at_start: Mapped[int] = mapped_column(BigInteger)
    same_at_end: Mapped[int] = mapped_column(BigInteger)
    """How many bytes the former and the new file share at the end."""
    former: Mapped[bytes] = mapped_column(LargeBinary)
    """The former bytes between the shared start and end, packed with zlib."""
    changes: Mapped[list[Any]]
    status: Mapped[FileStatus] = mapped_column(column_of(FileStatus, "status"))
    error_code: Mapped[str | None] = mapped_column(String(64))


class Split(Base):
    """What a job of kind `split` makes: whose the moved images are, and the study they are in afterwards."""

    __tablename__ = "splits"

    modification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Modification.id), primary_key=True)
    target_study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    target_study_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Study.id), index=True)
    """Its row; None until the job begins."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), index=True)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id), index=True)
    is_another_patient: Mapped[bool]
    """Then the moved images have a frame of reference of their own."""


class SplitInstance(Base):
    """One image that a split moves, with its former place and its new one. Never removed: who has the former UIDs from
    elsewhere finds the new ones here."""

    __tablename__ = "split_instances"
    __table_args__ = (
        Index(
            "ix_split_instances_moved",
            "study_id",
            sqlite_where=text("is_moved"),
            postgresql_where=text("is_moved"),
        ),
    )

    modification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Modification.id), primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(UID, primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(UID)
    new_sop_instance_uid: Mapped[str] = mapped_column(UID)
    new_series_instance_uid: Mapped[str] = mapped_column(UID)
    orthanc_instance_id: Mapped[str] = mapped_column(String(64))
    """The archive's id of the former image."""
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id))
    """Of the former study."""
    of_whole_series: Mapped[bool] = mapped_column(default=False, server_default=false())
    """No image of its series was to stay: what comes later of the series belongs to the new study's patient too."""
    is_moved: Mapped[bool] = mapped_column(default=False, server_default=false())
    """From the request on, until the split fails or is undone: the former image does not come back without a person."""
