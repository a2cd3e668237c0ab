"""What a resource refers to, among what is here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ehr_bridge.api.http.context import services
from ehr_bridge.errors import InvalidInput, NotFound
from ehr_bridge.fhir.patients import number_of
from ehr_bridge.fhir.searching import literal
from ehr_bridge.fhir.service_requests import subject_of
from ehr_bridge.services.registry.numbers import as_uuid


def patient_of(document: Mapping[str, Any]) -> str:
    """The patient of a request or report, by id, or by number with its issuer. Raises InvalidInput, NotPermitted."""
    kind = document["resourceType"]
    reference, identifier = subject_of(document)
    patients = services().patients
    try:
        if reference and not ((identifier or {}).get("value") and is_elsewhere(reference)):
            return str(patients.get(str(local(reference, "Patient", f"{kind}.subject.reference"))).id)
        mrn, issuer = number_of([identifier or {}], services().fhir_search.systems)
        return str(patients.get(patients.named(mrn, issuer)).id)
    except NotFound:
        raise invalid(f"{kind}.subject", "no such patient is registered here; create the patient first") from None


def local(reference: str, kind: str, where: str) -> uuid.UUID:
    """The id in a reference to a resource of this server. Raises InvalidInput, and NotFound where no resource can have
    that id."""
    try:
        if is_elsewhere(reference):
            raise ValueError("it is on another server")
        key = as_uuid(literal(reference, (kind,))[1])
    except ValueError as error:
        raise invalid(where, str(error)) from None
    if key is None:
        raise NotFound("resource_not_found", f"No {kind} has this id.")
    return key


def is_elsewhere(reference: str) -> bool:
    """Whether a reference leads to another server; then a number beside it says what is meant."""
    return "://" in reference and not reference.startswith(f"{services().settings.fhir_base_url}/")


def invalid(element: str, why: str) -> InvalidInput:
    return InvalidInput("resource_invalid", f"{element}: {why}.", ((element, why),))
