"""Attributes of stored studies: present and former values, modifying them, undoing that, and the jobs that do it."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from flask import Response
from pydantic import Field, StringConstraints, field_validator

from ehr_bridge.api.corrections import corrected
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.api.http.restricted import require_past_open
from ehr_bridge.api.http.schemas import Input, Model, Moment, Problem, Uid, former_name
from ehr_bridge.api.studies import StudyPath, tags_of_study
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.states import JobKind, JobStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.dicom import MODIFIABLE_KEYWORDS
from ehr_bridge.services.modifying.tag_history import StudyTags, read_tags

blueprint = Blueprint("tags", "Tags")

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


CONFLICTS: dict[Any, Any] = {400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem, 503: Problem}
"""The problems of routes that change stored studies."""


class JobPath(Input):
    job_id: uuid.UUID


class ModificationPath(Input):
    modification_id: uuid.UUID


class ModifyTagsBody(Input):
    study_instance_uid: Uid
    changes: dict[str, str] = Field(min_length=1, description="DICOM keyword to the new value")
    reason: Reason

    @field_validator("changes")
    @classmethod
    def _only_modifiable(cls, changes: dict[str, str]) -> dict[str, str]:
        """In DICOM form; see `corrected` for the accepted forms."""
        checked = corrected(changes)
        if checked.get("PatientID") == "":
            raise ValueError("PatientID cannot be emptied")
        return checked


class UndoBody(Input):
    reason: Reason


class JobAnswer(Model):
    id: uuid.UUID
    kind: JobKind
    status: JobStatus
    study_instance_uid: str
    number_of_instances: int
    number_done: int
    error_code: str | None
    error_message: str | None
    requested_by: str
    requested_at: Moment
    finished_at: Moment | None


class FormerValueAnswer(Model):
    value: str
    changed_at: Moment | None
    modifying_system: str
    source: str
    reason: str


class TagAnswer(Model):
    tag: str
    value: str
    other_values: list[str]
    is_modifiable: bool
    original: str | None
    history: list[FormerValueAnswer]


class TagChange(Model):
    tag: str
    before: str
    after: str
    instances: int = Field(description="How many instances of the study it concerns")


class ModificationAnswer(Model):
    id: uuid.UUID
    kind: JobKind
    undoes_id: uuid.UUID | None
    undoes: uuid.UUID | None = former_name("undoes_id")
    status: JobStatus
    reason: str
    requested_by: str
    requested_at: Moment
    finished_at: Moment | None
    changes: list[TagChange]
    can_undo: bool


class StudyTagsAnswer(Model):
    study_instance_uid: str
    tags: list[TagAnswer]
    modifications: list[ModificationAnswer]


@blueprint.get("/dicom/tags/<study_uid>", responses={200: StudyTagsAnswer, 404: Problem, 422: Problem, 503: Problem})
def get_tags(path: StudyPath) -> Response:
    """The present and former attributes of a study, and who changed them"""
    require_past_open(services(), closed(), path.study_uid)
    return answer(_tags(read_tags(services().fresh, archive().read, path.study_uid)))


@blueprint.post("/dicom/modify-tags", responses={202: JobAnswer, **CONFLICTS})
@honours(lambda body: tags_of_study(body.study_instance_uid))
def modify_tags(body: ModifyTagsBody) -> Response:
    """Modify attributes of a stored study"""
    job = services().modifications.request(body.study_instance_uid, body.changes, body.reason, origin())
    return accepted(job)


@blueprint.post("/modifications/<modification_id>/undo", responses={202: JobAnswer, **CONFLICTS})
def undo_modification(path: ModificationPath, body: UndoBody) -> Response:
    """Undo a modification, to the byte"""
    return accepted(services().modifications.undo(path.modification_id, body.reason, origin()))


@blueprint.get("/jobs/<job_id>", responses={200: JobAnswer, 404: Problem, 422: Problem})
def get_job(path: JobPath) -> Response:
    """The progress of a job"""
    return answer(job_answer(services().modifications.get(path.job_id)))


def accepted(job: Modification) -> Response:
    """202 with the job, and the address of its state."""
    response = answer(job_answer(job), 202)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return response


def job_answer(job: Modification) -> JobAnswer:
    values = {name: getattr(job, name) for name in JobAnswer.model_fields if name != "error_message"}
    return JobAnswer(error_message=CODES[job.error_code].cause if job.error_code else None, **values)


def _tags(study: StudyTags) -> StudyTagsAnswer:
    return StudyTagsAnswer(
        study_instance_uid=study.study_instance_uid,
        tags=[
            TagAnswer(
                tag=tag.keyword,
                value=tag.value,
                other_values=tag.other_values,
                is_modifiable=tag.keyword in MODIFIABLE_KEYWORDS,
                original=tag.former[0].value if tag.former else None,
                history=[FormerValueAnswer.model_validate(former) for former in tag.former],
            )
            for tag in study.tags
        ],
        modifications=[
            ModificationAnswer(
                **{name: getattr(job, name) for name in ("id", "kind", "status", "reason", "requested_by")},
                undoes_id=job.undoes_id,
                undoes=job.undoes_id,
                requested_at=job.requested_at,
                finished_at=job.finished_at,
                changes=[TagChange.model_validate(change) for change in job.applied],
                can_undo=job.id == study.undoable and job.kind != JobKind.FOLLOW,
            )
            for job in study.modifications
        ],
    )
