"""Reconciliation: studies without a certain link, and people's decisions about them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal

from flask import Response, request
from pydantic import Field, StringConstraints, model_validator

from ehr_bridge.api.cursors import CursorList, counts
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenMoment,
    Input,
    Model,
    Number16,
    Number64,
    PatientRef,
    Problem,
    ReasonText,
    Text64,
    fits,
    former_name,
)
from ehr_bridge.api.registry.orders import Modality, OrderAnswer, order_answer
from ehr_bridge.api.registry.patients import NewPatientBody, PatientAnswer, Sex, patient_answer
from ehr_bridge.api.registry.tellers import teller
from ehr_bridge.api.studies import StudyAnswer, StudyPath, StudyQuery, slice_of, study_answer, tags_of_study
from ehr_bridge.api.tags import CONFLICTS, JobAnswer, accepted, job_answer
from ehr_bridge.api.uploads.answers import EvidenceAnswer
from ehr_bridge.api.writing.conditions import IF_MATCH, honours
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import LinkStatus, OrderStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.services.identity.attributes import person_name
from ehr_bridge.services.linking.reconciliation import NewOrder
from ehr_bridge.services.linking.reconciliation_views import CandidateView, ReconciliationView
from ehr_bridge.services.registry.patients import Patients
from ehr_bridge.services.verdict.judge import Confirmation
from ehr_bridge.wrong_values import written

blueprint = Blueprint("reconciliation", "Reconciliation")

Version = Annotated[
    str, StringConstraints(pattern=written(r"^[0-9a-f]{16}$", "the `version` of the study, as an answer gave it"))
]
MOST_ORDERS = 20
EXPECTED = "The `version` of the study that was looked at; when it is another by now, the answer is 409 `study_changed`"
SEVERAL = "Decided with another study, which was compared: 409 `decide_alone` where its images may name another patient"


class ReconciliationQuery(StudyQuery):
    link_status: Annotated[Literal[LinkStatus.UNLINKED, LinkStatus.AMBIGUOUS] | None, EmptyIsNone] = Field(
        None, description="Only these; both unless said"
    )


class SomebodyQuery(Input):
    """The assumed owner: an order (and so its patient), or a patient without an order."""

    order_id: Annotated[Text64 | None, EmptyIsNone] = Field(None, description="Id or accession number of an order")
    patient_id: Annotated[PatientRef | None, EmptyIsNone] = Field(None, description="Id or MRN of a patient")

    def confirmation(self, patients: Patients) -> Confirmation:
        """Raises InvalidInput when a number alone is not enough."""
        patient = patients.certain_if_any(self.patient_id)
        return Confirmation(order=self.order_id, patient=patient)

    @model_validator(mode="after")
    def _names_somebody(self) -> SomebodyQuery:
        if self.order_id is None and self.patient_id is None:
            raise ValueError("name an order or a patient")
        return self


class LinkBody(SomebodyQuery):
    """The owner of the study: one or more orders (and so their patient), or a patient without an order."""

    order_ids: list[Text64] | None = Field(
        None,
        min_length=1,
        max_length=MOST_ORDERS,
        description="Ids or accession numbers of all orders that the study answers, in place of `order_id`; the "
        "accession number of the first one goes into the files",
    )
    reason: ReasonText
    expected: Annotated[Version | None, EmptyIsNone] = Field(None, description=EXPECTED)
    is_one_of_several: bool = Field(False, description=SEVERAL)

    @model_validator(mode="after")
    def _names_somebody(self) -> LinkBody:
        if self.order_ids:
            if self.order_id not in (None, self.order_ids[0]):
                raise ValueError("name the orders once: order_id or order_ids")
            self.order_id = self.order_ids[0]
        if self.order_id is None and self.patient_id is None:
            raise ValueError("name an order or a patient")
        return self


class UnlinkBody(Input):
    reason: ReasonText
    expected: Annotated[Version | None, EmptyIsNone] = Field(None, description=EXPECTED)


class NewOrderBody(Input):
    """An order from a study. Fields that are left out are taken from it."""

    accession_number: Annotated[Number16 | None, EmptyIsNone] = Field(
        None, description="Left out: the file's own if it is free, else a new one"
    )
    modality: Annotated[Modality | None, EmptyIsNone] = None
    description: Annotated[Text64 | None, EmptyIsNone] = None
    ordered_by: Annotated[Annotated[Text64, fits("ReferringPhysicianName")] | None, EmptyIsNone] = None
    scheduled_at: Annotated[GivenMoment | None, EmptyIsNone] = Field(
        None, description="When it was to be done; not taken from the study"
    )

    def wanted(self) -> NewOrder:
        return NewOrder(self.accession_number, self.modality, self.description, self.ordered_by, self.scheduled_at)


class CreateOrderBody(NewOrderBody):
    patient_id: PatientRef = Field(description="Id or MRN of a patient")
    reason: ReasonText
    expected: Annotated[Version | None, EmptyIsNone] = Field(None, description=EXPECTED)


class CreatePatientBody(Input):
    """A patient whom nobody has registered. Nothing is taken from the study: a person has confirmed each field."""

    mrn: Annotated[Number64 | None, EmptyIsNone] = Field(None, description="Left out: a number is given here")
    patient: NewPatientBody
    order: NewOrderBody | None = Field(None, description="Left out: the study is linked without an order")
    reason: ReasonText
    expected: Annotated[Version | None, EmptyIsNone] = Field(None, description=EXPECTED)


class DifferenceAnswer(Model):
    """One attribute; `ehr` is null where the EHR has no value and the file would keep its own."""

    tag: str
    file: str
    ehr: str | None
    differs: bool


class CandidateAnswer(Model):
    """A patient, with or without an order, that the study could belong to."""

    patient_id: uuid.UUID
    mrn: str
    issuer: str | None
    patient_name: str | None
    birth_date: date | None
    sex: Sex
    order_id: uuid.UUID | None
    accession_number: str | None
    order_status: OrderStatus | None
    order_description: str | None
    kind: Literal["exact", "probable", "ambiguous", "none"]
    score: float
    evidence: list[EvidenceAnswer]
    differences: list[DifferenceAnswer]


class ReconciliationAnswer(Model):
    study: StudyAnswer
    why: Literal["linked", "unlinked", "ambiguous", "contradicted", "withheld"] = Field(
        description="contradicted: an instance claims to be of somebody else than its study. withheld: its patient was "
        "corrected so far that it may be another person"
    )
    withheld_by_id: uuid.UUID | None = Field(description="That correction (`changes/{change_id}`); null otherwise")
    withheld_by: uuid.UUID | None = former_name("withheld_by_id")
    version: str = Field(description="Send it back as `expected`, so that nobody undoes what they have not seen")
    received: dict[str, str] = Field(description="What the first file said of itself, with later corrections")
    candidates: list[CandidateAnswer] = Field(description="The likeliest first, at most ten")
    job: JobAnswer | None = Field(description="The job that is running on the study")


class ReconciliationList(CursorList):
    items: list[ReconciliationAnswer]


class CreatedOrderAnswer(Model):
    order: OrderAnswer
    job: JobAnswer


class CreatedPatientAnswer(Model):
    patient: PatientAnswer
    order: OrderAnswer | None = Field(description="The new order, if one was asked for")
    job: JobAnswer


@blueprint.get("/reconciliation", responses={200: ReconciliationList, 404: Problem, 409: Problem, 422: Problem})
def list_reconciliation(query: ReconciliationQuery) -> Response:
    """List studies without a certain link, each with its candidates"""
    page = services().reconciliation.search(query.filters(), slice_of(query))
    items = [_answer(view) for view in page.items]
    return answer(ReconciliationList(items=items, **counts(page)))


@blueprint.get("/reconciliation/<study_uid>", responses={200: ReconciliationAnswer, 404: Problem, 422: Problem})
def get_reconciliation(path: StudyPath) -> Response:
    """One stored study, linked or not, with its candidates"""
    view = services().reconciliation.get(path.study_uid)
    response = answer(_answer(view))
    response.headers["ETag"] = f'"{view.version}"'
    return response


@blueprint.get(
    "/reconciliation/<study_uid>/compare",
    responses={200: CandidateAnswer, 404: Problem, 409: Problem, 422: Problem},
)
def compare_study(path: StudyPath, query: SomebodyQuery) -> Response:
    """Compare a stored study with any order or patient, like with a candidate"""
    to = query.confirmation(services().patients)
    return answer(candidate_answer(services().reconciliation.compare(path.study_uid, to)))


def _tags(path: StudyPath, body: LinkBody | UnlinkBody | CreateOrderBody | CreatePatientBody) -> list[str]:
    """The version that this page shows, or the study's own tag."""
    return [f'"{services().reconciliation.version(path.study_uid)}"', *tags_of_study(path.study_uid)]


