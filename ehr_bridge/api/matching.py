"""Whose studies these headers are: the verdict they would get on arrival, for many at once."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AliasChoices, BeforeValidator, Field

from ehr_bridge.api.context import answer, closed, services
from ehr_bridge.api.schemas import Input, Model, Problem
from ehr_bridge.api.upload_answers import UNSEEN, MatchAnswer, match_json
from ehr_bridge.matching import HeaderIdentity

MOST_HEADERS = 500

blueprint = APIBlueprint(
    "matching",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Matching")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem},
)

Value = Annotated[str, BeforeValidator(lambda value: "" if value is None else value), Field(max_length=1024)]
"""A DICOM value as it stands in the file, well-formed or not; absent, null and empty are one."""


class HeaderBody(Input):
    """What a DICOM header says of whose study it is."""

    ref: str = Field(max_length=255, description="Comes back with the verdict")
    patient_id: Value = ""
    issuer_of_patient_id: Value = ""
    patient_name: Value = Field("", description="PN, for example Family^Given")
    patient_birth_date: Value = Field("", description="DA, YYYYMMDD")
    patient_sex: Value = ""
    accession_number: Value = ""
    issuer_of_accession_number: Value = ""
    scheduled_procedure_step_id: Value = ""
    study_instance_uid: Value = ""
    modality: Value = ""
    study_date: Value = ""


class MatchBody(Input):
    items: list[HeaderBody] = Field(
        min_length=1, max_length=MOST_HEADERS, validation_alias=AliasChoices("items", "headers")
    )


class JudgedAnswer(MatchAnswer):
    automatic: bool = Field(description="Whether the settings would link it without a person")


class JudgedHeader(Model):
    ref: str
    match: JudgedAnswer


class MatchList(Model):
    items: list[JudgedHeader]


@blueprint.post("/match", responses={200: MatchList, 400: Problem, 415: Problem, 422: Problem})
def match_headers(body: MatchBody) -> Response:
    """Say whose studies headers are, as on arrival; nothing is stored"""
    matches = services().matching.judge(_identity(header) for header in body.items)
    unseen = closed().patients
    shown = [UNSEEN if match.patient_id in unseen else match for match in matches]
    items = [
        {"ref": header.ref, "match": {**match_json(match), "automatic": match.is_automatic}}
        for header, match in zip(body.items, shown, strict=True)
    ]
    return answer(MatchList.model_validate({"items": items}))


def _identity(header: HeaderBody) -> HeaderIdentity:
    return HeaderIdentity(**header.model_dump(exclude={"ref"}))
