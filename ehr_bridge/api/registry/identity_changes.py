"""Changes of patients and orders with stored studies: merging, correcting, undoing."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import At, Former, OfOrder, Sort, at_or_after, before, formerly, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    ListOf,
    Model,
    Moment,
    Number16,
    PatientRef,
    Problem,
    ReasonText,
    former_name,
)
from ehr_bridge.api.registry.orders import OrderPath, tags_of_order
from ehr_bridge.api.registry.patients import PatientPath, patient_answer
from ehr_bridge.api.registry.tellers import teller
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import Decision
from ehr_bridge.services.changes.views import SORTS, ChangeFilters, ChangeView

blueprint = Blueprint("identity_changes", "Changes")

ACCESSION_CORRECTED = "accession_corrected"
Kind = Literal["patient_updated", "patient_merged", "order_updated", "order_cancelled", "accession_corrected"]


class MergeBody(Input):
    into: PatientRef = Field(description="MRN of the record that survives, of the same issuer unless it names its own")
    reason: ReasonText


class TakeBackBody(Input):
    reason: ReasonText


class AccessionBody(Input):
    accession_number: Number16
    reason: ReasonText


class ChangePath(Input):
    change_id: uuid.UUID


class ChangeQuery(OfOrder):
    kind: Annotated[Kind | None, EmptyIsNone] = None
    decision: Annotated[Decision | None, EmptyIsNone] = Field(
        None, description="`pending`: corrections by which a number may be another person's, waiting for somebody"
    )
    since: At = at_or_after("Changes")
    until: At = before("Changes")
    sort: Sort = sorted_by(SORTS)
    patient_id: Former = formerly("patient")
    order_id: Former = formerly("order")


class ChangeAnswer(Model):
    """What changed, and how many of the studies that follow it are done."""

    id: uuid.UUID
    kind: Kind
    patient_id: uuid.UUID
    mrn: str
    order_id: uuid.UUID | None
    accession_number: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    changed_by: str
    changed_at: Moment
    undoes_id: uuid.UUID | None
    undone_by_id: uuid.UUID | None
    undoes: uuid.UUID | None = former_name("undoes_id")
    undone_by: uuid.UUID | None = former_name("undone_by_id")
    status: Literal["running", "done", "incomplete"]
    number_of_studies: int
    number_done: int
    number_failed: int = Field(description="Studies of which at least one image could not follow")
    decision: Decision | None = Field(
        description="Where the correction may be another person's: what somebody said; null where nobody was asked"
    )
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None


class ChangeList(ListOf[ChangeAnswer]):
    pass


REFUSALS: dict[Any, Any] = {400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem}


def _tags_of_patient(path: PatientPath, body: MergeBody | TakeBackBody) -> list[str]:
    patients = services().patients
    return [patient_answer(patients.get(patients.certain(path.patient))).etag()]


def _tags_of_order(path: OrderPath, body: AccessionBody) -> list[str]:
    return tags_of_order(path.order)


@blueprint.post("/patients/<patient>/merge", responses={202: ChangeAnswer, **REFUSALS})
@repeatable
@honours(_tags_of_patient)
def merge_patient(path: PatientPath, body: MergeBody) -> Response:
    """Merge a record into another (HL7 ADT^A40): its orders and studies move along, each study by a job"""
    certain = services().patients.certain
    merged, into = certain(path.patient), certain(body.into)
    return _accepted(services().identity_changes.merge(merged, into, body.reason, origin()))


@blueprint.post("/patients/<patient>/unmerge", responses={202: ChangeAnswer, **REFUSALS})
@repeatable
@honours(_tags_of_patient)
def unmerge_patient(path: PatientPath, body: TakeBackBody) -> Response:
    """Undo the merge of a record; its orders and studies move back"""
    mrn = services().patients.certain(path.patient)
    return _accepted(services().identity_changes.unmerge(mrn, body.reason, origin(), teller(body.reason)))


@blueprint.post("/orders/<order>/accession-number", responses={202: ChangeAnswer, **REFUSALS})
@honours(_tags_of_order)
def correct_accession_number(path: OrderPath, body: AccessionBody) -> Response:
    """Correct the accession number of an order; its studies follow"""
    changes = services().identity_changes
    return _accepted(changes.correct_accession_number(path.order, body.accession_number, body.reason, origin()))


@blueprint.get("/changes", responses={200: ChangeList, 404: Problem, 409: Problem, 422: Problem})
def list_changes(query: ChangeQuery) -> Response:
    """List changes of patients and orders, latest first"""
    filters = ChangeFilters(
        query.records, query.named_order_id, query.kind, query.decision, query.since, query.until, closed()
    )
    page = services().identity_changes.search(filters, query.limit, query.offset, query.sort)
    return answer(ChangeList.of(page, _answer))


@blueprint.get("/changes/<change_id>", responses={200: ChangeAnswer, 404: Problem, 422: Problem})
def get_change(path: ChangePath) -> Response:
    """One change, and how many of its studies are done"""
    return answer(_answer(services().identity_changes.get(path.change_id)))


@blueprint.post("/changes/<change_id>/agree", responses={202: ChangeAnswer, **REFUSALS})
def agree_to_change(path: ChangePath, body: TakeBackBody) -> Response:
    """Confirm that a corrected number is still the same person's; the stored studies follow"""
    return _accepted(services().identity_changes.decide(path.change_id, body.reason, origin(), is_same_person=True))


@blueprint.post("/changes/<change_id>/refuse", responses={202: ChangeAnswer, **REFUSALS})
def refuse_change(path: ChangePath, body: TakeBackBody) -> Response:
    """State that a corrected number is now another person's; the stored studies are unlinked from it, each by a job"""
    return _accepted(services().identity_changes.decide(path.change_id, body.reason, origin(), is_same_person=False))


@blueprint.post("/changes/<change_id>/undo", responses={202: ChangeAnswer, **REFUSALS})
def undo_change(path: ChangePath, body: TakeBackBody) -> Response:
    """Undo a change of a patient or order; its studies follow. A corrected accession number is the EHR's to undo"""
    changes = services().identity_changes
    if changes.get(path.change_id).change.kind == ACCESSION_CORRECTED:
        caller().require(Permission.WRITE_ORDERS)
    return _accepted(changes.undo(path.change_id, body.reason, origin(), teller(body.reason)))


def _accepted(view: ChangeView) -> Response:
    response = answer(_answer(view), 202)
    response.headers["Location"] = f"/api/v1/changes/{view.change.id}"
    return response


def _answer(view: ChangeView) -> ChangeAnswer:
    change = view.change
    undone_by_id = view.undone_by.id if view.undone_by else None
    said = ("id", "kind", "patient_id", "order_id", "before", "after", "reason", "changed_by", "changed_at")
    decided = ("decision", "decided_by", "decided_at", "decision_reason")
    return ChangeAnswer(
        **{name: getattr(change, name) for name in said + decided},
        mrn=view.mrn,
        accession_number=view.accession_number,
        undoes_id=change.undoes_id,
        undone_by_id=undone_by_id,
        undoes=change.undoes_id,
        undone_by=undone_by_id,
        status=view.status,
        number_of_studies=view.number_of_studies,
        number_done=view.number_done,
        number_failed=view.number_failed,
    )
