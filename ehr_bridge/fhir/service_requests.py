"""ServiceRequest: our order as a resource, and a resource as the body of our own requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.dates import range_of
from ehr_bridge.fhir.systems import (
    ACCESSION,
    DICOM_CODES,
    DICOM_UID,
    OID,
    PLACER,
    REQUESTED_PROCEDURE,
    SCHEDULED_STEP,
    of_system,
    of_type,
    oid_of,
    typed,
)

STATUSES = {
    "scheduled": "active",
    "arrived": "active",
    "in_progress": "active",
    "completed": "completed",
    "reported": "completed",
    "cancelled": "revoked",
}
"""By our state."""
ENDED = frozenset({"revoked", "entered-in-error"})
"""Statuses that cancel an order."""
PRIORITIES = {"STAT": "stat", "HIGH": "urgent", "ROUTINE": "routine", "MEDIUM": "routine", "LOW": "routine"}
INTENTS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
IMAGING = {"coding": [{"system": "http://snomed.info/sct", "code": "363679005", "display": "Imaging"}]}


def service_request(values: Mapping[str, Any]) -> dict[str, Any]:
    """From what our API shows of an order, as JSON."""
    number = values["accession_number"]
    identifiers = [
        typed(ACCESSION, number),
        {"system": DICOM_UID, "value": f"{OID}{values['study_instance_uid']}"},
        {"system": REQUESTED_PROCEDURE, "value": values["requested_procedure_id"]},
        {"system": SCHEDULED_STEP, "value": values["scheduled_procedure_step_id"]},
    ]
    if values["placer_order_number"]:
        identifiers.insert(1, typed(PLACER, values["placer_order_number"]))
    code: dict[str, Any] = {"text": values["description"]}
    if values["procedure_code"]:
        code = {"coding": [{"code": values["procedure_code"]}], **code}
    steps = [values["modality"], *(step["modality"] for step in values["further_steps"])]
    modalities = [{"system": DICOM_CODES, "code": one} for one in dict.fromkeys(steps)]
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": values["id"],
        "identifier": identifiers,
        "status": STATUSES[values["status"]],
        "intent": "order",
        "category": [IMAGING],
        "priority": PRIORITIES.get(values["priority"] or "", "routine"),
        "code": code,
        "orderDetail": [{"coding": [one]} for one in modalities],
        "subject": {"reference": f"Patient/{values['patient_id']}"},
        "authoredOn": values["created_at"],
    }
    if values["patient_name"]:
        resource["subject"]["display"] = values["patient_name"]
    if values["scheduled_at"]:
        resource["occurrenceDateTime"] = values["scheduled_at"]
    if values["ordered_by"]:
        resource["requester"] = {"display": values["ordered_by"]}
    if values["body_part"]:
        resource["bodySite"] = [{"text": values["body_part"]}]
    return resource


def order_values(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What a resource says of an order, as the body of `PUT orders/{accession_number}` and its `accession_number`,
    without its patient (`subject_of`). None where it says nothing; a field that no element tells is left out, and
    stays as it is. Raises InvalidInput for what no order of ours can be.
    """
    if resource.get("doNotPerform"):
        raise _refused("doNotPerform", "an order not to do something cannot be placed")
    if resource.get("intent") not in INTENTS:
        raise _refused("intent", f"one of {', '.join(sorted(INTENTS))}: a plan or proposal is no order")
    if resource.get("status") not in {*STATUSES.values(), *ENDED}:
        raise _refused("status", "active, completed, revoked or entered-in-error")
    identifiers = resource.get("identifier") or []
    code = resource.get("code") or {}
    codings = code.get("coding") or []
    sites = resource.get("bodySite") or []
    values: dict[str, Any] = {
        "accession_number": accession_of(identifiers),
        "placer_order_number": next((one["value"] for one in of_type(identifiers, PLACER)), None),
        "modality": _modality(resource),
        "description": code.get("text") or next((one["display"] for one in codings if one.get("display")), None),
        "procedure_code": next((one["code"] for one in codings if one.get("code")), None),
        "scheduled_at": _appointment(resource),
        "ordered_by": (resource.get("requester") or {}).get("display"),
        "priority": resource.get("priority"),
        "body_part": _text_of(sites[0]) if sites else None,
    }
    for field, system in (
        ("requested_procedure_id", REQUESTED_PROCEDURE),
        ("scheduled_procedure_step_id", SCHEDULED_STEP),
    ):
        if (said := of_system(identifiers, system)) is not None:
            values[field] = said
    if (uid := _study_of(identifiers)) is not None:
        values["scheduled_study_instance_uid"] = uid
    if resource["status"] == "completed":
        values["status"] = "completed"
    return values


def accession_of(identifiers: Iterable[Mapping[str, Any]]) -> str | None:
    """The accession number among the identifiers of a request. Raises InvalidInput when there are several."""
    found = {str(one["value"]) for one in of_type(identifiers, ACCESSION)}
    if len(found) > 1:
        raise _refused("identifier", "one accession number (type ACSN), not several")
    return next(iter(found), None)


def subject_of(resource: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any] | None]:
    """Whose order or report it is: the reference, or the identifier of a logical one. Raises InvalidInput when there is
    neither."""
    subject = resource.get("subject") or {}
    reference, identifier = subject.get("reference"), subject.get("identifier")
    if not reference and not (identifier or {}).get("value"):
        field = f"{resource.get('resourceType', 'ServiceRequest')}.subject"
        why = "name the patient, by reference or by identifier"
        raise InvalidInput("resource_invalid", f"{field}: {why}.", ((field, why),))
    return reference, identifier


def _modality(resource: Mapping[str, Any]) -> str | None:
    concepts = [*(resource.get("orderDetail") or []), *(resource.get("category") or [])]
    codings = [coding for one in concepts for coding in one.get("coding") or []]
    return next((one["code"] for one in codings if one.get("system") == DICOM_CODES and one.get("code")), None)


def _appointment(resource: Mapping[str, Any]) -> str | None:
    said = resource.get("occurrenceDateTime") or (resource.get("occurrencePeriod") or {}).get("start")
    if said is None:
        return None
    if "T" not in said:
        raise _refused("occurrence", "a day and a time of day, because the worklist needs both")
    try:
        moment: datetime = range_of(said, UTC).start  # R4 demands an offset where there is a time
    except ValueError as error:
        raise _refused("occurrence", str(error)) from None
    return moment.isoformat()


def _study_of(identifiers: Iterable[Mapping[str, Any]]) -> str | None:
    said = of_system(identifiers, DICOM_UID)
    if said is None:
        return None
    uid = oid_of(said)
    if uid is None:
        raise _refused("identifier", f"a Study Instance UID is written {OID}1.2.3")
    return uid


def _text_of(concept: Mapping[str, Any]) -> str | None:
    codings = concept.get("coding") or []
    return concept.get("text") or next((one.get("display") or one.get("code") for one in codings), None)


def _refused(element: str, why: str) -> InvalidInput:
    field = f"ServiceRequest.{element}"
    return InvalidInput("resource_invalid", f"{field}: {why}.", ((field, why),))
