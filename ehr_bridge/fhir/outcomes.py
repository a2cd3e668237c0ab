"""OperationOutcome: our refusals in the words of FHIR (value set issue-type)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

CODES = "urn:orthanc-ehr-bridge:problem"
"""System of our error codes, which docs/api.md lists."""
OF_STATUS = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    503: "transient",
}
OF_CODE = {
    "resource_invalid": "structure",
    "token_expired": "expired",
    "rate_limited": "throttled",
    "already_exists": "duplicate",
    "duplicate_resource": "duplicate",
    "several_match": "multiple-matches",
    "patient_restricted": "suppressed",
    "resource_not_supported": "not-supported",
}


def outcome(code: str, status: int, text: str, elements: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """A refusal: one issue for each element that is named, else one for all."""
    kind = OF_CODE.get(code) or OF_STATUS.get(status, "exception")
    common = {
        "severity": "fatal" if status == 500 else "error",
        "code": kind,
        "details": {"coding": [{"system": CODES, "code": code}], "text": text},
    }
    named = [{**common, "diagnostics": f"{field}: {why}", "expression": [field]} for field, why in elements]
    return {"resourceType": "OperationOutcome", "issue": named or [{**common, "diagnostics": text}]}


def warning(texts: Sequence[str]) -> dict[str, Any]:
    """What was left out of something that succeeded."""
    issues = [{"severity": "warning", "code": "not-supported", "diagnostics": text} for text in texts]
    return {"resourceType": "OperationOutcome", "issue": issues}
