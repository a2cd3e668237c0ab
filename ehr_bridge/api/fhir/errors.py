"""Failures of FHIR as OperationOutcome, with the codes of our own API; refused callers go into the audit trail."""

from __future__ import annotations

import json
import logging

from flask import Response, request
from pydantic import ValidationError

from ehr_bridge.api.fhir.answers import refusal
from ehr_bridge.api.http.context import services
from ehr_bridge.errors import BridgeError, InvalidInput, NotAuthenticated, Unavailable
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.wrong_values import told

LOGGER = logging.getLogger(__name__)


def answered(error: Exception) -> Response:
    """The answer for an exception; anything that is not one of our refusals is a defect, and is logged."""
    if isinstance(error, ValidationError):
        error = InvalidInput("resource_invalid", "Correct the elements that are named.", tuple(told(error)))
    if not isinstance(error, BridgeError):
        LOGGER.error("defect in a FHIR request", exc_info=error)
        error = BridgeError(
            "internal_error", "A defect on our side; try again, and tell the administrator the request id."
        )
    answer = refusal(error)
    if answer.status in (401, 403):
        _note(error)
    body = json.dumps(answer.resource)
    response = Response(body, status=answer.status, content_type="application/fhir+json; charset=utf-8")
    if answer.status == 401:
        hint = "" if error.code == "token_missing" else ', error="invalid_token"'
        response.headers["WWW-Authenticate"] = f'Bearer realm="orthanc-ehr-bridge"{hint}'
    if isinstance(error, Unavailable | NotAuthenticated) and error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _note(error: BridgeError) -> None:
    """For the audit trail; without what the address says."""
    rule = request.url_rule.rule.replace("<", "{").replace(">", "}") if request.url_rule else "unknown"
    route = f"{request.method} {rule}"
    authorization = request.headers.get("Authorization")
    services().refusals.hand_over(Refusal(authorization, request.remote_addr, error.code, route))
