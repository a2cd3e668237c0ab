"""The doors for files over HTTP, and the log of what came through them."""

from __future__ import annotations

import uuid
from typing import Any, cast

from flask import Response, current_app, request
from flask_openapi3 import APIBlueprint, RawModel, Tag

from ehr_bridge.api import problems
from ehr_bridge.api.context import answer, origin, services
from ehr_bridge.api.multipart import decode_file_name, read_parts
from ehr_bridge.api.schemas import Input, PageQuery, Problem
from ehr_bridge.api.upload_answers import (
    UploadAnswer,
    UploadDetailAnswer,
    UploadEntryList,
    upload_answer,
    upload_detail,
    upload_entries,
)
from ehr_bridge.api.upload_options import (
    HEADERS,
    UploadOptions,
    options_from_headers,
    options_from_json,
)
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.arrivals import Delivery, Door, UploadOutcome
from ehr_bridge.services.intake import Archive

ARCHIVE = "ehr_bridge_archive"
DICOM_TYPES = ("application/dicom", "application/octet-stream")

blueprint = APIBlueprint(
    "uploads",
    __name__,
    url_prefix="/api/v1/dicom",
    abp_tags=[Tag(name="Uploads")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem},
)


class UploadBody(RawModel):
    mimetypes = ["application/dicom", "application/octet-stream", "multipart/related"]  # noqa: RUF012


class UploadPath(Input):
    upload_id: uuid.UUID


class PatientUploadsPath(Input):
    patient_id: str


HEADER_PARAMETERS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in (*HEADERS, "X-File-Name")
    ]
}

type NamedFile = tuple[str | None, bytes]


@blueprint.post(
    "/upload",
    responses={
        200: UploadAnswer,
        201: UploadAnswer,
        400: Problem,
        404: Problem,
        409: Problem,
        413: Problem,
        415: Problem,
        422: Problem,
        503: Problem,
    },
    openapi_extensions=HEADER_PARAMETERS,
)
def upload(raw: UploadBody) -> Response:
    """Upload one DICOM file, or several in a multipart/related body"""
    options = options_from_headers(request.headers.get)
    if request.mimetype in DICOM_TYPES:
        files: list[NamedFile] = [(decode_file_name(request.headers.get("X-File-Name")), request.get_data(cache=False))]
    elif request.mimetype == "multipart/related":
        options, files = _read_related(options)
    else:
        raise InvalidInput("unsupported_media_type", f"Send {', '.join(DICOM_TYPES)} or multipart/related.")
    outcome = deliver(files, options, Door.UPLOAD, options.upload_id or uuid.uuid4())
    return _respond(outcome)


@blueprint.get("/uploads", responses={200: UploadEntryList, 422: Problem})
def list_uploads(query: PageQuery) -> Response:
    """The upload log, newest first"""
    return answer(upload_entries(services().uploads.search(None, query.limit, query.offset)))


@blueprint.get("/uploads/patient/<patient_id>", responses={200: UploadEntryList, 404: Problem, 422: Problem})
def list_patient_uploads(path: PatientUploadsPath, query: PageQuery) -> Response:
    """The upload log of one patient (id or MRN)"""
    return answer(upload_entries(services().uploads.search(path.patient_id, query.limit, query.offset)))


@blueprint.get("/uploads/<upload_id>", responses={200: UploadDetailAnswer, 404: Problem, 422: Problem})
def get_upload(path: UploadPath) -> Response:
    """One upload with its files"""
    return answer(upload_detail(path.upload_id, services().uploads.get(path.upload_id)))


def deliver(
    files: list[NamedFile], options: UploadOptions, door: Door, upload_id: uuid.UUID | None = None
) -> UploadOutcome:
    """Hand the files of one request to the intake.

    Raises:
        InvalidInput: there are none or too many.
        BridgeError: see `Intake.receive`.
    """
    settings = services().settings
    if not files:
        raise InvalidInput("no_files", "The body holds no DICOM file; send at least one.")
    if len(files) > settings.max_dicom_files_per_upload:
        raise InvalidInput(
            "too_many_files",
            f"Send at most {settings.max_dicom_files_per_upload} files at once (MAX_DICOM_FILES_PER_UPLOAD).",
        )
    if sum(len(data) for _, data in files) > settings.max_upload_size_mb * 1_000_000:
        raise InvalidInput("too_large", f"Send at most {settings.max_upload_size_mb} MB at once (MAX_UPLOAD_SIZE_MB).")
    delivery = Delivery(
        upload_id=upload_id,
        door=door,
        source=options.source,
        origin=origin(),
        confirmation=options.confirmation(),
    )
    return services().intake.receive(files, delivery, archive())


def archive() -> Archive:
    return cast(Archive, current_app.extensions[ARCHIVE])


def _read_related(beside: UploadOptions) -> tuple[UploadOptions, list[NamedFile]]:
    options, files = beside, []
    content_type = request.headers.get("Content-Type", "")
    for number, part in enumerate(read_parts(content_type, request.get_data(cache=False))):
        if number == 0 and part.media_type == "application/json":
            options = options_from_json(part.content, beside)
        elif part.media_type in DICOM_TYPES:
            files.append((part.file_name, part.content))
        else:
            raise InvalidInput(
                "unsupported_media_type", f"Parts are {' or '.join(DICOM_TYPES)}; only the first may be JSON."
            )
    return options, files


def _respond(outcome: UploadOutcome) -> Response:
    body = upload_answer(outcome)
    if outcome.status != "failed":
        return answer(body, 201 if outcome.status == "success" else 200)
    codes = {instance.error_code for instance in outcome.instances}
    first = outcome.instances[0]
    extra = {"upload_status": "failed"} | body.model_dump(mode="json", exclude={"status"})
    if len(outcome.instances) == 1 or codes == {"too_large"}:
        return problems.problem(str(first.error_code), str(first.error_message), extra=extra)
    return problems.problem(
        "none_stored", "None of the files could be stored; 'instances' says why for each.", extra=extra
    )
