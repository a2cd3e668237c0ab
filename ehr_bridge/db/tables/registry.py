"""The tables of the EHR's data: patients, orders and their steps."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any, ClassVar, Self, overload

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from ehr_bridge.db.states import OrderStatus, PerformedStatus, column_of
from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.base import UID, Base, Dated
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.matching.names import spelled_out, words_of

NAMES = ("family_name", "given_name", "middle_name")
SEARCHED = 1000
STAT = "STAT"
IS_STAT = text(f"priority = '{STAT}'")


def searched(names: Iterable[str | None]) -> str:
    """The words of these names without case and accents, also as they are spelled out: `muller mueller asa aasa`."""
    text = " ".join(name for name in names if name)
    return " ".join(dict.fromkeys([*words_of(text), *spelled_out(text)]))[:SEARCHED]


class Patient(Dated, Base):
    """A person in the EHR, by medical record number and its issuer; everything else may be unknown (emergency)."""

    __tablename__ = "patients"
    __table_args__ = (
        CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name="sex"),
        Index("ix_patients_mrn_issuer_key", "mrn", "issuer_key", unique=True),
        Index("ix_patients_name", *(text(f"coalesce({part}, '')") for part in NAMES), "mrn", "id"),
        Index("ix_patients_birth_date", "birth_date", "id"),
        # More than an index of PostgreSQL takes in one row, if a name is very long
        Index(
            "ix_patients_searched", "mrn", "searched_names", "searched_family", "searched_given", "birth_date", "id"
        ).ddl_if(dialect="sqlite"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    mrn: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str | None] = mapped_column(String(64))
    """The assigning authority of the MRN; None when unknown."""
    issuer_key: Mapped[str] = mapped_column(String(192), default="", server_default="")
    """Comparison form of the issuer; '' for none. Set whenever `issuer` is set."""
    family_name: Mapped[str | None] = mapped_column(String(64))
    given_name: Mapped[str | None] = mapped_column(String(64))
    middle_name: Mapped[str | None] = mapped_column(String(64))
    prefix: Mapped[str | None] = mapped_column(String(64))
    suffix: Mapped[str | None] = mapped_column(String(64))
    searched_names: Mapped[str] = mapped_column(String(SEARCHED), default="", server_default="")
    """Family, given and middle names for searches (`searched`). Set whenever one of them is set."""
    searched_family: Mapped[str] = mapped_column(String(SEARCHED), default="", server_default="")
    searched_given: Mapped[str] = mapped_column(String(SEARCHED), default="", server_default="")
    """The same of the family name alone, and of given and middle names (FHIR's `family` and `given`)."""
    birth_date: Mapped[date | None]
    sex: Mapped[str] = mapped_column(String(8), default="unknown")
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patients.id"), index=True, active_history=True)
    """The surviving record, when two turned out to be one person (HL7 ADT^A40)."""
    pending_change_id: Mapped[uuid.UUID | None]
    """The correction (`identity_changes`) after which the number may be another person's, until somebody has
    decided."""
    as_of: Mapped[datetime | None]
    """When the EHR knew what it last told, as far as it said so."""
    registered_here: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Registered at the desk, and not sent by the EHR yet."""
    ehr_says: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the EHR last told of the fields that the desk has changed since, as JSON values."""
    is_unidentified: Mapped[bool] = mapped_column(default=False, server_default=false())
    """An emergency patient whose name is one of ours (`ehr_bridge.services.registry.emergency`)."""
    approximate_age: Mapped[int | None]
    """In years, as somebody judged it when an emergency patient was registered."""

    @validates("issuer")
    def _follow(self, _: str, issuer: str | None) -> str | None:
        self.issuer_key = issuer_key(issuer)
        return issuer

    @validates("family_name", "given_name", "middle_name")
    def _follow_name(self, field: str, value: str | None) -> str | None:
        names = [value if name == field else getattr(self, name) for name in NAMES]
        self.searched_names = searched(names)
        self.searched_family, self.searched_given = searched(names[:1]), searched(names[1:])
        return value


@dataclass(frozen=True, slots=True)
class StepData:
    """One Scheduled Procedure Step as the EHR sends it (PS3.3 section C.4.10)."""

    modality: str
    scheduled_procedure_step_id: str | None = None
    scheduled_at: datetime | None = None
    station_ae_title: str | None = None


class ScheduledStep(Base):
    """Scheduled Procedure Step (PS3.3 section C.4.10): what one modality does of an order at one appointment."""

    __tablename__ = "scheduled_steps"
    __table_args__ = (
        # SQLite sorts rows without a value last by itself, so there the index of the column serves the list of orders
        Index("ix_scheduled_steps_latest", text("scheduled_at DESC NULLS LAST")).ddl_if(dialect="postgresql"),
    )

    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """0 for the first step, which every order has."""
    scheduled_procedure_step_id: Mapped[str | None] = mapped_column(String(16), index=True)
    """As sent by the EHR. When an order has one step and this is None, the accession number stands for it."""
    modality: Mapped[str] = mapped_column(String(16))
    scheduled_at: Mapped[datetime | None] = mapped_column(index=True)
    station_ae_title: Mapped[str | None] = mapped_column(String(16))

    @property
    def said(self) -> StepData:
        return StepData(self.modality, self.scheduled_procedure_step_id, self.scheduled_at, self.station_ae_title)


class OfFirstStep[T]:
    """An attribute of an order that belongs to its first step."""

    def __set_name__(self, owner: type[Order], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, order: None, owner: type[Order]) -> Self: ...
    @overload
    def __get__(self, order: Order, owner: type[Order]) -> T: ...
    def __get__(self, order: Order | None, owner: type[Order]) -> T | Self:
        if order is None:
            return self
        value: T = getattr(order.steps[0], self._name) if order.steps else None  # type: ignore[assignment]
        return value

    def __set__(self, order: Order, value: T) -> None:
        if not order.steps:
            order.steps.append(ScheduledStep(position=0))
        setattr(order.steps[0], self._name, value)


OF_IMAGES = frozenset(
    {"study_instance_uid", "orthanc_study_id", "number_of_series", "number_of_images", "study_date", "study_time"}
    | {"uploaded_by_id", "uploaded_at", "upload_source", "updated_at"}
)
"""Columns of an order that show its study; they change with every upload."""


class Order(Dated, Base):
    """An imaging service request (FHIR ServiceRequest) of one or more steps, with what it shows of its study."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_status_id", "status", "id"),
        Index("ix_orders_created", "created_at", "accession_number"),
        Index("ix_orders_searched", "accession_number", "patient_id", "id"),
        Index("ix_orders_emergencies", "priority", "status", "id", sqlite_where=IS_STAT, postgresql_where=IS_STAT),
    )
    NOT_SHOWN: ClassVar[frozenset[str]] = frozenset(
        {"made_here", "told_patient_id", "quiet_since", "completed_at", "performed", "has_signed_report"}
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    accession_number: Mapped[str] = mapped_column(String(16), unique=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patients.id"), index=True)
    description: Mapped[str] = mapped_column(String(64))
    ordered_by: Mapped[str | None] = mapped_column(String(64))
    placer_order_number: Mapped[str | None] = mapped_column(String(64), index=True)
    requested_procedure_id: Mapped[str | None] = mapped_column(String(16), index=True)
    """As sent by the EHR. When it is None, the accession number stands for it."""
    procedure_code: Mapped[str | None] = mapped_column(String(64))
    body_part: Mapped[str | None] = mapped_column(String(16))
    laterality: Mapped[str | None] = mapped_column(String(1))
    """L, R or B (both)."""
    priority: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[OrderStatus] = mapped_column(
        column_of(OrderStatus, "status"), default=OrderStatus.SCHEDULED, active_history=True
    )
    arrived_at: Mapped[datetime | None]
    """When the patient was reported as arrived."""
    quiet_since: Mapped[datetime | None]
    """Set while an order is completed only because no image came since then; nobody has said that it is."""
    completed_at: Mapped[datetime | None]
    """When its images were complete: when somebody said so, or since when no image came. None before that, and for
    orders completed before this column. Written by `db.row_changes` alone."""
    performed: Mapped[PerformedStatus | None] = mapped_column(column_of(PerformedStatus, None))
    """What modalities say of it by MPPS, all of its steps together; None where they say nothing, or not all of it.
    Written by `services.interfaces.performed_orders` alone."""
    has_signed_report: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A report of ours was signed and not withdrawn: the order is reported, whatever the EHR says. Written by
    `services.reporting.order_reports` alone."""
    made_here: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Made here for a study without an order, and not sent by the EHR yet."""
    registered_here: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Placed at the desk, and not sent by the EHR yet. Unlike the former it is on the worklist."""
    ehr_says: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """As of a patient."""
    assigned_to: Mapped[str | None] = mapped_column(String(255), index=True)
    """The subject of who does the examination; None: nobody yet. Written by `services.day.assigning` alone."""
    assigned_name: Mapped[str | None] = mapped_column(String(255))
    """The name of that person when they were given it."""
    assigned_at: Mapped[datetime | None]
    told_patient_id: Mapped[uuid.UUID | None]
    """The record under whose number the EHR last sent the order, even if it was merged into `patient`."""
    as_of: Mapped[datetime | None]
    """When the EHR knew what it last told, as far as it said so."""
    scheduled_study_instance_uid: Mapped[str] = mapped_column(UID, unique=True)
    """Assigned when the order is placed; what the worklist offers and the matcher looks for."""
    study_instance_uid: Mapped[str] = mapped_column(UID, index=True)
    """The study that answers the order; the assigned UID until another study is linked."""
    orthanc_study_id: Mapped[str | None] = mapped_column(String(64))
    number_of_series: Mapped[int | None]
    number_of_images: Mapped[int | None]
    study_date: Mapped[date | None]
    study_time: Mapped[time | None]
    uploaded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(User.id))
    uploaded_at: Mapped[datetime | None]
    upload_source: Mapped[str | None] = mapped_column(String(20))

    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin="unnested")  # type: ignore[arg-type]
    """Unnested, because SQLite would otherwise gather all orders and patients first to find those of one study."""
    steps: Mapped[list[ScheduledStep]] = relationship(
        lazy="selectin", order_by=ScheduledStep.position, cascade="all, delete-orphan"
    )
    """In the order in which the EHR sends them; there is always at least one."""

    modality = OfFirstStep[str]()
    scheduled_procedure_step_id = OfFirstStep[str | None]()
    scheduled_at = OfFirstStep[datetime | None]()
    station_ae_title = OfFirstStep[str | None]()

    @property
    def further_steps(self) -> tuple[StepData, ...]:
        """The steps after the first one."""
        return tuple(step.said for step in self.steps[1:])

    @further_steps.setter
    def further_steps(self, told: Sequence[StepData]) -> None:
        del self.steps[len(told) + 1 :]
        for position, one in enumerate(told, 1):
            if position == len(self.steps):
                self.steps.append(ScheduledStep(position=position))
            for name, value in asdict(one).items():
                setattr(self.steps[position], name, value)


class GivenNumber(Base):
    """The last number given here of one kind (`ehr_bridge.services.registry.local_numbers`)."""

    __tablename__ = "given_numbers"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    """`mrn` or `accession`."""
    day: Mapped[str] = mapped_column(String(8))
    """The day to which the count belongs, as YYYYMMDD; '' where the pattern has no date."""
    last: Mapped[int]
