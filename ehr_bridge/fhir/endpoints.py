"""Endpoint: where the images of every study are, and where it is opened."""

from __future__ import annotations

from typing import Any

from ehr_bridge.fhir.systems import DICOM_CODES

IMAGES, VIEWER = "dicom-web", "viewer"
"""Their ids."""
_CONNECTIONS = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"


def endpoints(base: str) -> list[dict[str, Any]]:
    """Both; `base` is where this server is reached, without a slash at its end."""
    return [
        _endpoint(IMAGES, "dicom-wado-rs", "Images of every study (WADO-RS)", f"{base}/dicom-web"),
        _endpoint(VIEWER, "ihe-iid", "Opens studies in the viewer (IHE IID, RAD-106)", f"{base}/ehr/launch"),
    ]


def _endpoint(key: str, connection: str, name: str, address: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": key,
        "status": "active",
        "connectionType": {"system": _CONNECTIONS, "code": connection},
        "name": name,
        "payloadType": [{"coding": [{"system": DICOM_CODES, "code": "113014", "display": "DICOM Study"}]}],
        "payloadMimeType": ["application/dicom"],
        "address": address,
    }
