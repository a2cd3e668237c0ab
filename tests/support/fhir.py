"""FHIR resources and Bundles of a clinic that does not exist."""

from __future__ import annotations

from typing import Any

TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def identifier(code: str, value: str, **more: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": TYPES, "code": code}]}, "value": value, **more}


def patient(mrn: str = "MRN-1", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [identifier("MR", mrn)],
        "name": [{"use": "official", "family": "Lindqvist", "given": ["Åsa"]}],
        "gender": "female",
        "birthDate": "1961-03-14",
        **elements,
    }


def request(number: str = "ACC-1", subject: str | None = None, **elements: Any) -> dict[str, Any]:
    """A ServiceRequest; the patient by number unless there is a reference."""
    whose = {"reference": subject} if subject else {"identifier": identifier("MR", "MRN-1")}
    return {
        "resourceType": "ServiceRequest",
        "identifier": [identifier("ACSN", number), identifier("PLAC", f"P-{number}")],
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "code": {"text": "MR brain"},
        "orderDetail": [{"coding": [{"system": DCM, "code": "MR"}]}],
        "subject": whose,
        "occurrenceDateTime": "2026-03-02T09:15:00+01:00",
        "requester": {"display": "Ekström^Maria"},
        **elements,
    }


def result(status: str = "final", number: str | None = "R-1", order: str | None = "ACC-1", **elements: Any) -> Any:
    """A DiagnosticReport of a teleradiology service, of MRN-1 unless the elements say otherwise."""
    said: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "status": status,
        "code": {"text": "MR brain"},
        "subject": {"identifier": identifier("MR", "MRN-1")},
        "issued": "2026-03-02T11:00:00+01:00",
        "resultsInterpreter": [{"display": "Dr. Karin Nyström"}],
        "conclusion": "Small aneurysm of the anterior communicating artery.",
    }
    if number is not None:
        said["identifier"] = [{"system": "https://telerad.example/reports", "value": number}]
    if order is not None:
        said["basedOn"] = [{"type": "ServiceRequest", "identifier": identifier("ACSN", order)}]
    return said | elements


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None, **more: str) -> dict[str, Any]:
    """One request of a Bundle."""
    found: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        found["resource"] = resource
    return found | ({"fullUrl": full_url} if full_url else {})


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
