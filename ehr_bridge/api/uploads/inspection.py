"""Inspecting a file before it is sent: what is wrong with it, what it contains. Nothing is stored or recorded."""

from __future__ import annotations

import json
from typing import Any, Literal

from flask import Response, request
from flask_openapi3 import RawModel
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, services
from ehr_bridge.api.http.schemas import Model
from ehr_bridge.api.uploads.door import DICOM_TYPES
from ehr_bridge.dicom import ElementView, Finding, Header, read_elements, read_header, validate
from ehr_bridge.errors import InvalidInput, RefusedInstance

blueprint = Blueprint("inspection", "Uploads", "/api/v1/dicom", problems=(413, 415, 422))


class OneFileBody(RawModel):
    mimetypes = ["application/dicom", "application/octet-stream"]  # noqa: RUF012


class FindingAnswer(Model):
    level: Literal["error", "warning"]
    code: str
    message: str
    tag: str | None


class ValidationAnswer(Model):
    """`valid` means that the file can be stored, with or without warnings."""

    valid: bool
    findings: list[FindingAnswer]


class ElementAnswer(Model):
    """`value` is null for sequences, binary and long values; `items` is null for everything else than a sequence."""

    tag: str
    keyword: str | None
    vr: str
    size_bytes: int | None
    value: list[str | int | float] | None
    items: list[list[ElementAnswer]] | None = Field(description="Elements of each item of a sequence")


class TagsAnswer(Model):
    """The elements in tag order; `complete` is false when there were too many to show."""

    transfer_syntax_uid: str
    complete: bool
    elements: list[ElementAnswer]


@blueprint.post("/validate", responses={200: ValidationAnswer})
def validate_file(raw: OneFileBody) -> Response:
    """Validate a file; nothing is stored"""
    data = _file()
    try:
        findings = validate(_header(data))
    except RefusedInstance as refusal:
        findings = [Finding("error", refusal.code, refusal.detail, None)]
    return answer(
        ValidationAnswer(
            valid=not any(finding.level == "error" for finding in findings),
            findings=[FindingAnswer.model_validate(finding) for finding in findings],
        )
    )


@blueprint.post("/read-tags", responses={200: TagsAnswer})
def read_tags(raw: OneFileBody) -> Response:
    """The elements of a file, decoded; nothing is stored"""
    elements = read_elements(_header(_file()))
    body = {
        "transfer_syntax_uid": elements.transfer_syntax_uid,
        "complete": elements.is_complete,
        "elements": [_element_json(element) for element in elements.elements],
    }
    return Response(json.dumps(body), content_type="application/json")


def _file() -> bytes:
    """The body of a request with one file. Raises InvalidInput when it has another media type, or is too large."""
    if request.mimetype not in DICOM_TYPES:
        raise InvalidInput("unsupported_media_type", f"Send one file as {' or '.join(DICOM_TYPES)}.")
    data = request.get_data(cache=False)
    services().intake.require_size(data)
    return data


def _header(data: bytes) -> Header:
    return read_header(data, max_inflated=services().intake.max_file_bytes)


def _element_json(element: ElementView) -> dict[str, Any]:
    """An `ElementAnswer` as plain JSON values; built by hand because a file has hundreds."""
    plain = element._asdict()
    if element.items is not None:
        plain["items"] = [[_element_json(inner) for inner in item] for item in element.items]
    return plain
