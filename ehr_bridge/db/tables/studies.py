"""The tables of studies and their links. Instances and uploads: `ehr_bridge.db.tables.uploads`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ehr_bridge.db.states import UNCERTAIN, LinkStatus, column_of, is_one_of
from ehr_bridge.db.tables.base import UID, Base, Dated
from ehr_bridge.db.tables.registry import Order, Patient

LISTED = "orthanc_study_id IS NOT NULL AND deleted_at IS NULL"
"""Condition for the studies that lists show; their indexes hold nothing else."""
READING = f"{LISTED} AND reading_rank IS NOT NULL"
"""Condition for the studies that wait for a report, if it is certain whose they are; their index holds nothing else."""
WITHHELD = "withheld_by_id IS NOT NULL"
DELETED = "deleted_at IS NOT NULL"
WAITS = is_one_of("link_status", UNCERTAIN)
"""Studies without a certain link."""
KEY = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Sorted byte by byte, the same on both engines."""


def _list_index(name: str, *columns: str) -> Index:
    return Index(f"ix_studies_list_{name}", *columns, sqlite_where=text(LISTED), postgresql_where=text(LISTED))


def _waiting_index(of: str) -> Index:
    return Index(f"ix_studies_waiting_{of}", f"match_{of}_id", sqlite_where=text(WAITS), postgresql_where=text(WAITS))


