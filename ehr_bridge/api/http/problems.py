"""Errors as RFC 9457 problem details, from one table of codes."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

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
    406: "Not in that form",
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


class Code(NamedTuple):
    """What an error code means: its HTTP status, why it is answered, and what to do then."""

    status: int
    cause: str
    cure: str


CODES = {
    code: Code(**meaning)
    for code, meaning in tomllib.loads(Path(__file__).with_name("problems.toml").read_text(encoding="utf-8")).items()
}
"""Every error code. Each has a page at `PAGES`, and docs/api.md shows them all."""
PAGES = "/api/v1/problems"


def type_of(code: str) -> str:
    """The `type` of a problem: the address of the page that explains it, on the server that answered."""
    return f"{PAGES}/{code}"


def problem(
    code: str, detail: str, errors: Iterable[tuple[str, str]] = (), extra: dict[str, Any] | None = None
) -> Response:
    """A problem-details answer for a code of the table."""
    status = CODES[code].status
    body: dict[str, Any] = {
        "type": type_of(code),
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id.current(),
    }
    if (trace := request_id.trace()) is not None:
        body["trace_id"] = trace
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
