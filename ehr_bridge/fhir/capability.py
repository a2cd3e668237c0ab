"""What the server says of itself: the CapabilityStatement, from the table that routes are made from."""

from __future__ import annotations

from typing import Any

from ehr_bridge.fhir.subscriptions import CRITERIA
from ehr_bridge.fhir.table import RESOURCES, Parameter, Resource

FHIR_VERSION = "4.0.1"
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_DEFINITIONS = "http://hl7.org/fhir/SearchParameter"


SUBSCRIPTION: dict[str, Any] = {
    "type": "Subscription",
    "documentation": "rest-hook, ids only. Criteria: " + ", ".join(CRITERIA),
    "interaction": [{"code": one} for one in ("read", "search-type", "create", "update", "delete")],
    "versioning": "versioned-update",
    "readHistory": False,
    "updateCreate": False,
    "conditionalCreate": False,
    "conditionalRead": "not-match",
    "conditionalUpdate": False,
    "conditionalDelete": "not-supported",
    "searchParam": [
        {"name": "_id", "definition": f"{_DEFINITIONS}/Resource-id", "type": "token"},
        {"name": "status", "definition": f"{_DEFINITIONS}/Subscription-status", "type": "token"},
        {"name": "url", "definition": f"{_DEFINITIONS}/Subscription-url", "type": "uri"},
        {"name": "criteria", "definition": f"{_DEFINITIONS}/Subscription-criteria", "type": "string"},
    ],
    "operation": [
        {
            "name": "status",
            "definition": "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status",
        }
    ],
}
"""It has routes of its own, and no part in transactions."""


def capability_statement(base: str, version: str, date: str, *, has_cors: bool) -> dict[str, Any]:
    """For a server at `base`; `date` is when this version of it began."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Orthanc EHR bridge", "version": version},
        "implementation": {"description": "Patients, imaging orders, studies and reports of this archive", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": has_cors,
                    "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                    "description": "Bearer tokens of the EHR, of our own sign-in, or service keys",
                },
                "resource": [*(_resource(one) for one in RESOURCES.values()), SUBSCRIPTION],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def interactions(resource: Resource) -> tuple[str, ...]:
    """What can be done with resources of a type, in the words of FHIR."""
    return ("read", "search-type", *(("create", "update") if resource.is_written else ()))


def _resource(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": resource.name,
        "interaction": [{"code": one} for one in interactions(resource)],
        "versioning": "versioned-update" if resource.is_written else "no-version",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": resource.is_written,
        "conditionalRead": "not-match",
        "conditionalUpdate": resource.is_written,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical"],
        "searchParam": [_parameter(resource, one) for one in resource.parameters],
    }
    if resource.includes:
        found["searchInclude"] = [f"{resource.name}:{one}" for one in resource.includes]
    if resource.reverse_includes:
        found["searchRevInclude"] = list(resource.reverse_includes)
    return found


def _parameter(resource: Resource, parameter: Parameter) -> dict[str, str]:
    of = "Resource" if parameter.name.startswith("_") else resource.name
    found = {"name": parameter.name, "type": str(parameter.kind), "documentation": parameter.text}
    if parameter.is_standard:
        found["definition"] = f"{_DEFINITIONS}/{of}-{parameter.name.removeprefix('_')}"
    return found
