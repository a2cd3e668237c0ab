"""Asking for deletions and deciding about them, as steps."""

from __future__ import annotations

import io
from typing import Any

import pydicom

from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import place_order, upload

RITA = user_token("radiologist", "manager", subject="rita")
MAX = user_token("manager", subject="max")
DOCTOR = user_token("doctor", subject="dora")
GRACE = "EHR_BRIDGE_DELETION_GRACE_DAYS"


def stored(server: Server) -> dict[str, Any]:
    order = place_order(server)
    data = small()
    ds = pydicom.dcmread(io.BytesIO(data))
    assert upload(server, data, X_Order_Id=order["id"]).status_code == 201
    ids = {"uid": str(ds.StudyInstanceUID), "series": str(ds.SeriesInstanceUID), "sop": str(ds.SOPInstanceUID)}
    return ids | {"mrn": order["mrn"], "accession": order["accession_number"]}


def ask(server: Server, uid: str, reason: str = "wrong patient") -> str:
    path = f"/api/v1/dicom/studies/{uid}"
    answer = server.request("DELETE", path, RITA, headers={"X-Reason": reason.encode()})
    assert answer.status_code == 202, answer.text
    request = answer.json()
    assert request["reason"] == reason
    return str(request["id"])


def decide(server: Server, deletion: str, verb: str, token: str = MAX) -> tuple[int, str]:
    answer = server.request("POST", f"/api/v1/deletions/{deletion}/{verb}", token)
    return answer.status_code, answer.json().get("code") or answer.json()["status"]


def status(server: Server, deletion: str) -> str:
    items = server.request("GET", "/api/v1/deletions", MAX).json()["items"]
    return str(next(item["status"] for item in items if item["id"] == deletion))
