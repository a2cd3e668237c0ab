"""Retention in the pages: proposals of rules, requests in batches, and decisions about a batch."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.cursors import CursorText, cursor_of, position_of
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenMoment,
    Input,
    Model,
    Moment,
    Problem,
    Uid,
    no_control_characters,
)
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.deletion.proposals import MOST, OfYear
from ehr_bridge.services.deletion.retention import MOST_BATCHES, SAMPLE, Batch, Done
from ehr_bridge.services.deletion.years_kept import LEAST_AGE, YearsKept, read_rules
from ehr_bridge.services.studies.listing import StudyView

blueprint = Blueprint("retention", "Deletion")

MOST_STUDIES = 500


def _readable(rules: str) -> str:
    read_rules(rules.split(","))
    return rules


RuleText = Annotated[str, StringConstraints(min_length=1, max_length=90), AfterValidator(_readable)]
Why = Annotated[
    str, StringConstraints(min_length=1, max_length=150, strip_whitespace=True), AfterValidator(no_control_characters)
]
LeastAge = Annotated[int, Field(ge=0, le=150)]
RULES = "Years by modality, such as `CT=10, any=30`; a study with a modality that has no rule stays"
LEAST = "Studies of patients who are younger stay"


class ProposalsQuery(Input):
    rules: RuleText = Field(description=RULES)
    least_age: LeastAge = Field(LEAST_AGE, description=LEAST)
    limit: int = Field(50, ge=1, le=MOST_STUDIES, description="How many studies at most, the oldest first")
    cursor: CursorText = Field(
        None,
        description="`next` of the page before, with the same rules; the studies are counted on the first page only",
    )


class BatchPath(Input):
    batch_id: uuid.UUID


class BatchBody(Input):
    """The studies whose deletion is requested, as they were proposed."""

    rules: RuleText = Field(description=RULES)
    least_age: LeastAge = Field(LEAST_AGE, description=LEAST)
    study_instance_uids: list[Uid] = Field(min_length=1, max_length=MOST_STUDIES)
    seen_at: GivenMoment = Field(
        description="`read_at` of the proposals: a study that somebody else has read since, or is reading, is left out"
    )
    reason: Why = Field(description="Why; no patient data. The rules are added to it")


class BatchDecisionBody(Input):
    number_of_studies: int = Field(ge=1, le=MOST_STUDIES, description="How many wait, as the caller has seen")


class BatchRejectionBody(BatchDecisionBody):
    reason: Annotated[Why | None, EmptyIsNone] = None


class ProposedStudy(PersonAnswer):
    patient_id: uuid.UUID | None
    study_instance_uid: str
    accession_number: str | None
    modalities: list[str]
    study_date: date | None
    study_description: str | None
    number_of_series: int
    number_of_instances: int


class Proposal(ProposedStudy):
    rule: str | None = Field(description="The rule by which it may go, such as `CT=10`")


class ProposedOfYear(Model):
    year: int
    modalities: list[str]
    number_of_studies: int
    number_of_instances: int


class ProposalsAnswer(Model):
    """Nothing of it is kept, and nothing is requested by it."""

    read_at: Moment
    number_of_studies: int | None = Field(description="null on a further page, where nothing is counted")
    is_all: bool | None = Field(description=f"False: more than {MOST:,} are proposed; the oldest of them are counted")
    counts: list[ProposedOfYear]
    studies: list[Proposal]
    next: str | None = Field(description="`cursor` for the page after this one; null at the end of the list")


class LeftOutAnswer(Model):
    study_instance_uid: str
    code: str = Field(
        description="`not_proposed`, `study_read`, `changed_since_request`, or the code of a single request's refusal"
    )


class BatchDoneAnswer(Model):
    batch_id: uuid.UUID | None = Field(description="null when nothing was requested")
    number_of_studies: int = Field(description="For how many it was done")
    left_out: list[LeftOutAnswer]


class BatchAnswer(Model):
    """The requests of a batch that wait for a decision."""

    batch_id: uuid.UUID
    requested_by: str
    requested_at: Moment
    reason: str
    number_of_studies: int
    number_of_instances: int
    first_date: date | None
    last_date: date | None
    sample: list[ProposedStudy] = Field(description=f"The {SAMPLE} oldest")


class BatchesAnswer(Model):
    batches: list[BatchAnswer] = Field(description=f"At most {MOST_BATCHES}, the latest first")


@blueprint.get("/retention/proposals", responses={200: ProposalsAnswer, 422: Problem})
def list_proposals(query: ProposalsQuery) -> Response:
    """The studies that rules of retention propose for deletion; nothing is requested by this"""
    retention = services().results.retention
    rules = _rules(query.rules, query.least_age)
    found, read_at = retention.proposals(rules, closed(), query.limit, position_of(query.cursor))
    counts = found.counts
    return answer(
        ProposalsAnswer(
            read_at=read_at,
            number_of_studies=None if counts is None else counts.number_of_studies,
            is_all=None if counts is None else counts.is_all,
            counts=[] if counts is None else [_of_year(one) for one in counts.by_year],
            studies=[
                Proposal(**_study(one).model_dump(), rule=rules.rule_of(one.study.modalities)) for one in found.studies
            ],
            next=cursor_of(found.last),
        )
    )


@blueprint.post("/retention/batches", responses={200: BatchDoneAnswer, 400: Problem, 415: Problem, 422: Problem})
@repeatable
def request_batch(body: BatchBody) -> Response:
    """Request the deletion of proposed studies as one batch; each is hidden from now on. Another person decides"""
    rules = _rules(body.rules, body.least_age)
    retention = services().results.retention
    return _done(retention.request(rules, body.study_instance_uids, body.seen_at, body.reason, closed(), origin()))


@blueprint.get("/retention/batches", responses={200: BatchesAnswer})
def list_batches() -> Response:
    """Batches of requests that wait for a decision: all for those who may approve, otherwise the caller's own"""
    own = None if caller().may(Permission.APPROVE_DELETION) else caller().subject
    found = services().results.retention.batches(own, closed())
    return answer(BatchesAnswer(batches=[_batch(one) for one in found]))


