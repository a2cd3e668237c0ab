"""Errors as RFC 9457 problem details, from one table of codes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from ehr_bridge import request_id
from ehr_bridge.errors import (
    BridgeError,
    NotAuthenticated,
    Unavailable,
)
from ehr_bridge.wrong_values import told

LOGGER = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    409: "Disagrees with what is recorded",
    410: "No longer kept",
    412: "Not as you last saw it",
    413: "Too large",
    415: "Unsupported media type",
    422: "The request cannot be used",
    500: "Something went wrong here",
    503: "Not available at the moment",
}

NO_ROUTE = (
    "There is no such route; /api/v1/docs lists them. A number with a slash cannot stand in an address: name the "
    "patient or order by id, or find it with ?patient= or ?order= in a list."
)
CODES: dict[str, tuple[int, str]] = {
    "malformed_json": (400, "The body is not JSON."),
    "json_too_deep": (400, "The body nests more than 32 levels of arrays and objects."),
    "malformed_multipart": (400, "The multipart body or its boundary cannot be read."),
    "token_missing": (401, "No token was sent."),
    "token_invalid": (401, "The token is malformed, forged, or meant for another audience."),
    "token_too_large": (401, "The Authorization header is longer than 12,000 characters."),
    "token_expired": (401, "The token has expired."),
    "token_revoked": (401, "The token was revoked."),
    "wrong_credentials": (401, "User name or password is wrong."),
    "account_locked": (401, "Too many wrong passwords for this name; wait."),
    "permission_missing": (403, "The caller's roles do not include what this needs."),
    "token_used_up": (403, "The viewer link was opened as often as allowed."),
    "annotation_refused": (403, "It is not an annotation of a study that the sender may annotate."),
    "patient_restricted": (403, "The patient is restricted to named people; see break-glass."),
    "own_request": (403, "Nobody may approve their own deletion request."),
    "not_own_request": (403, "Only the person who requested a deletion can withdraw the request."),
    "route_not_found": (404, "There is no such route."),
    "patient_not_found": (404, "No patient has this MRN or id."),
    "order_not_found": (404, "No order has this accession number or id."),
    "study_not_found": (404, "The archive holds no such study."),
    "upload_not_found": (404, "The upload log has no such upload."),
    "token_not_found": (404, "There is no such viewer token."),
    "modification_not_found": (404, "There is no such modification."),
    "job_not_found": (404, "There is no such job."),
    "account_not_found": (404, "No local account has this name."),
    "service_key_not_found": (404, "There is no such service key."),
    "deletion_not_found": (404, "There is no such deletion request."),
    "restriction_not_found": (404, "The patient is not restricted."),
    "glass_not_found": (404, "There is no broken glass with this id."),
    "change_not_found": (404, "There is no such change of a patient or order."),
    "quarantine_not_found": (404, "There is no such file in quarantine."),
    "hold_not_found": (404, "The study is not under legal hold."),
    "method_not_allowed": (405, "The route exists, but not for this method."),
    "order_of_another_patient": (409, "Order and patient do not belong together."),
    "order_cancelled": (409, "The order is cancelled."),
    "study_uid_of_another_order": (409, "Another order has this Study Instance UID."),
    "study_uid_too_late": (409, "The order has images, so its Study Instance UID cannot change."),
    "stale": (409, "What is recorded was told as of a later moment, by `as_of`; nothing was changed."),
    "mrn_of_another_issuer": (409, "The recorded MRN has another issuer, so it is another patient's."),
    "mrn_ambiguous": (409, "Several patients have the MRN; give its issuer too, or the patient's id."),
    "mrn_without_issuer": (409, "The recorded MRN has no issuer yet; an administrator must assign one."),
    "patient_merged": (409, "The record was merged into another one."),
    "nothing_to_decide": (409, "The change needs no decision, or has one already."),
    "not_merged": (409, "The record was not merged into another one."),
    "accession_number_taken": (409, "Another order has this accession number."),
    "order_state": (409, "The order cannot change to that state."),
    "study_recorded_otherwise": (409, "The study is already stored with another link or none."),
    "same_uid_other_content": (409, "Another instance with this SOP Instance UID is stored, and kept."),
    "study_of_another_patient": (
        409,
        "The archive holds the study under another Patient ID; the image is in quarantine.",
    ),
    "quarantine_decided": (409, "The file was decided about already, or not yet."),
    "quarantine_file_away": (409, "The file in quarantine is on another node, or is gone."),
    "quarantine_unreadable": (409, "The file in quarantine cannot be stored for any patient."),
    "study_is_linked": (409, "The study's link determines its patient and order, and the request contradicts it."),
    "not_linked": (409, "The study is not linked."),
    "study_changed": (409, "Another user has changed the study in the meantime; `detail` says who."),
    "study_contradicted": (409, "Images of the study name another patient; a person has to link it first."),
    "modification_running": (409, "The study is being modified; try again later."),
    "cannot_undo": (409, "It was undone already, or something changed after it; undo that first."),
    "name_taken": (409, "Another account or key has, or had, this name."),
    "last_admin": (409, "No account would be left that manages accounts."),
    "no_local_session": (409, "The token is not from our own sign-in."),
    "deletion_requested": (409, "The deletion of the study was already requested."),
    "deletion_state": (409, "The deletion request cannot change to that state."),
    "study_deleted": (409, "The study is deleted, or its deletion is requested."),
    "not_restricted": (409, "The caller may see this patient anyway."),
    "glass_state": (409, "It was reviewed already, or it is the reviewer's own."),
    "answer_lost": (409, "It was done under this Idempotency-Key, but its answer cannot be read any more."),
    "study_on_hold": (409, "The study is under legal hold."),
    "events_gone": (410, "Events after this number are no longer kept; read the lists again and start with after=0."),
    "version_changed": (412, "It changed since its ETag was read, or is not there; read it again."),
    "already_exists": (412, "It exists, and `If-None-Match: *` said to create only."),
    "too_large": (413, "A file or request is larger than allowed."),
    "too_many_files": (413, "More files than allowed in one upload."),
    "unsupported_media_type": (415, "The route does not take this media type."),
    "invalid_request": (422, "A field is missing or malformed; see `errors`."),
    "condition_not_supported": (422, "The route cannot honour If-Match and its like, and does not ignore them."),
    "idempotency_key_reused": (422, "The caller sent another request under this Idempotency-Key."),
    "invalid_cursor": (422, "The cursor is not from this list with these filters and this sort."),
    "issuer_required": (422, "Several authorities issue numbers here; name the one of this number."),
    "issuer_not_configured": (422, "The issuer is not one of the configured authorities."),
    "digest_mismatch": (422, "The body does not match its Content-Digest; it was damaged in transit."),
    "empty_file": (422, "The file has no content."),
    "not_dicom": (422, "The file is not DICOM."),
    "truncated": (422, "The file ends too early."),
    "malformed": (422, "Lengths or delimiters inside the file are wrong."),
    "unreadable_meta": (422, "The file meta information has a value representation that the archive cannot read."),
    "nested_too_deep": (422, "Sequences are nested more than 16 levels deep."),
    "too_many_elements": (422, "Hundreds of thousands of tiny data elements, more than any real file has."),
    "inflated_too_large": (422, "A deflated file or entry unpacks to more than allowed."),
    "missing_uid": (422, "A UID every instance needs is missing."),
    "invalid_uid": (422, "A UID is not a UID."),
    "cannot_index": (422, "Patient ID is above 256 characters, or an identifier of the file is not text."),
    "dicomdir": (422, "A DICOMDIR is an index of a medium, not an instance."),
    "cannot_recode": (422, "Its text cannot be converted to a character set that can represent the new values."),
    "malformed_zip": (422, "The body is not a readable ZIP archive."),
    "damaged_entry": (422, "An entry of an archive cannot be unpacked, or does not match its description."),
    "encrypted_entry": (422, "An entry of an archive is encrypted."),
    "unsafe_entry": (422, "An entry's name leads out of the archive, or it is a link."),
    "unsupported_compression": (422, "An entry is compressed with another method than deflate."),
    "nested_archive": (422, "An archive inside an archive is not opened."),
    "changed_since": (422, "Only in the answer of a job: the stored file is not the one that the modification wrote."),
    "job_state": (
        409,
        "The job needs no decision, or the decision comes too late.",
    ),
    "unexpected_error": (500, "Only in the answer of a job: it failed repeatedly with an unexpected error."),
    "image_elsewhere": (503, "Only in the answer of a job: one of its images is on a node that is not running."),
    "given_up": (409, "Only in the answer of a job: an administrator gave it up."),
    "duplicate_instance": (
        422,
        "Only in the answer of a job: the archive already has the instance under its new identity.",
    ),
    "refused_by_archive": (422, "Orthanc is working, but cannot read or index this file."),
    "none_stored": (422, "None of the files could be stored; see `instances`."),
    "no_files": (422, "The upload holds no file."),
    "unknown_role": (422, "There is no such role."),
    "password_too_short": (422, "A password needs at least 10 characters."),
    "password_unchanged": (422, "The new password is the current one."),
    "internal_error": (500, "A defect; the log has the details under `request_id`."),
    "rate_limited": (503, "Too many requests in a short time; wait as long as `Retry-After` says."),
    "busy": (503, "Too many such requests at the moment; wait as long as `Retry-After` says."),
    "database_unavailable": (503, "The database does not answer."),
    "archive_unavailable": (503, "Orthanc cannot store at the moment."),
    "not_tried": (503, "Only for a file of an upload: not tried after an outage; send it again."),
    "record_pending": (503, "The image is stored and its record follows; sending it again is harmless."),
}
"""Every error code, its HTTP status and its meaning; docs/api.md shows this table."""


def problem(
    code: str, detail: str, errors: Iterable[tuple[str, str]] = (), extra: dict[str, Any] | None = None
) -> Response:
    """A problem-details answer for a code of the table."""
    status = CODES[code][0]
    body: dict[str, Any] = {
        "type": f"urn:orthanc-ehr-bridge:problem:{code}",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id.current(),
    }
    if errors := list(errors):
        body["errors"] = [{"field": field, "message": message} for field, message in errors]
    response = Response(json.dumps(body | (extra or {})), status=status, content_type=MEDIA_TYPE)
    if status == 401:
        hint = "" if code == "token_missing" else ', error="invalid_token"'
        response.headers["WWW-Authenticate"] = f'Bearer realm="orthanc-ehr-bridge"{hint}'
    return response


def from_error(error: BridgeError) -> Response:
    response = problem(error.code, error.detail, error.errors)
    if isinstance(error, Unavailable | NotAuthenticated) and error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def from_validation(error: ValidationError) -> Response:
    """422 with one entry per field. Values are never repeated."""
    return problem("invalid_request", "Correct the fields named in 'errors' and send it again.", told(error))


def register(app: Flask) -> None:
    """Turn every failure of the application into a problem-details answer."""
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, from_exception)


def from_exception(error: Exception) -> Response:
    """The answer for an exception of a route; anything that is not one of our refusals is a defect, and is logged."""
    if isinstance(error, BridgeError):
        return from_error(error)
    if isinstance(error, ValidationError):
        return from_validation(error)
    LOGGER.error("defect in a request", exc_info=error)
    return problem("internal_error", "A defect on our side; try again, and tell the administrator the request id.")


def _from_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    if error.code == 404:
        return problem("route_not_found", NO_ROUTE)
    if error.code == 405:
        response = problem("method_not_allowed", "This route does not know that method.")
        methods = set(getattr(error, "valid_methods", None) or []) - {"HEAD", "OPTIONS"}  # Orthanc answers those 404
        response.headers["Allow"] = ", ".join(sorted(methods))
        return response
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    return problem("malformed_json", "The request cannot be read.")
