"""Uploads through other systems' interfaces: STOW-RS (PS3.18 section 10.5) and Orthanc's own POST /instances."""

from __future__ import annotations

import json
from typing import Any, Literal

from flask import Response, request

from ehr_bridge.api.document.bodies import STORE_INSTANCES_RESPONSE
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import caller, origin, services
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.api.http.schemas import Model, Problem
from ehr_bridge.api.uploads.door import DICOM_TYPES, NamedFile, deliver
from ehr_bridge.api.uploads.forms import RelatedBody
from ehr_bridge.api.uploads.inspection import OneFileBody
from ehr_bridge.api.uploads.multipart import read_parts
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.archive.storing import STORAGE_FULL
from ehr_bridge.services.uploads.arrivals import Delivery, Door, InstanceOutcome, UploadOutcome
from ehr_bridge.services.verdict.judge import Confirmation

CANNOT_UNDERSTAND = 0xC000
OUT_OF_RESOURCES = 0xA700
PROCESSING_FAILURE = 0x0110
"""Failure Reason (0008,1197), PS3.18 table 10.5.3-1 and PS3.4 table B.2-1."""
DICOM_JSON = "application/dicom+json"

blueprint = Blueprint("stow", "DICOMweb", "")


class InstanceStored(Model):
    """A stored instance in Orthanc's own form."""

    ID: str
    ParentStudy: str
    Path: str
    Status: Literal["Success", "AlreadyStored"]


STORED: dict[str, Any] = {
    "description": "Store Instances Response (PS3.18 annex I): 200 all stored, 202 some, 409 none",
    "content": {DICOM_JSON: {"schema": STORE_INSTANCES_RESPONSE}},
}


@blueprint.post(
    "/api/v1/dicom-web/studies",
    responses={
        200: STORED,
        202: STORED,
        400: Problem,
        409: STORED,
        413: Problem,
        415: Problem,
        422: Problem,
        503: Problem,
    },
)
def store_instances(raw: RelatedBody) -> Response:
    """Store instances (STOW-RS)"""
    if request.mimetype != "multipart/related":
        raise InvalidInput(
            "unsupported_media_type",
            'Send multipart/related; type="application/dicom" (PS3.18 section 10.5).',
        )
    files: list[NamedFile] = []
    for part in read_parts(request.headers.get("Content-Type", ""), request.get_data(cache=False)):
        if part.media_type not in DICOM_TYPES:
            raise InvalidInput("unsupported_media_type", "Every part is application/dicom.")
        files.append((part.file_name, part.content))
    confirmation = Confirmation()
    if caller().may_only_annotate:
        confirmation = services().annotations.confirm([data for _, data in files], caller(), archive())
    outcome = deliver(services(), archive(), files, _delivery(Door.STOW_RS, confirmation))
    status = {"success": 200, "partial": 202, "failed": 409}[outcome.status]
    return Response(json.dumps(_store_response(outcome)), status=status, content_type=DICOM_JSON)


@blueprint.post(
    "/instances",
    responses={200: InstanceStored, 409: Problem, 413: Problem, 422: Problem, 503: Problem},
)
def store_instance(raw: OneFileBody) -> Response:
    """Store one instance; answers as Orthanc does"""
    outcome = deliver(
        services(), archive(), [(None, request.get_data(cache=False))], _delivery(Door.REST, Confirmation())
    )
    first = outcome.instances[0]
    if first.has_failed:
        raise InvalidInput(str(first.error_code), str(first.error_message))
    study = next(iter(outcome.studies.values()))
    body = {
        "ID": first.orthanc_instance_id,
        "ParentStudy": study.orthanc_study_id,
        "Path": f"/instances/{first.orthanc_instance_id}",
        "Status": "AlreadyStored" if first.status == "duplicate" else "Success",
    }
    return Response(json.dumps(body), content_type="application/json")


def _delivery(door: Door, confirmation: Confirmation) -> Delivery:
    """Senders through these doors know nothing of uploads: each study of each sender is one."""
    return Delivery(None, door, "api", origin(), confirmation)


def _store_response(outcome: UploadOutcome) -> dict[str, Any]:
    """Store Instances Response Module (PS3.18 annex I) in the DICOM JSON model (annex F)."""
    stored = [i for i in outcome.instances if not i.has_failed]
    failed = [i for i in outcome.instances if i.has_failed]
    response: dict[str, Any] = {}
    if stored:
        response["00081199"] = {"vr": "SQ", "Value": [_reference(i) for i in stored]}
    if failed:
        response["00081198"] = {
            "vr": "SQ",
            "Value": [_reference(i) | {"00081197": {"vr": "US", "Value": [_failure_reason(i)]}} for i in failed],
        }
    return response


def _reference(instance: InstanceOutcome) -> dict[str, Any]:
    reference = {}
    if instance.sop_class_uid:
        reference["00081150"] = {"vr": "UI", "Value": [instance.sop_class_uid]}
    if instance.sop_instance_uid:
        reference["00081155"] = {"vr": "UI", "Value": [instance.sop_instance_uid]}
    return reference


def _failure_reason(instance: InstanceOutcome) -> int:
    if instance.error_code == STORAGE_FULL:
        return OUT_OF_RESOURCES
    status = CODES[instance.error_code].status if instance.error_code in CODES else 422
    if status >= 500:
        return PROCESSING_FAILURE  # the file itself is fine
    return OUT_OF_RESOURCES if status == 413 else CANNOT_UNDERSTAND
