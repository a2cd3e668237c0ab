"""What modalities have reported of their work (MPPS): performed procedure steps."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, Problem, ReasonText, Uid
from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.services.interfaces.performed_listing import SORTS, PerformedFilters

blueprint = Blueprint("performed_steps", "Interfaces", "/api/v1/performed-steps")


class PerformedPath(Input):
    step_uid: Uid = Field(description="Its SOP Instance UID")


class PerformedQuery(OfStudy):
    status: Annotated[PerformedStatus | None, EmptyIsNone] = Field(None, description="How far it is")
    waiting: bool | None = Field(
        None, description="Whether it waits for an order, for images, or since a day for its end"
    )
    since: At = at_or_after("Beginnings")
    until: At = before("Beginnings")
    sort: Sort = sorted_by(SORTS)


class CloseBody(Input):
    reason: ReasonText


class PerformedSeriesAnswer(Model):
    series_instance_uid: str
    description: str | None = Field(description="Its description, or the protocol")
    number_of_images: int = Field(description="Images and other objects that the modality says it has made")


class OrderOfStep(Model):
    id: uuid.UUID = Field(description="Id of the order")
    accession_number: str
    patient_id: uuid.UUID


class PerformedStepAnswer(Model):
    sop_instance_uid: str = Field(description="SOP Instance UID of the step, its name here")
    ae_title: str = Field(description="The modality that has reported it")
    status: PerformedStatus = Field(description="How far it is, as the modality has last said")
    study_instance_uid: str | None = Field(description="Study Instance UID of its images; null: not known yet")
    orders: list[OrderOfStep] = Field(description="The orders that it is of; none where that is not certain")
    original_patient_id: str | None = Field(description="Patient ID, as the modality says")
    original_patient_name: str | None = Field(description="Patient's Name, as the modality says")
    original_accession_number: str | None = Field(description="Accession Number of its first request, if it has one")
    performed_procedure_step_id: str | None = Field(description="The modality's own number of the step")
    modality: str | None
    station_ae_title: str | None = Field(description="Performed Station AE Title")
    description: str | None = Field(description="What was done")
    started_at: Moment | None = Field(description="When it began, by the clock of the modality")
    ended_at: Moment | None = Field(description="When it ended, by the clock of the modality")
    discontinuation_reason: str | None = Field(description="Why it was discontinued, if the modality says so")
    number_of_series: int = Field(description="Series that the modality says it has made")
    number_of_images: int = Field(description="Images and other objects that the modality says it has made")
    number_here: int = Field(description="Of those, the ones that are here")
    series: list[PerformedSeriesAnswer]
    is_waiting: bool = Field(description="It waits for an order or for images")
    created_at: Moment = Field(description="When the modality reported its beginning")
    received_at: Moment = Field(description="When the modality has last said something new")
    closed_by: str | None = Field(description="Who said that nothing more will come of it")
    closed_at: Moment | None = Field(description="When they said so")
    close_reason: str | None = Field(description="Why nothing more will come of it")


class PerformedList(ListOf[PerformedStepAnswer]):
    pass


@blueprint.get("", responses={200: PerformedList, 404: Problem, 409: Problem, 422: Problem})
def list_performed_steps(query: PerformedQuery) -> Response:
    """List performed procedure steps, latest first"""
    filters = PerformedFilters(
        query.status,
        query.waiting,
        query.records,
        query.named_order_id,
        query.study,
        query.since,
        query.until,
        closed(),
    )
    page = services().performed_listing.search(filters, query.limit, query.offset, query.sort)
    return answer(PerformedList.of(page, _shown))


@blueprint.get("/<step_uid>", responses={200: PerformedStepAnswer, 404: Problem, 422: Problem})
def get_performed_step(path: PerformedPath) -> Response:
    """One performed procedure step"""
    return answer(_shown(services().performed_listing.get(path.step_uid)))


@blueprint.post(
    "/<step_uid>/close",
    responses={200: PerformedStepAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def close_performed_step(path: PerformedPath, body: CloseBody) -> Response:
    """Say that nothing more will come of a step: no end, no images, no order"""
    return answer(_shown(services().performed.close(path.step_uid, body.reason, origin())))


def _shown(step: PerformedStep) -> PerformedStepAnswer:
    first = step.requests[0] if step.requests else {}
    made: dict[str, Any] = {
        "orders": [OrderOfStep.model_validate(order) for order in step.orders],
        "original_patient_id": step.said.get("PatientID"),
        "original_patient_name": step.said.get("PatientName"),
        "original_accession_number": first.get("AccessionNumber"),
        "series": [
            PerformedSeriesAnswer(
                series_instance_uid=one["series_instance_uid"],
                description=one["description"] or None,
                number_of_images=one["number_of_images"],
            )
            for one in step.series
        ],
    }
    own = {name: getattr(step, name) for name in PerformedStepAnswer.model_fields if name not in made}
    return PerformedStepAnswer(**made, **own)
