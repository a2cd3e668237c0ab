"""ImagingStudy: a stored study as a resource (the reverse way is DICOM's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ehr_bridge.fhir.endpoints import IMAGES, VIEWER
from ehr_bridge.fhir.systems import ACCESSION, DICOM_CODES, DICOM_UID, OID, URI, typed


def imaging_study(values: Mapping[str, Any], series: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From what our API shows of a study and whether it `is_available`, and its series with `series_instance_uid`,
    `modality`, `number_of_instances` and `instances`: UID and SOP Class of each, or none where they are not listed."""
    uid = {"use": "official", "system": DICOM_UID, "value": f"{OID}{values['study_instance_uid']}"}
    numbers = [typed(ACCESSION, number) for number in values["accession_numbers"] or _alone(values)]
    resource: dict[str, Any] = {
        "resourceType": "ImagingStudy",
        "id": values["id"],
        "identifier": [uid, *numbers],
        "status": "available" if values["is_available"] else "registered",
        "subject": _subject(values),
        "numberOfSeries": values["number_of_series"],
        "numberOfInstances": values["number_of_instances"],
        "endpoint": [{"reference": f"Endpoint/{IMAGES}"}, {"reference": f"Endpoint/{VIEWER}"}],
    }
    if values["modalities"]:
        resource["modality"] = [_coding(one) for one in values["modalities"]]
    if values["study_date"]:
        resource["started"] = values["study_date"]
    if values["order_ids"]:
        resource["basedOn"] = [{"reference": f"ServiceRequest/{one}"} for one in values["order_ids"]]
    if values["study_description"]:
        resource["description"] = values["study_description"]
    if series:
        resource["series"] = [_series(one) for one in series]
    return resource


def _alone(values: Mapping[str, Any]) -> list[str]:
    """The number in the files of a study without an order."""
    return [values["accession_number"]] if values["accession_number"] else []


def _subject(values: Mapping[str, Any]) -> dict[str, Any]:
    """The patient; only as the files name them where nobody has said who it is."""
    found: dict[str, Any] = {}
    if values["patient_id"]:
        found["reference"] = f"Patient/{values['patient_id']}"
    elif values["mrn"]:
        found["identifier"] = {"value": values["mrn"]}
    found["display"] = values["patient_name"] or "unknown"
    return found


def _series(one: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uid": one["series_instance_uid"],
        "modality": _coding(one["modality"] or "OT"),
        "numberOfInstances": one["number_of_instances"],
    }
    if one["instances"]:
        found["instance"] = [
            {"uid": uid, "sopClass": {"system": URI, "code": f"{OID}{sop_class}"}}
            for uid, sop_class in one["instances"]
        ]
    return found


def _coding(modality: str) -> dict[str, str]:
    return {"system": DICOM_CODES, "code": modality}
