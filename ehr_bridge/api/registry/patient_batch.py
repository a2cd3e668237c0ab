"""Many patients at once, sent by the EHR."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from flask import Response
from pydantic import Field, ValidationError

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import FieldProblem, Input, Model, Number64, Problem
from ehr_bridge.api.registry.patients import PatientBody
from ehr_bridge.services.registry.patient_batch import PatientOutcome
from ehr_bridge.wrong_values import told

MOST_PATIENTS = 1_000

blueprint = Blueprint("patient_batch", "Patients")


class PatientItem(PatientBody):
    """A patient, including the MRN."""

    mrn: Number64 = Field(description="Medical record number")


class PatientBatchBody(Input):
    """Each item is accepted or refused separately, so the items are validated one by one."""

    items: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_PATIENTS,
        description="Each as the body of `PUT patients/{patient}`, and its `mrn`",
    )


class ItemProblem(Model):
    code: str
    message: str
    errors: list[FieldProblem]


class PatientItemAnswer(Model):
    mrn: str | None
    status: Literal["created", "updated", "failed"]
    id: uuid.UUID | None
    pending_change_id: uuid.UUID | None = Field(None, description="As in the answer to `PUT patients/{patient}`")
    error: ItemProblem | None


class PatientBatchAnswer(Model):
    """In the order of the request; `updated` includes what was the same before."""

    created: int
    updated: int
    failed: int
    items: list[PatientItemAnswer]


@blueprint.post("/patients/batch", responses={200: PatientBatchAnswer, 400: Problem, 415: Problem, 422: Problem})
def put_patient_batch(body: PatientBatchBody) -> Response:
    """Register or update up to 1,000 patients, with an outcome for each"""
    read = [_read(item) for item in body.items]
    good = [item for item in read if isinstance(item, PatientItem)]
    outcomes = iter(services().patient_batch.upsert([(item.mrn, item.data(), item.as_of) for item in good], origin()))
    items = [_answer(item, next(outcomes)) if isinstance(item, PatientItem) else item for item in read]
    counts = {status: sum(item.status == status for item in items) for status in ("created", "updated", "failed")}
    return answer(PatientBatchAnswer(**counts, items=items))


def _read(item: dict[str, Any]) -> PatientItem | PatientItemAnswer:
    try:
        return PatientItem.model_validate(item)
    except ValidationError as error:
        problems = [FieldProblem(field=field, message=message) for field, message in told(error, whole="")]
        mrn = item.get("mrn")
        problem = ItemProblem(code="invalid_request", message="Correct the fields named in 'errors'.", errors=problems)
        return PatientItemAnswer(mrn=mrn if isinstance(mrn, str) else None, status="failed", id=None, error=problem)


def _answer(item: PatientItem, outcome: PatientOutcome) -> PatientItemAnswer:
    problem = None
    if outcome.error_code is not None:
        problem = ItemProblem(code=outcome.error_code, message=outcome.error_message or "", errors=[])
    return PatientItemAnswer.model_validate(
        {
            "mrn": item.mrn,
            "status": outcome.status,
            "id": outcome.patient_id,
            "pending_change_id": outcome.pending_change_id,
            "error": problem,
        }
    )
