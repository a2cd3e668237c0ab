"""Transactions for the FHIR server of somebody else: it gives its own ids, so patients, orders and studies are named by
their numbers, and what is sent again updates what is there (conditional update, R4 section 3.1.0.4.3)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ehr_bridge.fhir.systems import ACCESSION, DICOM_UID, OID, OURS, typed

EVENT = f"{OURS}:event"
"""System of events' ids."""


def transaction(event_id: uuid.UUID, resource: Mapping[str, Any], identifier: Mapping[str, Any]) -> dict[str, Any]:
    """One resource, created or updated by its identifier. The bundle's identifier is the event's: always the same."""
    token = quote(str(identifier["value"]), safe="")
    if identifier.get("system"):
        token = f"{quote(str(identifier['system']), safe='')}|{token}"
    kind = resource["resourceType"]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "identifier": {"system": EVENT, "value": str(event_id)},
        "entry": [
            {
                "fullUrl": f"urn:uuid:{event_id}",
                "resource": dict(resource),
                "request": {"method": "PUT", "url": f"{kind}?identifier={token}"},
            }
        ],
    }


def by_number(resource: Mapping[str, Any], subject: Mapping[str, Any], accession_numbers: list[str]) -> dict[str, Any]:
    """A resource of ours without our ids: its patient and its orders by their numbers."""
    found = {name: value for name, value in resource.items() if name not in ("id", "meta", "endpoint")}
    found["subject"] = dict(subject)
    if found.pop("basedOn", None) and accession_numbers:
        found["basedOn"] = [order_reference(number) for number in accession_numbers]
    return found


def order_reference(accession_number: str) -> dict[str, Any]:
    """An order by its accession number (a logical reference)."""
    return {"type": "ServiceRequest", "identifier": typed(ACCESSION, accession_number)}


def study_reference(study_instance_uid: str) -> dict[str, Any]:
    """A study by its UID, likewise."""
    return {"type": "ImagingStudy", "identifier": study_identifier(study_instance_uid)}


def study_identifier(study_instance_uid: str) -> dict[str, Any]:
    """Study Instance UID as an identifier."""
    return {"system": DICOM_UID, "value": f"{OID}{study_instance_uid}"}
