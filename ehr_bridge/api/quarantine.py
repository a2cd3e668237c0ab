"""Quarantine: files that are kept outside the archive until a person gives them to a patient or discards them."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, OrderIds, Problem, ReasonText
from ehr_bridge.api.reconciliation import (
    CandidateAnswer,
    LinkBody,
    SomebodyQuery,
    candidate_answer,
)
from ehr_bridge.api.tags import CONFLICTS
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.services.identity.persons import person_of
from ehr_bridge.services.quarantine.desk import SORTS, QuarantineFilters, QuarantineView
from ehr_bridge.wrong_values import written

blueprint = Blueprint("quarantine", "Quarantine")

Status = Literal["waiting", "given", "discarded"]


class QuarantinePath(Input):
    quarantine_id: uuid.UUID


class QuarantineQuery(OfStudy):
    """Patient and order are those that a file was given to, the study is one that it names or got."""

    status: Annotated[Status | Literal["all"], EmptyIsNone] = Field(
        "waiting", description="`all`: whatever became of it"
    )
    code: Annotated[
        Annotated[str, Field(pattern=written(r"^[a-z_]{1,64}$", "a code of the table of errors, such as not_dicom"))]
        | None,
        EmptyIsNone,
    ] = Field(None, description="Only files that are kept for this reason")
    since: At = at_or_after("Arrivals")
    until: At = before("Arrivals")
    sort: Sort = sorted_by(SORTS)


class GiveBody(LinkBody):
    """The owner of the file: an order (and so its patient), or a patient without an order."""

    expected: None = None


class DecisionBody(Input):
    reason: ReasonText


class NamedStudy(PersonAnswer):
    """The archived study with the Study Instance UID of the file, and its patient."""

    study_instance_uid: str
    link_status: LinkStatus
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    order_ids: OrderIds


class GivenTo(PersonAnswer):
    """The patient and order the file was given to, and the UIDs under which it is stored."""

    patient_id: uuid.UUID
    mrn: str
    order_id: uuid.UUID | None
    accession_number: str | None
    orthanc_instance_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class QuarantineAnswer(Model):
    id: uuid.UUID
    status: Status
    code: str = Field(description="Why it is not in the archive")
    can_be_given: bool = Field(description="false: nobody can store it, it can only be discarded")
    received_at: Moment
    last_received_at: Moment
    times_received: int = Field(description="How often these very bytes came")
    door: str | None
    sent_by: str | None = Field(description="Subject of the token, or `ae:` and the calling AE title; null: not known")
    address: str | None
    size_bytes: int
    sha256: str
    file_name: str = Field(description="In the quarantine folder of `node`")
    node: str
    said: dict[str, str] = Field(description="What the file says of itself, by DICOM keyword")
    study: NamedStudy | None
    decided_by: str | None
    decided_at: Moment | None
    reason: str | None
    given: GivenTo | None


class QuarantineList(ListOf[QuarantineAnswer]):
    pass


@blueprint.get("/quarantine", responses={200: QuarantineList, 404: Problem, 409: Problem, 422: Problem})
def list_quarantine(query: QuarantineQuery) -> Response:
    """List files that are kept outside the archive, latest first"""
    status = None if query.status == "all" else query.status
    filters = QuarantineFilters(
        status,
        query.code,
        query.study,
        query.records,
        query.named_order_id,
        query.since,
        query.until,
        closed(),
    )
    page = services().quarantine_desk.search(filters, query.limit, query.offset, query.sort)
    return answer(QuarantineList.of(page, _answer))


@blueprint.get("/quarantine/<quarantine_id>", responses={200: QuarantineAnswer, 404: Problem, 422: Problem})
def get_quarantined_file(path: QuarantinePath) -> Response:
    """One file in quarantine"""
    return answer(_answer(services().quarantine_desk.get(path.quarantine_id)))


@blueprint.get(
    "/quarantine/<quarantine_id>/compare",
    responses={200: CandidateAnswer, 404: Problem, 409: Problem, 422: Problem, 503: Problem},
)
def compare_quarantined_file(path: QuarantinePath, query: SomebodyQuery) -> Response:
    """Compare a file in quarantine with any order or patient, like a study with a candidate"""
    to = query.confirmation(services().patients)
    return answer(candidate_answer(services().quarantine_desk.compare(path.quarantine_id, to)))


@blueprint.post("/quarantine/<quarantine_id>/give", responses={200: QuarantineAnswer, **CONFLICTS})
def give_quarantined_file(path: QuarantinePath, body: GiveBody) -> Response:
    """Store a file as an image of a patient or an order, under the same rules as an upload"""
    to = body.confirmation(services().patients)
    view = services().quarantine_desk.give(path.quarantine_id, to, body.reason, origin(), archive())
    return answer(_answer(view))


@blueprint.post("/quarantine/<quarantine_id>/discard", responses={200: QuarantineAnswer, **CONFLICTS})
def discard_quarantined_file(path: QuarantinePath, body: DecisionBody) -> Response:
    """Discard a file that belongs to nobody; it is deleted after the grace period of deletions"""
    return answer(_answer(services().quarantine_desk.discard(path.quarantine_id, body.reason, origin())))


@blueprint.post("/quarantine/<quarantine_id>/reopen", responses={200: QuarantineAnswer, **CONFLICTS})
def reopen_quarantined_file(path: QuarantinePath, body: DecisionBody) -> Response:
    """Undo a decision; the file waits again. An image that was stored from it stays until it is deleted"""
    return answer(_answer(services().quarantine_desk.reopen(path.quarantine_id, body.reason, origin())))


def _answer(view: QuarantineView) -> QuarantineAnswer:
    file = view.file
    return QuarantineAnswer(
        **{
            name: getattr(file, name)
            for name in QuarantineAnswer.model_fields
            if hasattr(file, name) and name != "given"
        },
        can_be_given=view.can_be_given,
        study=_study(view),
        given=_given(view),
    )


def _study(view: QuarantineView) -> NamedStudy | None:
    if view.study is None:
        return None
    return NamedStudy(
        study_instance_uid=view.study.study_instance_uid,
        link_status=view.study.link_status,
        patient_id=view.study.patient_id,
        **asdict(person_of(view.owner, {})),
        order_id=view.study.order_id,
        order_ids=list(view.study.order_ids),
    )


def _given(view: QuarantineView) -> GivenTo | None:
    if view.patient is None or view.file.given is None:
        return None
    return GivenTo(
        patient_id=view.patient.id,
        **asdict(person_of(view.patient, {})),
        order_id=view.order.id if view.order else None,
        accession_number=view.order.accession_number if view.order else None,
        **view.file.given,
    )
