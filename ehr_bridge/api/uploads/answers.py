"""Uploads and the upload log in JSON."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import ListOf, Model, Moment, OrderIds
from ehr_bridge.db.paging import Page
from ehr_bridge.matching import EvidenceGrade, Match
from ehr_bridge.matching.patients import NO_MATCH
from ehr_bridge.services.uploads.arrivals import UploadOutcome
from ehr_bridge.services.uploads.log import UploadDetail, UploadView
from ehr_bridge.services.verdict.judge import CONFIRMATION
from ehr_bridge.services.visibility.restrictions import Closed

UNSEEN = NO_MATCH
"""As if there were no candidate: the match of a restricted patient would reveal them or confirm a guess."""


class EvidenceAnswer(Model):
    """One comparison; `agrees` is null where one side has no value."""

    field: str
    agrees: bool | None
    grade: EvidenceGrade
    detail: str = Field(description="The reasons, in English")
    reasons: list[str] = Field(description="Codes, none for evidence that was recorded before they were")
    values: dict[str, str] = Field(description="What the words of a reason name: `file`, `ehr`, `date`")


class MatchAnswer(Model):
    kind: Literal["exact", "probable", "ambiguous", "none"]
    score: float
    evidence: list[EvidenceAnswer]
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    order_ids: OrderIds


class CoercedAnswer(Model):
    """A value that was replaced; the old one is also in the file's Original Attributes Sequence."""

    tag: str
    before: str
    after: str


class ErrorAnswer(Model):
    code: str
    message: str


class InstanceAnswer(Model):
    file_name: str | None
    sop_instance_uid: str | None
    study_instance_uid: str | None
    status: Literal["stored", "duplicate", "failed"]
    error: ErrorAnswer | None


class UploadStudyAnswer(Model):
    study_instance_uid: str
    orthanc_study_id: str
    match: MatchAnswer
    coerced: list[CoercedAnswer]


class UploadAnswer(Model):
    upload_id: uuid.UUID
    status: Literal["success", "partial", "failed"]
    instances: list[InstanceAnswer]
    studies: list[UploadStudyAnswer]


class UploadEntryAnswer(PersonAnswer):
    """An entry of the upload log: one study of one upload, and the patient it is linked to; without a link, the patient
    that its files name."""

    id: uuid.UUID
    upload_id: uuid.UUID
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    order_ids: OrderIds
    uploaded_by_id: uuid.UUID | None
    uploaded_by: str
    source_address: str | None
    study_instance_uid: str
    orthanc_study_id: str | None
    number_of_files: int
    announced_files: int | None
    number_of_duplicates: int
    total_size_bytes: int
    original_patient_id: str | None
    original_patient_name: str | None
    original_accession_number: str | None
    original_study_date: str | None
    original_modality: str | None
    modified_patient_id: str | None
    modified_patient_name: str | None
    modified_accession_number: str | None
    tags_modified: bool
    upload_status: Literal["success", "partial", "failed"]
    error_message: str | None
    uploaded_at: Moment
    upload_source: str
    upload_duration_seconds: float | None
    is_deleted: bool
    under_way_since: Moment | None
    interrupted_at: Moment | None


class UploadEntryList(ListOf[UploadEntryAnswer]):
    pass


class UploadedFileAnswer(Model):
    file_name: str | None
    sop_instance_uid: str | None
    size_bytes: int
    status: Literal["stored", "duplicate", "failed"]
    error_code: str | None


class UploadDetailAnswer(Model):
    upload_id: uuid.UUID
    entries: list[UploadEntryAnswer]
    files: list[UploadedFileAnswer]


def hide_closed(outcome: UploadOutcome, closed: Closed) -> None:
    """Remove what would reveal a patient whom the sender may not see: everything except what the sender said."""
    for study in outcome.studies.values():
        decision = study.decision
        match = as_seen(decision.match, decision.patient_id, closed)
        if match is not decision.match:
            study.decision = replace(decision, match=match)
            study.changes.clear()


def as_seen(match: Match, patient_id: uuid.UUID | None, closed: Closed) -> Match:
    """The match of a study of that patient as the caller may see it; the same object when nothing is hidden."""
    if closed.patients.isdisjoint({patient_id, match.patient_id}):
        return match
    confirmed = tuple(one for one in match.evidence if one.field == CONFIRMATION)
    return (
        replace(match, evidence=confirmed, patient_id=None, order_id=None, further_order_ids=())
        if confirmed
        else UNSEEN
    )


def upload_json(outcome: UploadOutcome) -> dict[str, Any]:
    """An `UploadAnswer` as plain JSON values; built by hand because it is built for every image."""
    return {
        "upload_id": str(outcome.upload_id),
        "status": outcome.status,
        "instances": [
            {
                "file_name": i.file_name,
                "sop_instance_uid": i.sop_instance_uid,
                "study_instance_uid": i.study_instance_uid,
                "status": i.status,
                "error": {"code": i.error_code, "message": i.error_message or ""} if i.error_code else None,
            }
            for i in outcome.instances
        ],
        "studies": [
            {
                "study_instance_uid": uid,
                "orthanc_study_id": study.orthanc_study_id,
                "match": match_json(study.decision.match),
                "coerced": [{"tag": c.keyword, "before": c.before, "after": c.after} for c in study.changes],
            }
            for uid, study in outcome.studies.items()
        ],
    }


def match_json(match: Match) -> dict[str, Any]:
    """A `MatchAnswer` as plain JSON values."""
    return {
        "kind": match.kind.value,
        "score": match.score,
        "evidence": [line.as_json() for line in match.evidence],
        "patient_id": str(match.patient_id) if match.patient_id else None,
        "order_id": str(match.order_id) if match.order_id else None,
        "order_ids": list(map(str, match.order_ids)),
    }


def upload_entries(page: Page[UploadView]) -> UploadEntryList:
    return UploadEntryList.of(page, _entry)


def upload_detail(upload_id: uuid.UUID, detail: UploadDetail) -> UploadDetailAnswer:
    return UploadDetailAnswer(
        upload_id=upload_id,
        entries=[_entry(view) for view in detail.entries],
        files=[UploadedFileAnswer.model_validate(file) for file in detail.files],
    )


def _entry(view: UploadView) -> UploadEntryAnswer:
    of_entry = UploadEntryAnswer.model_fields.keys() - PersonAnswer.model_fields.keys() - {"order_ids"}
    said = {name: getattr(view.entry, name) for name in of_entry}
    return UploadEntryAnswer(**asdict(view.person), order_ids=list(view.order_ids), **said)
