"""Images that are not to be used: rejected with a reason, taken back, and what other systems have rejected."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    ListOf,
    Model,
    Moment,
    Problem,
    Uid,
    no_control_characters,
)
from ehr_bridge.api.studies import StudyPath
from ehr_bridge.api.tags import CONFLICTS
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import RejectedFile, RejectionReason, RejectionStatus
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.rejection.rejections import SORTS, RejectionFilters, RejectionView, Wish

blueprint = Blueprint("rejections", "Rejection", "/api/v1/dicom")

Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, strip_whitespace=True),
    AfterValidator(no_control_characters),
]


class RejectionPath(Input):
    rejection_id: uuid.UUID


class RejectedPicturePath(RejectionPath):
    number: int = Field(ge=1, le=2_147_483_647, description="1 for the first of `images`")


class RejectImagesBody(Input):
    """Either a whole series or images."""

    reason: RejectionReason
    comment: Annotated[Words | None, EmptyIsNone] = Field(None, description="What is wrong; it stands in the note")
    series_instance_uid: Annotated[Uid | None, EmptyIsNone] = Field(
        None, description="Series Instance UID (0020,000E): all of its images"
    )
    sop_instance_uids: list[Uid] | None = Field(
        None, min_length=1, max_length=500, description="SOP Instance UIDs (0008,0018) of the images"
    )

    @model_validator(mode="after")
    def _one_way(self) -> RejectImagesBody:
        if (self.series_instance_uid is None) == (self.sop_instance_uids is None):
            raise ValueError("name either series_instance_uid or sop_instance_uids")
        return self


class UndoRejectionBody(Input):
    reason: Words


class RefuseRejectionBody(Input):
    reason: Annotated[Words | None, EmptyIsNone] = None


class RejectionQuery(OfStudy):
    """Patient and order are those of the study now."""

    status: Annotated[RejectionStatus | None, EmptyIsNone] = Field(None, description="How far the rejection is")
    since: At = at_or_after("Rejections")
    until: At = before("Rejections")
    sort: Sort = sorted_by(SORTS)


class RejectedImageAnswer(Model):
    sop_instance_uid: str
    series_instance_uid: str
    is_put_aside: bool = Field(description="Whether it is out of the archive")


class RejectionAnswer(PersonAnswer):
    """One act, its images and its note; the person is that of the study now."""

    id: uuid.UUID
    status: RejectionStatus
    reason: RejectionReason
    comment: str | None = Field(description="What is wrong, in words", examples=["motion"])
    study_instance_uid: str
    patient_id: uuid.UUID | None
    number_of_images: int
    requested_by: str
    requested_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None
    is_from_elsewhere: bool = Field(description="Whether another system's note says so")
    note_sop_instance_uid: str | None = Field(
        description="SOP Instance UID of the rejection note in the study; null: it is not there"
    )
    is_under_way: bool = Field(description="Whether images or the note are still to be moved")
    error_code: str | None = Field(description="Why that has to be tried again")
    images: list[RejectedImageAnswer]


class RejectionList(ListOf[RejectionAnswer]):
    pass


@blueprint.post("/studies/<study_uid>/rejections", responses={201: RejectionAnswer, **CONFLICTS})
@repeatable
def reject_images(path: StudyPath, body: RejectImagesBody) -> Response:
    """Reject images or a series: they leave the study, are kept apart, and a rejection note says why (IHE IOCM)"""
    wish = Wish(body.reason, body.comment, body.series_instance_uid, tuple(dict.fromkeys(body.sop_instance_uids or ())))
    view = services().results.rejections.reject(path.study_uid, wish, origin())
    return answer(_moved(view), 201)


@blueprint.get("/rejections", responses={200: RejectionList, 404: Problem, 409: Problem, 422: Problem})
def list_rejections(query: RejectionQuery) -> Response:
    """Rejections of images, latest first; `status=proposed`: what another system's note says and nobody has decided"""
    filters = RejectionFilters(query.status, query.study, query.records, query.named_order_id, query.since, query.until)
    page = services().results.rejections.search(filters, query.limit, query.offset, closed(), query.sort)
    return answer(RejectionList.of(page, _answer))


@blueprint.get("/rejections/<rejection_id>", responses={200: RejectionAnswer, 404: Problem, 422: Problem})
def get_rejection(path: RejectionPath) -> Response:
    """One rejection of images"""
    return answer(_answer(services().results.rejections.get(path.rejection_id)))


@blueprint.get(
    "/rejections/<rejection_id>/pictures/<number>",
    responses={
        200: {"description": "A PNG", "content": {"image/png": {"schema": BINARY}}},
        404: Problem,
        422: Problem,
    },
)
def get_rejected_picture(path: RejectedPicturePath) -> Response:
    """A picture of at most 768 pixels of a rejected image that is kept apart, for who may reject. Needs `view` too"""
    caller().require(Permission.VIEW)
    png = services().results.looking.picture(path.rejection_id, path.number, archive(), origin())
    response = Response(png, content_type="image/png")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/rejections/<rejection_id>/undo", responses={200: RejectionAnswer, **CONFLICTS})
def undo_rejection(path: RejectionPath, body: UndoRejectionBody) -> Response:
    """Take a rejection back: its images return to the study, and the note leaves it"""
    return answer(_moved(services().results.rejections.undo(path.rejection_id, body.reason, origin())))


@blueprint.post("/rejections/<rejection_id>/agree", responses={200: RejectionAnswer, **CONFLICTS})
def agree_to_rejection(path: RejectionPath) -> Response:
    """Do what another system's rejection note says"""
    return answer(_moved(services().results.rejections.confirm(path.rejection_id, origin())))


@blueprint.post("/rejections/<rejection_id>/refuse", responses={200: RejectionAnswer, **CONFLICTS})
def refuse_rejection(path: RejectionPath, body: RefuseRejectionBody) -> Response:
    """Leave the images in use that another system's rejection note names"""
    return answer(_answer(services().results.rejections.decline(path.rejection_id, body.reason, origin())))


def _moved(view: RejectionView) -> RejectionAnswer:
    """As it is once the files were moved, if this can be done now; the worker goes on with it otherwise."""
    results = services().results
    with suppress(Unavailable):
        results.moving.carry_out(view.rejection.id, archive())
    return _answer(results.rejections.get(view.rejection.id))


def _answer(view: RejectionView) -> RejectionAnswer:
    rejection = view.rejection
    own = {name: getattr(rejection, name) for name in RejectionAnswer.model_fields if hasattr(rejection, name)}
    return RejectionAnswer(
        **own | asdict(view.person),
        study_instance_uid=rejection.study.study_instance_uid,
        patient_id=rejection.study.patient_id,
        is_from_elsewhere=rejection.foreign_note_uid is not None,
        note_sop_instance_uid=rejection.foreign_note_uid or (rejection.note_made_of and rejection.note_sop_uid),
        is_under_way=rejection.is_due,
        error_code=rejection.failure,
        images=[
            RejectedImageAnswer(
                sop_instance_uid=one.sop_instance_uid,
                series_instance_uid=one.series_instance_uid,
                is_put_aside=one.status in (RejectedFile.OUT, RejectedFile.RETURNING),
            )
            for one in view.images
        ],
    )
