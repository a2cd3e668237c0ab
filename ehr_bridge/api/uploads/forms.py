"""The routes for uploading files: one, several in a multipart body, or those of a ZIP archive."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi3 import RawModel
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import closed, origin, services
from ehr_bridge.api.http.problems import problem
from ehr_bridge.api.http.schemas import Model
from ehr_bridge.api.uploads.answers import UploadAnswer, upload_json
from ehr_bridge.api.uploads.content_digest import CONTENT_DIGEST
from ehr_bridge.api.uploads.door import UploadRequest, respond, respond_with, take_upload, take_zip
from ehr_bridge.api.uploads.options import HEADERS
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.errors import InvalidInput

blueprint = Blueprint("upload_forms", "Uploads", "/api/v1/dicom", problems=(400, 404, 409, 413, 415, 422, 503))


class UploadBody(RawModel):
    mimetypes = ["application/dicom", "multipart/related", "application/octet-stream"]  # noqa: RUF012


class RelatedBody(RawModel):
    mimetypes = ["multipart/related"]  # noqa: RUF012


class ZipBody(RawModel):
    mimetypes = ["application/zip", "application/x-zip-compressed"]  # noqa: RUF012


class SkippedAnswer(Model):
    """A file of an archive that is not an image; this is not an error."""

    file_name: str | None
    reason: str = Field(description="Why it was passed over")


class ZipUploadAnswer(UploadAnswer):
    skipped: list[SkippedAnswer]


HEADER_PARAMETERS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in (*HEADERS, "X-File-Name")
    ]
}


UPLOAD_PARAMETERS: dict[str, Any] = {
    "parameters": [
        *HEADER_PARAMETERS["parameters"],
        {"name": CONTENT_DIGEST, "in": "header", "required": False, "schema": {"type": "string"}},
    ]
}


@blueprint.post("/upload", responses={200: UploadAnswer, 201: UploadAnswer}, openapi_extensions=UPLOAD_PARAMETERS)
def upload_file(raw: UploadBody) -> Response:
    """Upload one DICOM file, or several in a multipart/related body"""
    return respond(take_upload(services(), archive(), _upload_request()))


@blueprint.post(
    "/upload-multiple", responses={200: UploadAnswer, 201: UploadAnswer}, openapi_extensions=HEADER_PARAMETERS
)
def upload_files(raw: RelatedBody) -> Response:
    """Upload several DICOM files; the first part may be options in JSON"""
    if request.mimetype != "multipart/related":
        raise InvalidInput("unsupported_media_type", 'Send multipart/related; type="application/dicom".')
    return respond(take_upload(services(), archive(), _upload_request()))


@blueprint.post(
    "/upload-zip", responses={200: ZipUploadAnswer, 201: ZipUploadAnswer}, openapi_extensions=HEADER_PARAMETERS
)
def upload_zip(raw: ZipBody) -> Response:
    """Upload the DICOM files of a ZIP archive, in any folders; files that are not images are listed"""
    outcome = take_zip(services(), archive(), _upload_request())
    skipped: dict[str, Any] = {
        "skipped": [{"file_name": file.file_name, "reason": file.reason} for file in outcome.skipped]
    }
    if not outcome.instances:
        return problem("no_files", "The archive holds no DICOM file; 'skipped' lists what it holds.", extra=skipped)
    return respond_with(outcome, upload_json(outcome) | skipped)


def _upload_request() -> UploadRequest:
    return UploadRequest(
        media_type=request.mimetype,
        content_type=request.headers.get("Content-Type", ""),
        header=request.headers.get,
        body=request.get_data(cache=False),
        origin=origin(),
        closed=closed(),
    )
