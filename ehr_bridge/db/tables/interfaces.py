"""Tables of the systems that this one speaks DICOM with, what modalities say they have done: Modality Performed
Procedure Steps (PS3.4 annex F), and what is sent to them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ehr_bridge.db.states import UNDER_WAY, JobStatus, PerformedStatus, column_of, is_one_of
from ehr_bridge.db.tables.base import UID, Base, Dated
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study

UNSETTLED = "NOT is_settled"
"""Said to SQLite otherwise (`= 0`), it does not take the index and reads the table."""
STILL_OPEN = "NOT performed_steps.is_settled"
IS_UNDER_WAY = is_one_of("status", UNDER_WAY)


class Modality(Dated, Base):
    """An application entity that an administrator has registered, and what it may do here."""

    __tablename__ = "modalities"

    ae_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    """The AE title in capitals: Orthanc compares titles without regard to case, so two that differ in it are one."""
    ae_title: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    may: Mapped[list[Any]]
    """What it may do (`ehr_bridge.db.states.May`), sorted."""
    charset: Mapped[str | None] = mapped_column(String(16))
    """Character set of its own, for the worklist on the port of MPPS."""
    description: Mapped[str | None] = mapped_column(String(255))


class PerformedStep(Dated, Base):
    """One Performed Procedure Step, as the modality has last described it."""

    __tablename__ = "performed_steps"
    __table_args__ = (
        Index("ix_performed_steps_unsettled", "id", sqlite_where=text(UNSETTLED), postgresql_where=text(UNSETTLED)),
        Index("ix_performed_steps_created_at_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    sop_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    ae_title: Mapped[str] = mapped_column(String(16))
    """Who created it."""
    status: Mapped[PerformedStatus] = mapped_column(column_of(PerformedStatus, "status"))
    study_instance_uid: Mapped[str | None] = mapped_column(UID, index=True)
    """The study that its images are in."""
    performed_procedure_step_id: Mapped[str | None] = mapped_column(String(16))
    modality: Mapped[str | None] = mapped_column(String(16))
    station_ae_title: Mapped[str | None] = mapped_column(String(16))
    description: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    discontinuation_reason: Mapped[str | None] = mapped_column(String(64))
    """Meaning of the code, or the code itself (PS3.16 CID 9300)."""
    said: Mapped[dict[str, Any]]
    """Whom and which order it names: DICOM keyword and value."""
    requests: Mapped[list[Any]]
    """Accession number and ids in each item of its Scheduled Step Attributes Sequence: DICOM keyword and value."""
    series: Mapped[list[Any]]
    """`{"series_instance_uid", "description", "number_of_images", "sop_instance_uids"}` of each series that was made;
    the UIDs go when the step has ended and all are here."""
    number_of_series: Mapped[int]
    number_of_images: Mapped[int]
    """What the modality says that it has made."""
    number_here: Mapped[int]
    """Of those, the ones that are here; counted while some are missing."""
    received_at: Mapped[datetime]
    """When the modality last said something."""
    is_settled: Mapped[bool]
    """False while it is looked at again: its orders are not known yet or follow its study, images are missing, a group
    is not linked."""
    follows_study: Mapped[bool]
    """It names no order for certain: its orders are those that its study answers, also when a person changes that."""
    is_grouped: Mapped[bool]
    """Its study answers all of its orders, or did once: what a person changes afterwards stays."""
    closed_by: Mapped[str | None] = mapped_column(String(255))
    """Who said that nothing more will come of it."""
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(500))

    of_orders: Mapped[list[PerformedOrder]] = relationship(
        lazy="selectin", order_by="PerformedOrder.position", cascade="all, delete-orphan"
    )

    @property
    def orders(self) -> list[Order]:
        """The orders of which it is, in the order in which it names them; none where that is not certain."""
        return [one.order for one in self.of_orders]

    @property
    def is_final(self) -> bool:
        return self.status != PerformedStatus.IN_PROGRESS

    @property
    def is_waiting(self) -> bool:
        """For an order, or for images."""
        lacks = not self.of_orders or (self.is_final and self.number_missing > 0)
        return lacks and not self.is_settled and self.closed_at is None

    @property
    def number_missing(self) -> int:
        return max(self.number_of_images - self.number_here, 0)


class PerformedOrder(Base):
    """That a performed step is of an order. It may be of several (IHE RAD SWF, group case), and an order may have
    several."""

    __tablename__ = "performed_step_orders"

    performed_step_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(PerformedStep.id, ondelete="CASCADE"), primary_key=True
    )
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Order.id), primary_key=True, index=True)
    position: Mapped[int]

    order: Mapped[Order] = relationship()


class Sending(Base):
    """One request to send a study to a modality, and how far it is."""

    __tablename__ = "sendings"
    __table_args__ = (
        Index("ix_sendings_study_id_requested_at", "study_id", "requested_at"),
        Index(
            "ix_sendings_under_way",
            "requested_at",
            sqlite_where=text(IS_UNDER_WAY),
            postgresql_where=text(IS_UNDER_WAY),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"))
    ae_title: Mapped[str] = mapped_column(String(16))
    status: Mapped[JobStatus] = mapped_column(column_of(JobStatus, "status"))
    number_of_instances: Mapped[int]
    number_sent: Mapped[int]
    number_refused: Mapped[int]
    error_code: Mapped[str | None] = mapped_column(String(64))
    refusal: Mapped[str | None] = mapped_column(String(255))
    """What was heard of the last image that was not taken."""
    requested_by: Mapped[str] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    node: Mapped[str | None] = mapped_column(String(64))
    """The node that sends it until `leased_until`; then any may go on."""
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int]
    """How often the modality did not answer, one time after the other."""
    retry_at: Mapped[datetime | None]

    study: Mapped[Study] = relationship(lazy="joined")


class SentInstance(Base):
    """An instance that a sending under way is done with; deleted when it ends."""

    __tablename__ = "sent_instances"

    sending_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Sending.id, ondelete="CASCADE"), primary_key=True)
    orthanc_instance_id: Mapped[str] = mapped_column(String(44), primary_key=True)
    is_refused: Mapped[bool]


class CommitmentRequest(Base):
    """A request for storage commitment whose result the modality has not taken yet; deleted when it has, or when that
    is given up."""

    __tablename__ = "commitment_requests"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    ae_title: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    """From where it asked; unknown on the DICOM port."""
    transaction_uid: Mapped[str] = mapped_column(UID)
    instances: Mapped[list[Any]]
    """SOP Class UID and SOP Instance UID of each."""
    requested_at: Mapped[datetime] = mapped_column(index=True)
    node: Mapped[str | None] = mapped_column(String(64))
    """The node that answers it until `leased_until`; then any may."""
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int]
    retry_at: Mapped[datetime | None]
