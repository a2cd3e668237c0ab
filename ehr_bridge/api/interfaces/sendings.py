"""Sending a study to a modality, and how far that is."""

from __future__ import annotations

import uuid

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import PageQuery, Sort, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.api.http.schemas import Input, ListOf, Model, Moment, Problem
from ehr_bridge.api.interfaces.modalities import AeTitle
from ehr_bridge.api.studies import StudyPath
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.db.states import JobStatus
from ehr_bridge.db.tables.interfaces import Sending
from ehr_bridge.services.interfaces.sendings import SORTS

blueprint = Blueprint("sendings", "Interfaces", "/api/v1")


class SendingPath(Input):
    sending_id: uuid.UUID


class SendBody(Input):
    ae_title: AeTitle = Field(description="A registered modality that may be sent images (`send_to`)")


class SendingQuery(PageQuery):
    sort: Sort = sorted_by(SORTS)


class SendingAnswer(Model):
    id: uuid.UUID = Field(description="Our id of the job")
    study_instance_uid: str
    ae_title: str = Field(description="The modality")
    status: JobStatus = Field(
        description="`partial`: the modality has not taken all of it; cancelled ones too, with `sending_cancelled`"
    )
    number_of_instances: int = Field(description="Instances of the study")
    number_sent: int = Field(description="Instances that the modality has taken")
    number_refused: int = Field(description="Instances that it has not taken")
    error_code: str | None = Field(
        description="Why it failed, or, while it is under way, why it waits (`modality_away`, `archive_unavailable`)"
    )
    error_message: str | None = Field(description="The same in words")
    refusal: str | None = Field(description="What was last heard of an image that was not taken, in Orthanc's words")
    requested_by: str
    requested_at: Moment
    finished_at: Moment | None


class SendingList(ListOf[SendingAnswer]):
    pass


@blueprint.post(
    "/dicom/studies/<study_uid>/send",
    responses={202: SendingAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@repeatable
def send_study(path: StudyPath, body: SendBody) -> Response:
    """Send a study to a modality; a job, whose state `GET sendings/{id}` shows"""
    sending = services().sendings.request(path.study_uid, body.ae_title, archive(), origin())
    response = answer(_shown(sending), 202)
    response.headers["Location"] = f"/api/v1/sendings/{sending.id}"
    return response


@blueprint.get("/dicom/studies/<study_uid>/sendings", responses={200: SendingList, 404: Problem, 422: Problem})
def list_sendings(path: StudyPath, query: SendingQuery) -> Response:
    """To which modalities a study was sent, latest first"""
    page = services().sendings.of_study(path.study_uid, query.limit, query.offset, query.sort)
    return answer(SendingList.of(page, _shown))


@blueprint.get("/sendings/<sending_id>", responses={200: SendingAnswer, 404: Problem, 422: Problem})
def get_sending(path: SendingPath) -> Response:
    """How far the sending of a study is"""
    return answer(_shown(services().sendings.get(path.sending_id)))


@blueprint.post(
    "/sendings/<sending_id>/cancel", responses={200: SendingAnswer, 404: Problem, 409: Problem, 422: Problem}
)
@repeatable
def cancel_sending(path: SendingPath) -> Response:
    """Send nothing more of a study to a modality; what it has taken stays there"""
    return answer(_shown(services().sendings.cancel(path.sending_id, origin())))


def _shown(sending: Sending) -> SendingAnswer:
    own = {name: getattr(sending, name) for name in SendingAnswer.model_fields if hasattr(sending, name)}
    message = CODES[sending.error_code].cause if sending.error_code else None
    return SendingAnswer(study_instance_uid=sending.study.study_instance_uid, error_message=message, **own)