@blueprint.post(
    "/retention/batches/<batch_id>/approve",
    responses={200: BatchDoneAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def approve_batch(path: BatchPath, body: BatchDecisionBody) -> Response:
    """Approve somebody else's batch; studies on hold or changed since are left out, and wait still"""
    retention = services().results.retention
    return _done(retention.approve(path.batch_id, body.number_of_studies, closed(), origin()))


@blueprint.post(
    "/retention/batches/<batch_id>/reject",
    responses={200: BatchDoneAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def reject_batch(path: BatchPath, body: BatchRejectionBody) -> Response:
    """Reject somebody else's batch; its studies are shown again"""
    retention = services().results.retention
    return _done(retention.reject(path.batch_id, body.number_of_studies, body.reason, closed(), origin()))


@blueprint.post(
    "/retention/batches/<batch_id>/withdraw",
    responses={200: BatchDoneAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def withdraw_batch(path: BatchPath, body: BatchDecisionBody) -> Response:
    """Withdraw the caller's own batch; its studies are shown again"""
    return _done(services().results.retention.withdraw(path.batch_id, body.number_of_studies, closed(), origin()))


def _rules(rules: str, least_age: int) -> YearsKept:
    return YearsKept(read_rules(rules.split(",")), least_age)


def _of_year(one: OfYear) -> ProposedOfYear:
    return ProposedOfYear(**asdict(one) | {"modalities": list(one.modalities)})


def _study(view: StudyView) -> ProposedStudy:
    names = ("patient_id", "study_instance_uid", "modalities", "study_date", "study_description")
    values = {name: getattr(view.study, name) for name in (*names, "number_of_series", "number_of_instances")}
    return ProposedStudy(**asdict(view.person), **values, accession_number=view.accession_number)


def _batch(batch: Batch) -> BatchAnswer:
    values = {name: getattr(batch, name) for name in BatchAnswer.model_fields if name != "sample"}
    return BatchAnswer(**values, sample=[_study(one) for one in batch.sample])


def _done(done: Done) -> Response:
    return answer(BatchDoneAnswer(**asdict(done)))
