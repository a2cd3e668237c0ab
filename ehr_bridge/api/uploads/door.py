"""Files over HTTP: from a request's headers and body to an answer.

The Flask route of `ehr_bridge.api.uploads.routes` and the short way of `ehr_bridge.api.uploads.express` both end here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from ehr_bridge.api.http import problems
from ehr_bridge.api.uploads.answers import hide_closed, upload_json
from ehr_bridge.api.uploads.content_digest import CONTENT_DIGEST, read_content_digest
from ehr_bridge.api.uploads.multipart import decode_file_name, read_parts
from ehr_bridge.api.uploads.options import (
    HEADERS,
    UploadOptions,
    options_from_headers,
    options_from_json,
)
from ehr_bridge.api.uploads.zip_files import STRAYS, ZipFiles
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.uploads.arrivals import Delivery, Door, UploadOutcome
from ehr_bridge.services.visibility.restrictions import Closed
from ehr_bridge.settings import MEGABYTE

DICOM_TYPES = ("application/dicom", "application/octet-stream")
ZIP_TYPES = ("application/zip", "application/x-zip-compressed")

type NamedFile = tuple[str | None, bytes]


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """An admitted request to upload."""

    media_type: str
    """Without parameters, lower case."""
    content_type: str
    header: Callable[[str], str | None]
    """The value of a header."""
    body: bytes
    origin: Origin
    closed: Closed
    """What the sender may not see."""


def take_upload(services: Services, archive: Archive, request: UploadRequest) -> UploadOutcome:
    """Store the file or files of a request.

    Raises:
        BridgeError, ValidationError: nothing could be stored; see `deliver`.
    """
    options = options_from_headers(tuple(map(request.header, HEADERS)))
    if request.media_type in DICOM_TYPES:
        files: list[NamedFile] = [(decode_file_name(request.header("X-File-Name")), request.body)]
        stated = read_content_digest(request.header(CONTENT_DIGEST))
        delivery = _delivery(services, options, request.origin, keeps_digests=stated is not None, stated_sha256=stated)
    elif request.media_type == "multipart/related":
        options, files = _read_related(request, options)
        delivery = _delivery(services, options, request.origin, is_batch=len(files) > 1, keeps_digests=True)
    else:
        raise InvalidInput("unsupported_media_type", f"Send {', '.join(DICOM_TYPES)} or multipart/related.")
    outcome = deliver(services, archive, files, delivery)
    hide_closed(outcome, request.closed)
    return outcome


def take_zip(services: Services, archive: Archive, request: UploadRequest) -> UploadOutcome:
    """Store the files of a ZIP archive, one after the other.

    Raises:
        InvalidInput: it is another media type, no archive, or too large as a whole.
        BridgeError, ValidationError: see `Intake.receive`.
    """
    options = options_from_headers(tuple(map(request.header, HEADERS)))
    if request.media_type not in ZIP_TYPES:
        raise InvalidInput("unsupported_media_type", f"Send the archive as {ZIP_TYPES[0]}.")
    settings = services.settings
    files = ZipFiles(
        request.body,
        settings.max_dicom_file_size_mb,
        settings.max_upload_size_mb,
        settings.max_dicom_files_per_upload,
    )
    delivery = _delivery(services, options, request.origin, is_batch=True, keeps_digests=True)
    outcome = services.intake.receive(files, delivery, archive, STRAYS)
    hide_closed(outcome, request.closed)
    return outcome


def _delivery(
    services: Services,
    options: UploadOptions,
    origin: Origin,
    *,
    keeps_digests: bool,
    is_batch: bool = False,
    stated_sha256: str | None = None,
) -> Delivery:
    """Raises InvalidInput for a total without an upload id."""
    if options.upload_total is not None and options.upload_id is None:
        fault = "a total is of one upload: send the upload's id too"
        raise InvalidInput("invalid_request", f"upload_total: {fault}.", (("upload_total", fault),))
    return Delivery(
        upload_id=options.upload_id or uuid.uuid4(),
        door=Door.UPLOAD,
        source=options.source,
        origin=origin,
        confirmation=options.confirmation(services.patients),
        is_batch=is_batch,
        announced_files=options.upload_total,
        keeps_digests=keeps_digests,
        stated_sha256=stated_sha256,
    )


def deliver(services: Services, archive: Archive, files: list[NamedFile], delivery: Delivery) -> UploadOutcome:
    """Pass the files of one request to the intake.

    Raises:
        InvalidInput: there are none or too many.
        BridgeError: see `Intake.receive`.
    """
    settings = services.settings
    if not files:
        raise InvalidInput("no_files", "The body holds no DICOM file; send at least one.")
    if len(files) > settings.max_dicom_files_per_upload:
        raise InvalidInput(
            "too_many_files",
            f"Send at most {settings.max_dicom_files_per_upload} files at once (MAX_DICOM_FILES_PER_UPLOAD).",
        )
    if sum(len(data) for _, data in files) > settings.max_upload_size_mb * MEGABYTE:
        raise InvalidInput("too_large", f"Send at most {settings.max_upload_size_mb} MB at once (MAX_UPLOAD_SIZE_MB).")
    return services.intake.receive(files, delivery, archive)


def outcome_body(outcome: UploadOutcome) -> bytes:
    """An `UploadAnswer` in JSON."""
    return json.dumps(upload_json(outcome)).encode()


def _read_related(request: UploadRequest, beside: UploadOptions) -> tuple[UploadOptions, list[NamedFile]]:
    options, files = beside, []
    for number, part in enumerate(read_parts(request.content_type, request.body)):
        if number == 0 and part.media_type == "application/json":
            options = options_from_json(part.content, beside)
        elif part.media_type in DICOM_TYPES:
            files.append((part.file_name, part.content))
        else:
            raise InvalidInput(
                "unsupported_media_type", f"Parts are {' or '.join(DICOM_TYPES)}; only the first may be JSON."
            )
    return options, files


def respond(outcome: UploadOutcome) -> Response:
    """201 when all is stored, 200 when some is, and a problem when nothing is."""
    return respond_with(outcome, upload_json(outcome))


def respond_with(outcome: UploadOutcome, body: dict[str, Any]) -> Response:
    """The same, with a body that says more than an `UploadAnswer`."""
    if outcome.status != "failed":
        status = 201 if outcome.status == "success" else 200
        return Response(json.dumps(body), status=status, content_type="application/json")
    codes = {instance.error_code for instance in outcome.instances}
    first = outcome.instances[0]
    extra = body | {"upload_status": body.pop("status")}
    if len(outcome.instances) == 1 or codes == {"too_large"}:
        return problems.problem(str(first.error_code), str(first.error_message), extra=extra)
    return problems.problem(
        "none_stored", "None of the files could be stored; 'instances' says why for each.", extra=extra
    )
