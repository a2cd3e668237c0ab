"""Imaging orders, placed by the EHR or at the desk."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import date
from typing import Annotated, Literal, Self

from flask import Response
from pydantic import Field, field_validator, model_validator

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import (
    AsOf,
    EmptyIsNone,
    GivenMoment,
    Input,
    Issuer,
    LocalTime,
    Model,
    Moment,
    PathText64,
    PatientRef,
    Priority,
    Problem,
    Side,
    Text16,
    Text64,
    Uid,
    Versioned,
    fits,
)
from ehr_bridge.api.registry.patients import Sex
from ehr_bridge.api.registry.tellers import (
    DIFFERS,
    REGISTERED_HERE,
    EhrSays,
    Reason,
    require_the_desks,
    teller,
)
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, StepData
from ehr_bridge.errors import NotFound
from ehr_bridge.matching.order_keys import plain_key
from ehr_bridge.services.identity.attributes import person_name
from ehr_bridge.services.registry.desk import EHR, Teller
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.registry.order_states import Stated
from ehr_bridge.services.registry.patients import Patients
from ehr_bridge.services.registry.told_orders import OrderData, ToldOrder
from ehr_bridge.wrong_values import written

blueprint = Blueprint("orders", "Orders")


LONGEST_ACCESSION = 16


class AccessionPath(Input):
    order: PathText64 = Field(
        description="The accession number of the order to place or update, at most 16 characters; or the id of one "
        "that is placed"
    )

    @field_validator("order")
    @classmethod
    def _is_short_or_an_id(cls, order: str) -> str:
        if len(order) > LONGEST_ACCESSION and as_uuid(order) is None:
            raise ValueError(f"write at most {LONGEST_ACCESSION} characters, or an id")
        return order


class OrderPath(Input):
    order: PathText64


OWN_ID = "As the worklist says it; left out: the accession number stands for it"


MODALITY_CODE = written(
    r"^[A-Z0-9_]{1,16}$", "a modality as DICOM codes it (PS3.3 section C.7.3.1.1.1), in capital letters, such as CT"
)
Modality = Annotated[str, Field(pattern=MODALITY_CODE, examples=["CT", "MR", "US"])]
MOST_STEPS = 20


class StepBody(Input):
    """One more thing that a modality does of an order, with an appointment of its own."""

    scheduled_procedure_step_id: Text16
    modality: Modality
    scheduled_at: GivenMoment | None = None
    station_ae_title: Annotated[Text16 | None, EmptyIsNone] = None


class OrderBody(Input):
    mrn: PatientRef
    issuer: Issuer = None
    modality: Modality
    description: Text64
    scheduled_at: GivenMoment | None = None
    ordered_by: Annotated[Annotated[Text64, fits("ReferringPhysicianName")] | None, EmptyIsNone] = Field(
        None, description="Referring physician, as Family^Given or free text"
    )
    placer_order_number: Annotated[Text64 | None, EmptyIsNone] = None
    requested_procedure_id: Annotated[Text16 | None, EmptyIsNone] = Field(None, description=OWN_ID)
    scheduled_procedure_step_id: Annotated[Text16 | None, EmptyIsNone] = Field(None, description=OWN_ID)
    scheduled_study_instance_uid: Annotated[Uid | None, EmptyIsNone] = Field(
        None, description="What the worklist gives the study, where the EHR or RIS chooses it; left out: as it is"
    )
    procedure_code: Annotated[Text64 | None, EmptyIsNone] = None
    station_ae_title: Annotated[Text16 | None, EmptyIsNone] = None
    body_part: Annotated[Text16 | None, EmptyIsNone] = Field(
        None, description="Best a term of DICOM (Body Part Examined), which images are compared with"
    )
    laterality: Annotated[Side | None, EmptyIsNone] = None
    priority: Annotated[Priority | None, EmptyIsNone] = None
    further_steps: list[StepBody] = Field(
        [],
        max_length=MOST_STEPS - 1,
        description="Scheduled Procedure Steps after the first one, where the order has several; modality, "
        "scheduled_at, station_ae_title and scheduled_procedure_step_id of the order are the first one's. Left out: "
        "there is one step",
    )
    as_of: AsOf = None
    reason: Reason = None
    status: Stated | None = Field(
        None,
        description="How far the order is, where the EHR knows; what lies behind its state changes nothing, except "
        "'completed' after 'reported', which withdraws the report. Left out: it stays as it is",
    )

    @model_validator(mode="after")
    def _tells_steps_apart(self) -> Self:
        if not self.further_steps:
            return self
        if self.scheduled_procedure_step_id is None:
            raise ValueError("give the first step its scheduled_procedure_step_id too, where there are further_steps")
        ids = [self.scheduled_procedure_step_id, *(step.scheduled_procedure_step_id for step in self.further_steps)]
        if len(set(map(plain_key, ids))) < len(ids):
            raise ValueError(
                "two steps have one scheduled_procedure_step_id, apart from case, blanks and leading zeros; "
                "give each its own"
            )
        return self


class StepAnswer(Model):
    scheduled_procedure_step_id: str
    modality: str
    scheduled_at: Moment | None
    station_ae_title: str | None


class OrderAnswer(Versioned):
    id: uuid.UUID
    accession_number: str
    status: OrderStatus
    arrived_at: Moment | None
    patient_id: uuid.UUID
    mrn: str
    issuer: str | None
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
    modality: str
    description: str
    scheduled_at: Moment | None
    ordered_by: str | None
    placer_order_number: str | None
    requested_procedure_id: str
    scheduled_procedure_step_id: str
    procedure_code: str | None
    station_ae_title: str | None
    body_part: str | None
    laterality: Literal["L", "R", "B"] | None
    priority: str | None
    further_steps: list[StepAnswer] = Field(description="After the first one, which the order itself tells")
    study_instance_uid: str
    scheduled_study_instance_uid: str
    orthanc_study_id: str | None
    number_of_series: int | None
    number_of_images: int | None
    study_date: date | None
    study_time: LocalTime | None
    uploaded_by_id: uuid.UUID | None
    uploaded_at: Moment | None
    upload_source: str | None
    assigned_to: str | None = Field(description="Who does the examination, by user name; null: nobody yet")
    assigned_name: str | None = Field(description="Their name")
    assigned_at: Moment | None = Field(description="Since when")
    as_of: Moment | None = Field(description="When the EHR knew what it last told, as far as it said so")
    registered_here: bool = Field(description=REGISTERED_HERE)
    differs_from_ehr: bool = Field(description=DIFFERS)
    ehr_says: EhrSays
    created_at: Moment
    updated_at: Moment


def tags_of_order(order: str) -> list[str]:
    """Raises NotFound."""
    return [order_answer(services().orders.get(order)).etag()]


def tags_of_told_order(accession_number: str) -> list[str]:
    """Of the order that an upsert would update; none where it would place one."""
    with suppress(NotFound):
        return tags_of_order(accession_number)
    return []


def _tags_of_told(path: AccessionPath, body: OrderBody) -> list[str]:
    return tags_of_told_order(path.order)


@blueprint.put(
    "/orders/<order>",
    responses={
        200: OrderAnswer,
        201: OrderAnswer,
        400: Problem,
        404: Problem,
        409: Problem,
        415: Problem,
        422: Problem,
    },
)
@honours(_tags_of_told)
def put_order(path: AccessionPath, body: OrderBody) -> Response:
    """Place or update an order by accession number"""
    with services().fresh.together():  # whom the id names is who is updated
        return tell_order(services().orders.number_of(path.order), body, teller(body.reason))


def tell_order(accession_number: str, body: OrderBody, who: Teller) -> Response:
    """Place or update an order as the EHR or the desk tells. Raises as `Orders.upsert` says."""
    told = told_order(accession_number, body, services().patients, who)
    order, created = services().orders.upsert(told, origin())
    return answer(order_answer(order), 201 if created else 200)


def told_order(accession_number: str, body: OrderBody, patients: Patients, who: Teller = EHR) -> ToldOrder:
    """What a body tells. Raises InvalidInput when it is not certain which authority gave the patient's number, or the
    desk says what only the EHR can know."""
    require_the_desks(
        who,
        as_of=body.as_of,
        status=body.status,
        scheduled_study_instance_uid=body.scheduled_study_instance_uid,
    )
    told = body.model_dump(include={field.name for field in fields(OrderData)} - {"further_steps"})
    data = OrderData(**told, further_steps=tuple(StepData(**step.model_dump()) for step in body.further_steps))
    mrn = patients.certain(body.mrn, body.issuer)
    return ToldOrder(accession_number, mrn, data, body.status, body.scheduled_study_instance_uid, body.as_of, who)


@blueprint.get("/orders/<order>", responses={200: OrderAnswer, 404: Problem})
def get_order(path: OrderPath) -> Response:
    """One order by id or accession number"""
    return answer(order_answer(services().orders.get(path.order)))


def order_answer(order: Order) -> OrderAnswer:
    patient = order.patient
    whose = {
        "mrn": patient.mrn,
        "issuer": patient.issuer,
        "patient_name": person_name(patient) or None,
        "patient_birth_date": patient.birth_date,
        "patient_sex": patient.sex,
        "differs_from_ehr": bool(order.ehr_says),
        "ehr_says": order.ehr_says or {},
    }
    values = {name: getattr(order, name) for name in OrderAnswer.model_fields if name not in whose}
    for own_id in ("requested_procedure_id", "scheduled_procedure_step_id"):
        values[own_id] = values[own_id] or order.accession_number
    values["further_steps"] = [asdict(step) for step in order.further_steps]
    return OrderAnswer(**whose, **values)