class Study(Dated, Base):
    """A study that the archive holds or will hold: one row per StudyInstanceUID, on every node.

    The row is written before the first instance is stored (the claim), so that every instance of a study gets the same
    identity, through any door and any node.
    """

    __tablename__ = "studies"
    __table_args__ = (
        Index(
            "ix_studies_unsettled",
            "id",
            sqlite_where=text("NOT is_settled"),
            postgresql_where=text("NOT is_settled"),
        ),
        Index(
            "ix_studies_receiving",
            "id",
            sqlite_where=text("NOT is_available"),
            postgresql_where=text("NOT is_available"),
        ),
        _list_index("id", "id", "created_at", "study_date_key", "link_status", "modality_key"),
        _list_index("created", "created_at", "id", "link_status", "modality_key", "study_date_key"),
        _list_index("study_date", "study_date_key", "id", "link_status", "modality_key"),
        _list_index("patient_name", "patient_name_key", "id", "link_status", "modality_key"),
        _list_index("accession", "accession_key", "id", "link_status", "modality_key"),
        _list_index("link_status", "link_status", "created_at", "id", "modality_key", "study_date_key"),
        _list_index("patient_id", "patient_id_key", "id"),
        _list_index("updated", "updated_at", "id"),
        Index(
            "ix_studies_reading",
            "reading_rank",
            "created_at",
            "id",
            "link_status",
            "patient_id",
            sqlite_where=text(READING),
            postgresql_where=text(READING),
        ),
        _waiting_index("patient"),
        _waiting_index("order"),
        Index("ix_studies_deleted", "study_instance_uid", sqlite_where=text(DELETED), postgresql_where=text(DELETED)),
        Index("ix_studies_withheld", "withheld_by_id", sqlite_where=text(WITHHELD), postgresql_where=text(WITHHELD)),
    )

    NOT_SHOWN: ClassVar[frozenset[str]] = frozenset(
        {
            "is_settled",
            "is_available",
            "study_date_key",
            "patient_name_key",
            "accession_key",
            "modality_key",
            "patient_id_key",
            "sop_class_key",
            "reading_rank",
        }
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    orthanc_study_id: Mapped[str | None] = mapped_column(String(64), index=True, active_history=True)
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"), index=True, active_history=True)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"), index=True, active_history=True)
    """The primary one of the orders it answers, whose accession number is in the files; written by `answer` alone."""
    link_status: Mapped[LinkStatus] = mapped_column(column_of(LinkStatus, "link_status"), active_history=True)
    is_contradicted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It is ambiguous because images, people or the EHR name two patients: only a person decides."""
    is_document: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It was made of a paper or a photograph that somebody attached: no images that an order asks for, nor any to be
    reported. Written by its claim alone."""
    withheld_by_id: Mapped[uuid.UUID | None]
    """The correction (`identity_changes`) of its patient that its files do not follow until somebody has decided."""
    match_kind: Mapped[str] = mapped_column(String(16))
    match_score: Mapped[float]
    match_evidence: Mapped[list[Any]]
    match_patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"))
    match_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    """The order that the match names, linked or not."""
    corrections: Mapped[dict[str, Any]]
    """Attributes that the uploader corrected; every instance of the study gets them."""
    received_identity: Mapped[dict[str, Any]]
    """Identifying attributes of the first instance before coercion: keyword to value."""
    coerced: Mapped[list[Any]]
    """What coercion replaced in the first instance: `{"tag", "before", "after"}`."""
    modalities: Mapped[list[Any]]
    study_date: Mapped[date | None]
    study_time: Mapped[time | None]
    study_description: Mapped[str | None] = mapped_column(String(64))
    study_date_key: Mapped[date] = mapped_column(default=date.min, server_default="0001-01-01")
    patient_name_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    accession_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    modality_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    patient_id_key: Mapped[str] = mapped_column(KEY, default="", server_default="")
    sop_class_key: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Keys for listing and searching (docs/adr/0008-study-list.md); written by `identity.study_index` alone."""
    reading_rank: Mapped[int | None] = mapped_column(SmallInteger, default=4, server_default="4")
    """How urgently it waits for a report (`identity.reading_rank`); None: it has one. Written by
    `services.reporting.reading_ranks` and, for a new study, by its claim."""
    number_of_series: Mapped[int] = mapped_column(default=0)
    number_of_instances: Mapped[int] = mapped_column(default=0)
    is_settled: Mapped[bool] = mapped_column(default=True)
    """False while recorded instances are missing in the counts (here, on the order, in the upload log)."""
    is_available: Mapped[bool] = mapped_column(default=False, server_default=true(), active_history=True)
    """Whether its reception has settled since its images last changed in number. Studies from before this column
    count as available."""
    deleted_at: Mapped[datetime | None] = mapped_column(active_history=True)

    patient: Mapped[Patient | None] = relationship(lazy="joined", foreign_keys=[patient_id])
    order: Mapped[Order | None] = relationship(lazy="joined", foreign_keys=[order_id])
    answers: Mapped[list[StudyOrder]] = relationship(
        lazy="selectin", order_by="StudyOrder.position", cascade="all, delete-orphan", passive_deletes=True
    )
    """The orders it answers, the primary one first."""

    @property
    def orders(self) -> list[Order]:
        """The orders it answers, the primary one first."""
        return [one.order for one in self.answers]

    @property
    def order_ids(self) -> tuple[uuid.UUID, ...]:
        """The orders it answers, the primary one first."""
        return tuple(one.order_id for one in self.answers)

    def answer(self, orders: Sequence[Order], now: datetime) -> None:
        """From now on it answers these orders, the first of them as its primary one. Nothing else writes either.

        Raises ValueError when they are of several patients.
        """
        if len({order.patient_id for order in orders}) > 1:
            raise ValueError("a study cannot answer orders of several patients")
        known = {one.order_id: one for one in self.answers}
        self.order_id = orders[0].id if orders else None
        self.answers = [known.get(order.id) or self._answer_to(order, now) for order in orders]
        for position, one in enumerate(self.answers):
            one.position = position

    def _answer_to(self, order: Order, now: datetime) -> StudyOrder:
        return StudyOrder(study_id=self.id, order_id=order.id, order=order, match_kind=self.match_kind, linked_at=now)


class StudyOrder(Base):
    """That a study answers an order. It may answer several: thorax and abdomen in one go (IHE RAD SWF, group case)."""

    __tablename__ = "study_orders"

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Order.id), primary_key=True, index=True)
    position: Mapped[int]
    """0 for the primary order."""
    match_kind: Mapped[str] = mapped_column(String(16))
    linked_at: Mapped[datetime]

    order: Mapped[Order] = relationship()


class StudyLink(Base):
    """The recorded fact that a study answers an order or belongs to a patient: by whom, when, on what evidence."""

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
    further_order_ids: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Further orders that it answers."""
    match_kind: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[list[Any]]
    linked_by: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]
