"""The match that headers would get on arrival, for many at once."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from pydantic import AliasChoices, BeforeValidator, Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.schemas import Input, Model, Moment, Problem
from ehr_bridge.api.reconciliation import DifferenceAnswer
from ehr_bridge.api.uploads.answers import UNSEEN, ErrorAnswer, MatchAnswer, as_seen, match_json
from ehr_bridge.api.uploads.options import SaidOfFiles
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.matching import HeaderIdentity, RequestAttributes
from ehr_bridge.services.identity.attributes import MOST_REQUESTS, with_corrections
from ehr_bridge.services.intake.prediction import Prediction, Question
from ehr_bridge.services.verdict.judge import Confirmation, Verdict
from ehr_bridge.services.visibility.restrictions import Closed

MOST_HEADERS = 500

blueprint = Blueprint("matching", "Matching")

Value = Annotated[str, BeforeValidator(lambda value: "" if value is None else value), Field(max_length=1024)]
"""A DICOM value as in the file, well-formed or not; absent, null and empty are the same."""


class ConfirmationBody(SaidOfFiles):
    """As in the options of an upload: whose the images are, whatever they say, and corrected values."""


class RequestBody(Input):
    """An item of the Request Attributes Sequence."""

    accession_number: Value = ""
    issuer_of_accession_number: Value = ""
    scheduled_procedure_step_id: Value = ""
    requested_procedure_id: Value = ""


class HeaderBody(Input):
    """What a DICOM header says about patient and order."""

    ref: str = Field(max_length=255, description="Comes back with the verdict")
    patient_id: Value = Field("", description="Patient ID (0010,0020), as in the file: text, not an id of ours")
    issuer_of_patient_id: Value = ""
    universal_issuer_of_patient_id: Value = Field(
        "", description="Universal Entity ID of the Issuer of Patient ID Qualifiers Sequence"
    )
    patient_name: Value = Field("", description="PN, for example Family^Given")
    patient_birth_date: Value = Field("", description="DA, YYYYMMDD")
    patient_sex: Value = ""
    accession_number: Value = ""
    issuer_of_accession_number: Value = ""
    scheduled_procedure_step_id: Value = Field("", description="Of the Request Attributes Sequence")
    requested_procedure_id: Value = Field("", description="Of the Request Attributes Sequence")
    study_instance_uid: Value = ""
    modality: Value = ""
    study_date: Value = ""
    body_part: Value = Field("", description="Body Part Examined")
    laterality: Value = Field("", description="Laterality or Image Laterality")
    requests: list[RequestBody] = Field(
        [],
        max_length=MOST_REQUESTS,
        description="All items of the Request Attributes Sequence, where there are several; the first one's IDs "
        "stand in the header too",
    )
    referring_physician_name: Value | None = Field(
        None, description="PN; not compared, only shown beside what it would become"
    )
    confirmation: ConfirmationBody | None = Field(
        None, description="What the sender would say with the files; left out: nothing"
    )


class MatchBody(Input):
    items: list[HeaderBody] = Field(
        min_length=1, max_length=MOST_HEADERS, validation_alias=AliasChoices("items", "headers")
    )


class JudgedAnswer(MatchAnswer):
    automatic: bool = Field(description="Whether the settings would link it without a person")


class StudyHereAnswer(Model):
    """The study, if the archive already has images of it."""

    link_status: LinkStatus
    linked_at: Moment | None
    contradicts: bool = Field(
        description="The header claims to be of somebody else than the study's first image: unless the sender confirms "
        "whose it is, the image is kept as it is, and the study waits for a person"
    )


class JudgedHeader(Model):
    ref: str
    match: JudgedAnswer
    study: StudyHereAnswer | None
    differences: list[DifferenceAnswer] = Field(description="The header beside the patient and order of the verdict")
    refused: ErrorAnswer | None = Field(description="Why the files would not be stored")


class MatchList(Model):
    items: list[JudgedHeader]


@blueprint.post("/match", responses={200: MatchList, 400: Problem, 415: Problem, 422: Problem})
def match_headers(body: MatchBody) -> Response:
    """Match headers as on arrival; nothing is stored"""
    predicted = services().matching.predict(_question(header) for header in body.items)
    hidden = closed()
    items = [{"ref": header.ref, **_judged(one, hidden)} for header, one in zip(body.items, predicted, strict=True)]
    return answer(MatchList.model_validate({"items": items}))


def _judged(predicted: Prediction, hidden: Closed) -> dict[str, Any]:
    verdict, refusal = predicted.verdict, predicted.refusal
    refused = {"code": refusal.code, "message": refusal.detail} if refusal is not None else None
    if verdict is None:
        return {
            "match": {**match_json(UNSEEN), "automatic": False},
            "study": None,
            "differences": [],
            "refused": refused,
        }
    match = as_seen(verdict.match, verdict.patient.id if verdict.patient else None, hidden)
    is_open = match is verdict.match
    return {
        "match": {**match_json(match), "automatic": match.is_automatic},
        "study": _study_here(verdict) if is_open and verdict.known else None,
        "differences": predicted.differences if is_open else [],
        "refused": refused,
    }


def _study_here(verdict: Verdict) -> dict[str, Any]:
    assert verdict.known is not None
    study, linked_at = verdict.known.study, verdict.known.linked_at
    return {"link_status": study.link_status, "linked_at": linked_at, "contradicts": verdict.contradicts}


def _question(header: HeaderBody) -> Question:
    said = header.confirmation
    confirmation = said.confirmation(services().patients) if said is not None else Confirmation()
    values = header.model_dump(exclude={"ref", "confirmation", "referring_physician_name", "requests"})
    requests = tuple(RequestAttributes(**one.model_dump()) for one in header.requests)
    referring = header.referring_physician_name
    return Question(
        with_corrections(HeaderIdentity(**values, requests=requests if len(requests) > 1 else ()), confirmation.tags),
        confirmation,
        {} if referring is None else {"ReferringPhysicianName": referring},
    )
