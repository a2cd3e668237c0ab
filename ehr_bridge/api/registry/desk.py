"""Patients and orders without a number: one is given here. And what a merge would change, before anybody decides."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Issuer, Model, PatientRef, Problem, Text16, Text64
from ehr_bridge.api.registry import orders, patients
from ehr_bridge.api.registry.orders import Modality, OrderAnswer, OrderBody, order_answer, told_order
from ehr_bridge.api.registry.patients import (
    PatientAnswer,
    PatientBody,
    PatientPath,
    Sex,
    patient_answer,
)
from ehr_bridge.api.registry.tellers import require_the_desks, teller
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.services.changes.merging import MergePreview, MovedStudy
from ehr_bridge.services.registry.registration import AtOnce, Unidentified

blueprint = Blueprint("desk", "Patients", problems=(400, 404, 409, 415, 422))
OLDEST = 130


class AtOnceBody(Input):
    """What is to be done now, with priority STAT, for a patient who is there."""

    modality: Modality
    description: Text64
    station_ae_title: Annotated[Text16 | None, EmptyIsNone] = None
    body_part: Annotated[Text16 | None, EmptyIsNone] = None


class EmergencyBody(Input):
    """A patient whom nobody knows: a number and a name are given here, the birth date stays unknown."""

    sex: Sex = "unknown"
    approximate_age: int | None = Field(None, ge=0, le=OLDEST, description="In years, as somebody judges it")
    issuer: Issuer = None
    order: AtOnceBody | None = Field(None, description="Left out: no order is placed")


class EmergencyAnswer(Model):
    patient: PatientAnswer = Field(description="The new patient")
    order: OrderAnswer | None = Field(description="The new order, if one was asked for")


class PreviewBody(Input):
    into: PatientRef = Field(description="As in the merge itself")


class MovedStudyAnswer(Model):
    study_instance_uid: str
    study_date: date | None
    study_description: str | None
    modalities: list[str]
    number_of_instances: int
    stays: bool = Field(
        description="It answers an order of somebody else too, and so stays where it is until a person decides"
    )


class MovedOrderAnswer(Model):
    id: uuid.UUID
    accession_number: str
    description: str
    modality: str
    status: OrderStatus


class MergePreviewAnswer(Model):
    merged: PatientAnswer = Field(description="The record that would be merged away")
    survivor: PatientAnswer = Field(description="The record that would survive")
    orders: list[MovedOrderAnswer] = Field(description="Orders that would be the survivor's")
    studies: list[MovedStudyAnswer] = Field(description="Studies that would be the survivor's")
    number_of_images: int = Field(description="Images whose files would name the survivor")
    number_waiting: int = Field(description="Orders that modalities would be offered under the survivor's name")
    restriction: Literal["none", "both", "merged", "survivor"] = Field(
        description="Which of the two is restricted to named people; after the merge both are, where one is"
    )
    open_to: int | None = Field(description="How many people may see the patient afterwards; null: whoever may read")


@patients.blueprint.post(  # OpenAPI lists a path once, so this belongs to the blueprint of its GET
    "/patients", responses={201: PatientAnswer, 400: Problem, 409: Problem, 415: Problem, 422: Problem}
)
@repeatable
def register_patient(body: PatientBody) -> Response:
    """Register a patient without a number; one is given"""
    who = teller(body.reason)
    require_the_desks(who, as_of=body.as_of)
    return answer(patient_answer(services().registration.register(body.data(), origin(), who)), 201)


@orders.blueprint.post(
    "/orders", responses={201: OrderAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem}
)
@repeatable
def place_order(body: OrderBody) -> Response:
    """Place an order without an accession number; one is given"""
    told = told_order("", body, services().patients, teller(body.reason))
    return answer(order_answer(services().registration.place(told, origin())), 201)


@blueprint.post("/patients/emergency", responses={201: EmergencyAnswer})
@repeatable
def register_emergency(body: EmergencyBody) -> Response:
    """Register an emergency patient whom nobody knows, and place an order for now"""
    who = Unidentified(body.sex, body.approximate_age, body.issuer)
    at_once = None if body.order is None else AtOnce(**body.order.model_dump())
    patient, order = services().registration.register_unidentified(who, at_once, origin(), teller())
    shown = None if order is None else order_answer(order)
    return answer(EmergencyAnswer(patient=patient_answer(patient), order=shown), 201)


@blueprint.post("/patients/<patient>/merge/preview", tags=[Tag(name="Changes")], responses={200: MergePreviewAnswer})
def preview_merge(path: PatientPath, body: PreviewBody) -> Response:
    """What merging a record into another would change; nothing is changed"""
    certain = services().patients.certain
    changes = services().identity_changes
    return answer(changes.preview_merge(certain(path.patient), certain(body.into), origin(), _preview_answer))


def _preview_answer(preview: MergePreview) -> MergePreviewAnswer:
    return MergePreviewAnswer(
        merged=patient_answer(preview.merged),
        survivor=patient_answer(preview.survivor),
        orders=[MovedOrderAnswer.model_validate(order) for order in preview.orders],
        studies=[_study_answer(moved) for moved in preview.studies],
        number_of_images=preview.number_of_images,
        number_waiting=preview.number_waiting,
        restriction=preview.restriction,
        open_to=preview.open_to,
    )


def _study_answer(moved: MovedStudy) -> MovedStudyAnswer:
    values = {name: getattr(moved.study, name) for name in MovedStudyAnswer.model_fields if name != "stays"}
    return MovedStudyAnswer(**values, stays=moved.stays)
