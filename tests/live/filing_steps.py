"""A report is signed on a real server, and its documents are read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt
import pydicom

from tests.support.samples import small
from tests.support.server import SECRET, Server
from tests.support.steps import instances, place_order, upload

REPORTS = "/api/v1/reports"
TEXT = "Kein Nachweis einer Raumforderung – Ventrikel normal weit."


def radiologist() -> str:
    """A token of somebody who has just signed in."""
    now = datetime.now(UTC)
    claims = {"sub": "rita", "name": "Dr. Rita Rönt", "roles": ["radiologist"], "aud": "orthanc-ehr-bridge"}
    times = {"iat": now, "exp": now.timestamp() + 3600, "auth_time": int(now.timestamp())}
    return jwt.encode(claims | times, SECRET, "HS256")


def study_of_an_order(server: Server) -> tuple[str, dict[str, Any]]:
    """The UID of a linked study with one image, and its order."""
    order = place_order(server)
    answer = upload(server, small(), X_Order_Id=order["id"])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["studies"][0]["study_instance_uid"]), order


def signed(server: Server, uid: str) -> dict[str, Any]:
    """A report of a study, written and signed."""
    report_id, tag = draft_with_text(server, uid)
    return sign(server, report_id, tag)


def amended(server: Server, report: dict[str, Any]) -> dict[str, Any]:
    """Signed once more."""
    body = {"kind": "corrected", "reason": "wrong side"}
    answer = server.request("POST", f"{REPORTS}/{report['id']}/amend", radiologist(), json=body)
    assert answer.status_code == 200, answer.text
    return sign(server, report["id"], with_text(server, answer.json(), answer.headers["ETag"]))


def draft_with_text(server: Server, uid: str) -> tuple[str, str]:
    """The id of a new report of a study with a text in each section, and its ETag."""
    answer = server.request("POST", REPORTS, radiologist(), json={"study_instance_uid": uid})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], with_text(server, answer.json(), answer.headers["ETag"])


def with_text(server: Server, report: dict[str, Any], tag: str) -> str:
    """Save a text in each section of a draft; the new ETag."""
    sections = [one | {"text": one["text"] or TEXT} for one in report["draft"]["sections"]]
    path, options = f"{REPORTS}/{report['id']}", {"headers": {"If-Match": tag}}
    answer = server.request("PUT", path, radiologist(), json={"sections": sections}, **options)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


def sign(server: Server, report_id: str, tag: str) -> dict[str, Any]:
    """Sign a draft as it was read."""
    path, options = f"{REPORTS}/{report_id}/sign", {"headers": {"If-Match": tag}}
    answer = server.request("POST", path, radiologist(), json={}, **options)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def in_the_study(server: Server, uid: str) -> int:
    """How many documents of reports DICOMweb finds in a study."""
    found = server.get(f"/dicom-web/studies/{uid}/series?Modality=SR%5CDOC", "doctor")
    return len(found.json()) if found.status_code == 200 else 0


def documents(server: Server, uid: str) -> list[pydicom.FileDataset]:
    """SR and PDF of a study, SR first."""
    found = [one for one in instances(server, uid) if one.Modality in ("SR", "DOC")]
    return sorted(found, key=lambda one: int(one.SeriesNumber))