@blueprint.post("/reconciliation/<study_uid>/link", responses={202: JobAnswer, **CONFLICTS})
@repeatable
@honours(_tags)
def link_study(path: StudyPath, body: LinkBody) -> Response:
    """Link a study to one or more orders, or to a patient without an order; a job, like `modify-tags`"""
    to, expected = body.confirmation(services().patients), body.expected or _seen(path)
    further, several = (body.order_ids or [])[1:], body.is_one_of_several
    link = services().reconciliation.link
    return accepted(link(path.study_uid, to, body.reason, origin(), expected, further, is_one_of_several=several))


@blueprint.post("/reconciliation/<study_uid>/unlink", responses={202: JobAnswer, **CONFLICTS})
@repeatable
@honours(_tags)
def unlink_study(path: StudyPath, body: UnlinkBody) -> Response:
    """Unlink a study; its files get back the values they arrived with. A job"""
    expected = body.expected or _seen(path)
    return accepted(services().reconciliation.unlink(path.study_uid, body.reason, origin(), expected))


@blueprint.post("/reconciliation/<study_uid>/create-order", responses={202: CreatedOrderAnswer, **CONFLICTS})
@repeatable
@honours(_tags)
def create_order_for_study(path: StudyPath, body: CreateOrderBody) -> Response:
    """Create the missing order of a study, and link the study to it; a job"""
    patient = services().patients.certain(body.patient_id)
    order, job = services().reconciliation.create_order(
        path.study_uid, patient, body.wanted(), body.reason, origin(), body.expected or _seen(path)
    )
    return _begun(CreatedOrderAnswer(order=order_answer(order), job=job_answer(job)), job)


