"""What people do with the links of studies, as short steps for tests."""

from __future__ import annotations

import io
from typing import Any

import pydicom

from tests.api.conftest import Api

REASON = "the console had the wrong patient"
ASA = ("MRN-1", "Lindqvist^Åsa", "19610314", "F", "ACC-1", "Ekström^Maria")
"""What files say of whose they are when they are linked to order ACC-1."""
SCANNER = ("SCAN-7", "SCANNER^NAME", "", "", "", "")
"""And what they say as the scanner sends them."""
IDENTITY = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName")


def link(api: Api, uid: str, status: int = 202, role: str = "technician", **body: Any) -> dict[str, Any]:
    return post(api, f"/api/v1/reconciliation/{uid}/link", {"reason": REASON, **body}, status, role)


def unlink(api: Api, uid: str, status: int = 202, role: str = "radiologist", **body: Any) -> dict[str, Any]:
    return post(api, f"/api/v1/reconciliation/{uid}/unlink", {"reason": REASON, **body}, status, role)


def post(api: Api, path: str, body: dict[str, Any], status: int, *roles: str) -> dict[str, Any]:
    answer = api.call("POST", path, *roles, json=body)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def reconciliation(api: Api, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/api/v1/reconciliation{query}", "technician")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def one(api: Api, uid: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/reconciliation/{uid}", "technician")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def study(api: Api, uid: str) -> dict[str, Any]:
    """What a study is, without the moment when it last changed."""
    said = api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json
    return {name: value for name, value in said.items() if name != "updated_at"}


def order(api: Api, number: str = "ACC-1") -> dict[str, Any]:
    return dict(api.get(f"/api/v1/orders/{number}", "nurse").json)


def put_patient(api: Api, mrn: str = "MRN-1", status: int = 200, **values: Any) -> dict[str, Any]:
    person = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
    answer = api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=person | values)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def put_order(api: Api, number: str = "ACC-1", mrn: str = "MRN-1", **values: Any) -> dict[str, Any]:
    body = {"mrn": mrn, "modality": "MR", "description": "MR brain", "ordered_by": "Ekström^Maria"} | values
    answer = api.call("PUT", f"/api/v1/orders/{number}", "service", json=body)
    assert answer.status_code in (200, 201), answer.json
    return dict(answer.json)


def changes(api: Api, query: str = "") -> list[dict[str, Any]]:
    return list(api.get(f"/api/v1/changes{query}", "nurse").json["items"])


def history(api: Api, uid: str) -> list[dict[str, Any]]:
    answer = api.get(f"/api/v1/dicom/studies/{uid}/history", "nurse")
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def identities(api: Api, uid: str) -> set[tuple[str, ...]]:
    """What the files of a study say of whose they are, each way once."""
    found = set()
    for data in api.archive.instances.values():
        ds = pydicom.dcmread(io.BytesIO(data))
        if uid == ds.StudyInstanceUID:
            found.add(tuple(str(ds.get(keyword, "")) for keyword in IDENTITY))
    return found


def audited(api: Api, uid: str | None = None) -> list[str]:
    """The actions of a study in the audit trail, oldest first; of everything where no study is named."""
    query = f"?study_instance_uid={uid}&limit=500" if uid else "?limit=500"
    return [event["action"] for event in api.get(f"/api/v1/audit{query}", "admin").json["items"]][::-1]
