"""The ledger of modified studies: what was asked, by whom and why, and how to get every former byte back.

A change of a study's link is one too: who a study is stands in each of its files.
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

IS_UNDER_WAY = is_one_of("status", UNDER_WAY)
IS_WAITING = f"status = '{JobStatus.WAITING}'"
IS_NOT_WHOLE = is_one_of("status", NOT_WHOLE)
_LINK = LinkColumn(none_as_null=True)


class Modification(Base):
    """One request to modify the attributes of a stored study or its link, or to undo such a request; also its job."""

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
    """What was asked: DICOM keyword to value; empty for an undo."""
    wanted: Mapped[dict[str, Any]]
    """What every instance gets that has no former bytes to go back to."""
    from_original: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether identity that is not wanted goes back to what each file said when it came."""
    known: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the site's rules draw on: the study's `corrections`, and what the EHR said (`ehr`) at the job's turn. And
    `linked_to`, the MRN of its patient until then, which images carry that came since."""
    link_before: Mapped[Link | None] = mapped_column(_LINK)
    link_after: Mapped[Link | None] = mapped_column(_LINK)
    """The study's link before, and as the job sets it at its end (`ehr_bridge.services.linking.links`)."""
    change_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(IdentityChange.id), index=True)
    """The change of a patient or order that the study follows."""
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    status: Mapped[JobStatus] = mapped_column(column_of(JobStatus, "status"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    node: Mapped[str | None] = mapped_column(String(36))
    """Who carries the job on; its spool folder holds what is between two states."""
    leased_until: Mapped[datetime | None]
    """Until then no other node does, unless this one says so again (`ehr_bridge.services.modifying.attempts`)."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """That ended in what nobody foresaw."""
    retry_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(255))
    """What the last of them raised, and where: no value of a file."""
    given_up: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """By whom and why (`actor`, `address`, `reason`), once files have changed: they are put back."""
    finished_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    """When instances were looked for that had been on their way while the job ran."""
    number_of_instances: Mapped[int] = mapped_column(default=0)
    number_done: Mapped[int] = mapped_column(default=0)
    study_before: Mapped[dict[str, Any]]
    """`corrections`, `study_date` and `study_description` of the study before, the `patient_ids` in its files, and
    whether a rule of the site wants a person to look at one of them (`is_doubted`)."""
    applied: Mapped[list[Any]]
    """What it came to: `{"tag", "before", "after", "instances"}`."""


class ModificationInstance(Base):
    """One instance that a modification replaced: enough to check it, and to restore its former bytes."""

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
    """How many bytes the former and the new file share at both ends."""
    former: Mapped[bytes] = mapped_column(LargeBinary)
    """The former bytes between them, packed with zlib."""
    changes: Mapped[list[Any]]
    status: Mapped[FileStatus] = mapped_column(column_of(FileStatus, "status"))
    error_code: Mapped[str | None] = mapped_column(String(64))
