"""The history of a study."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import PageQuery
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.restricted import require_past_open
from ehr_bridge.api.http.schemas import Model, Moment, OrderIds, Problem, former_name
from ehr_bridge.api.studies import StudyPath
from ehr_bridge.api.tags import TagChange
from ehr_bridge.api.uploads.answers import CoercedAnswer
from ehr_bridge.db.links import Link
from ehr_bridge.db.states import JobKind, LinkStatus
from ehr_bridge.services.studies.history import Step

blueprint = Blueprint("history", "Studies", "/api/v1/dicom")


WHO = Field(description="Who `patient_id` is now")


class LinkSide(Model):
    """A link before or after a step."""

    link_status: LinkStatus
    patient_id: uuid.UUID | None
    mrn: str | None
    patient: PersonAnswer | None = WHO
    order_id: uuid.UUID | None
    order_ids: OrderIds
    accession_number: str | None
    accession_numbers: list[str] = Field(description="Those of `order_ids`, in the same order")


class HistoryEntry(Model):
    """One step. Fields that do not apply are null or empty."""

    event_id: int = Field(description="Number of the event in the audit trail")
    at: Moment
    actor: str
    action: str = Field(description="As in docs/audit.md")
    outcome: str
    reason: str | None
    patient_id: uuid.UUID | None
    mrn: str | None
    patient: PersonAnswer | None = WHO
    order_id: uuid.UUID | None
    accession_number: str | None
    door: str | None
    upload_id: uuid.UUID | None
    number_of_files: int | None
    coerced: list[CoercedAnswer] = Field(description="On arrival, in the first instance")
    job_id: uuid.UUID | None
    job_kind: JobKind | None
    undoes_id: uuid.UUID | None
    undoes: uuid.UUID | None = former_name("undoes_id")
    changes: list[TagChange] = Field(description="What a job changed in the files, and in how many")
    link_before: LinkSide | None
    link_after: LinkSide | None
    change_id: uuid.UUID | None = Field(description="The change of a patient or order that was followed")
    before: dict[str, Any] | None = Field(description="Fields of the patient or order before that change")
    after: dict[str, Any] | None
    detail: dict[str, Any] = Field(description="As the audit trail has it")


class StudyHistoryAnswer(Model):
    study_instance_uid: str
    items: list[HistoryEntry]
    total: int
    limit: int
    offset: int


@blueprint.get("/studies/<study_uid>/history", responses={200: StudyHistoryAnswer, 404: Problem, 422: Problem})
def get_study_history(path: StudyPath, query: PageQuery) -> Response:
    """The history of a study, oldest first: arrivals, coercion, links, modifications, deletion, views"""
    require_past_open(services(), closed(), path.study_uid)
    page = services().study_history.of(path.study_uid, query.limit, query.offset, closed().patients)
    return answer(
        StudyHistoryAnswer(
            study_instance_uid=path.study_uid,
            items=[_entry(step) for step in page.items],
            total=page.total,
            limit=page.limit,
            offset=page.offset,
        )
    )


def _entry(step: Step) -> HistoryEntry:
    event, job, upload, change = step.event, step.job, step.upload, step.change
    is_end = job is not None and not event.action.endswith("_requested")
    return HistoryEntry(
        event_id=event.id,
        at=event.at,
        actor=event.actor,
        action=event.action,
        outcome=event.outcome,
        reason=step.reason,
        patient_id=_id(event.patient_id),
        **_who(step, event.patient_id),
        order_id=_id(event.order_id),
        accession_number=step.accession_numbers.get(event.order_id or ""),
        door=event.detail.get("door"),
        upload_id=upload.upload_id if upload else None,
        number_of_files=upload.number_of_files if upload else None,
        coerced=[CoercedAnswer.model_validate(one) for one in step.coerced],
        job_id=job.id if job else None,
        job_kind=job.kind if job else None,
        undoes_id=job.undoes_id if job else None,
        undoes=job.undoes_id if job else None,
        changes=[TagChange.model_validate(one) for one in job.applied] if job and is_end else [],
        link_before=_side(job.link_before if job else None, step),
        link_after=_side(job.link_after if job else None, step),
        change_id=change.id if change else None,
        before=change.before if change else None,
        after=change.after if change else None,
        detail=event.detail,
    )


def _side(link: Link | None, step: Step) -> LinkSide | None:
    if link is None:
        return None
    return LinkSide(
        link_status=link.link_status,
        patient_id=link.patient_id,
        **_who(step, str(link.patient_id)),
        order_id=link.order_id,
        order_ids=list(link.order_ids),
        accession_number=step.accession_numbers.get(str(link.order_id)),
        accession_numbers=[step.accession_numbers[str(key)] for key in link.order_ids],
    )


def _who(step: Step, patient_id: str | None) -> dict[str, Any]:
    person = step.persons.get(patient_id or "")
    if person is None:
        return {"mrn": None, "patient": None}
    return {"mrn": person.mrn, "patient": PersonAnswer.model_validate(person)}


def _id(text: str | None) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None