@blueprint.post("/reconciliation/<study_uid>/create-patient", responses={202: CreatedPatientAnswer, **CONFLICTS})
@repeatable
@honours(_tags)
def create_patient_for_study(path: StudyPath, body: CreatePatientBody) -> Response:
    """Register the missing patient of a study, as at the desk, and link the study; a job. Needs `register` too"""
    if not caller().may(Permission.WRITE_ORDERS):
        caller().require(Permission.REGISTER)

    def register() -> Patient:
        return services().registration.register(body.patient.data(), origin(), teller(body.reason), body.mrn)

    patient, order, job = services().reconciliation.create_patient(
        path.study_uid,
        register,
        None if body.order is None else body.order.wanted(),
        body.reason,
        origin(),
        body.expected or _seen(path),
    )
    shown = None if order is None else order_answer(order)
    return _begun(CreatedPatientAnswer(patient=patient_answer(patient), order=shown, job=job_answer(job)), job)


def _begun(created: Model, job: Modification) -> Response:
    response = answer(created, 202)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return response


def _seen(path: StudyPath) -> str | None:
    """The present version for a caller who has just proved with `If-Match` to have seen it; the transaction is one."""
    return services().reconciliation.version(path.study_uid) if request.headers.get(IF_MATCH, "*") != "*" else None


def _answer(view: ReconciliationView) -> ReconciliationAnswer:
    return ReconciliationAnswer(
        study=study_answer(view.view),
        why=view.why,
        withheld_by_id=view.view.study.withheld_by_id,
        withheld_by=view.view.study.withheld_by_id,
        version=view.version,
        received=view.received,
        candidates=[candidate_answer(one) for one in view.candidates if one.patient.id not in closed().patients],
        job=job_answer(view.job) if view.job else None,
    )


def candidate_answer(candidate: CandidateView) -> CandidateAnswer:
    patient, order, match = candidate.patient, candidate.order, candidate.match
    return CandidateAnswer(
        patient_id=patient.id,
        mrn=patient.mrn,
        issuer=patient.issuer,
        patient_name=person_name(patient) or None,
        birth_date=patient.birth_date,
        sex=patient.sex,
        order_id=order.id if order else None,
        accession_number=order.accession_number if order else None,
        order_status=order.status if order else None,
        order_description=order.description if order else None,
        kind=match.kind.value,
        score=match.score,
        evidence=[EvidenceAnswer.model_validate(one.as_json()) for one in match.evidence],
        differences=[DifferenceAnswer.model_validate(one) for one in candidate.differences],
    )
