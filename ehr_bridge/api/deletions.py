"""Deletion of studies: requested by one person, approved by another, prevented by a legal hold."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated

from flask import Response, request
from flask_openapi3 import Tag
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from ehr_bridge.api import studies
from ehr_bridge.api.filters import At, Former, OfStudy, Sort, at_or_after, before, formerly, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.json_bodies import model_from_json
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    ListOf,
    Model,
    Moment,
    Problem,
    no_control_characters,
)
from ehr_bridge.api.studies import StudyPath, tags_of_study
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import LegalHold
from ehr_bridge.services.deletion.requests import SORTS, DeletionFilters, DeletionView

blueprint = Blueprint("deletions", "Deletion")

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, strip_whitespace=True),
    AfterValidator(no_control_characters),
]


class ReasonHeader(Input):
    model_config = ConfigDict(extra="ignore")

    reason: Reason = Field(alias="X-Reason", description="Why; no patient data")


class OptionalReasonHeader(Input):
    model_config = ConfigDict(extra="ignore")

    reason: Annotated[Reason | None, EmptyIsNone] = Field(None, alias="X-Reason", description="Why; no patient data")


class DeletionPath(Input):
    deletion_id: uuid.UUID


class DeletionQuery(OfStudy):
    """Patient and order are those at the time of the request."""

    status: Annotated[DeletionStatus | None, EmptyIsNone] = Field(None, description="State of the request")
    since: At = at_or_after("Requests")
    until: At = before("Requests")
    sort: Sort = sorted_by(SORTS)
    study_instance_uid: Former = formerly("study")


class RejectBody(Input):
    reason: Annotated[Reason | None, EmptyIsNone] = None


class HoldBody(Input):
    reason: Reason


class DeletionAnswer(PersonAnswer):
    """A request with the facts of its study: the current ones while it is open, those at its end afterwards.

    Patient and order are those at the time of the request."""

    id: uuid.UUID
    status: DeletionStatus
    study_instance_uid: str
    reason: str
    batch_id: uuid.UUID | None = Field(description="The batch with which it was requested (retention), or null")
    requested_by: str
    requested_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None
    purge_after: Moment | None
    restored_by: str | None
    restored_at: Moment | None
    purged_at: Moment | None
    on_hold: bool
    late_instances: int
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    accession_number: str | None
    modalities: list[str]
    study_date: date | None
    study_description: str | None
    number_of_series: int
    number_of_instances: int


class DeletionList(ListOf[DeletionAnswer]):
    pass


class HoldAnswer(Model):
    id: uuid.UUID
    study_instance_uid: str
    reason: str
    held_by: str
    held_at: Moment
    released_by: str | None
    released_at: Moment | None
    release_reason: str | None


def _tags(path: StudyPath, **_: object) -> list[str]:
    return tags_of_study(path.study_uid)


@studies.blueprint.delete(  # OpenAPI lists a path once, so this belongs to the blueprint of its GET
    "/studies/<study_uid>",
    tags=[Tag(name="Deletion")],
    responses={202: DeletionAnswer, 404: Problem, 409: Problem, 422: Problem},
)
@repeatable
@honours(_tags)
def request_deletion(path: StudyPath, header: ReasonHeader) -> Response:
    """Request the deletion of a study; it is hidden from now on"""
    return answer(_answer(services().deletions.request(path.study_uid, header.reason, origin())), 202)


@blueprint.get("/deletions", responses={200: DeletionList, 404: Problem, 409: Problem, 422: Problem})
def list_deletions(query: DeletionQuery) -> Response:
    """Deletion requests, latest first: all for those who may approve, otherwise the caller's own"""
    own = None if caller().may(Permission.APPROVE_DELETION) else caller().subject
    filters = DeletionFilters(
        query.status, query.study, own, query.records, query.named_order_id, query.since, query.until
    )
    page = services().deletions.search(filters, query.limit, query.offset, closed(), query.sort)
    return answer(DeletionList.of(page, _answer))


@blueprint.post(
    "/deletions/<deletion_id>/approve", responses={200: DeletionAnswer, 404: Problem, 409: Problem, 422: Problem}
)
def approve_deletion(path: DeletionPath) -> Response:
    """Approve somebody else's request; the grace period begins"""
    return answer(_answer(services().deletions.approve(path.deletion_id, origin())))


@blueprint.post(
    "/deletions/<deletion_id>/reject",
    responses={200: DeletionAnswer, 400: Problem, 404: Problem, 409: Problem, 422: Problem},
)
def reject_deletion(path: DeletionPath) -> Response:
    """Reject a request; the study is shown again. The body may be JSON with a `reason`, or empty"""
    return answer(_answer(services().deletions.reject(path.deletion_id, _reject_body().reason, origin())))


@blueprint.post(
    "/deletions/<deletion_id>/withdraw", responses={200: DeletionAnswer, 404: Problem, 409: Problem, 422: Problem}
)
def withdraw_deletion(path: DeletionPath) -> Response:
    """Withdraw the caller's own open request; the study is shown again"""
    return answer(_answer(services().deletions.withdraw(path.deletion_id, origin())))


@blueprint.post(
    "/deletions/<deletion_id>/restore", responses={200: DeletionAnswer, 404: Problem, 409: Problem, 422: Problem}
)
def restore_study(path: DeletionPath) -> Response:
    """Restore the study of an approved request, before it is purged"""
    return answer(_answer(services().deletions.restore(path.deletion_id, origin())))


@blueprint.post(
    "/dicom/studies/<study_uid>/hold",
    responses={201: HoldAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags)
def place_hold(path: StudyPath, body: HoldBody) -> Response:
    """Place a study under legal hold: it cannot be deleted"""
    return answer(_hold(path.study_uid, services().holds.place(path.study_uid, body.reason, origin())), 201)


@blueprint.get("/dicom/studies/<study_uid>/hold", responses={200: HoldAnswer, 204: None, 404: Problem, 422: Problem})
def get_hold(path: StudyPath) -> Response:
    """The legal hold of a study; 204 when there is none"""
    hold = services().holds.get(path.study_uid)
    return Response(status=204) if hold is None else answer(_hold(path.study_uid, hold))


@blueprint.delete("/dicom/studies/<study_uid>/hold", responses={200: HoldAnswer, 404: Problem, 422: Problem})
@honours(_tags)
def release_hold(path: StudyPath, header: OptionalReasonHeader) -> Response:
    """Release a study from legal hold"""
    return answer(_hold(path.study_uid, services().holds.release(path.study_uid, header.reason, origin())))


def _reject_body() -> RejectBody:
    data = request.get_data()
    return model_from_json(RejectBody, data, "The body") if data.strip() else RejectBody()


def _answer(view: DeletionView) -> DeletionAnswer:
    deletion = view.request
    values = asdict(view.person) | {name: value for name, value in view.facts.items() if name != "said"}
    values |= {"accession_number": view.accession_number, "on_hold": view.on_hold}
    for name in DeletionAnswer.model_fields.keys() - values.keys():
        values[name] = getattr(deletion, name)
    return DeletionAnswer(**values)


def _hold(study_instance_uid: str, hold: LegalHold) -> HoldAnswer:
    values = {name: getattr(hold, name) for name in HoldAnswer.model_fields if name != "study_instance_uid"}
    return HoldAnswer(study_instance_uid=study_instance_uid, **values)
