"""Rejecting an image on the real server: no way to it is left, the others open as before, and it comes back whole."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, upload

RITA = user_token("technician", subject="rita")


def sops(answer: Any) -> set[str]:
    """SOP Instance UIDs in DICOM JSON, without those of rejection notes."""
    found = [] if answer.status_code == 204 else answer.json()
    return {one["00080018"]["Value"][0] for one in found if one["00080060"]["Value"] != ["KO"]}


def test_a_rejected_image_is_in_no_answer_until_it_is_taken_back(server: Server) -> None:
    """Metadata of study and series, QIDO, the image itself, its file by Orthanc's id, the download; sent again by
    C-STORE it stays out. Afterwards each is as before, byte for byte."""
    order = place_order(server)
    study, series, bad, good = (str(generate_uid()) for _ in range(4))
    files = [
        small(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=uid, InstanceNumber=number)
        for number, uid in enumerate((bad, good), 1)
    ]
    for data in files:
        assert upload(server, data, X_Order_Id=order["id"]).status_code == 201
    base = f"/dicom-web/studies/{study}"
    lists = [f"{base}/metadata", f"{base}/series/{series}/metadata", f"{base}/instances"]
    ways = [f"{base}/series/{series}/instances/{bad}", f"{base}/series/{series}/instances/{bad}/rendered"]
    before = [server.get(way, "radiologist").status_code for way in ways]
    assert before == [200, 200] and all(sops(server.get(one, "radiologist")) == {bad, good} for one in lists)
    whole = server.get(f"/api/v1/dicom/download/{study}", "radiologist").content

    wish = {"reason": "quality", "comment": "motion", "sop_instance_uids": [bad]}
    answer = server.request("POST", f"/api/v1/dicom/studies/{study}/rejections", RITA, json=wish)
    assert (answer.status_code, answer.json()["is_under_way"]) == (201, False), answer.text
    assert all(sops(server.get(one, "radiologist")) == {good} for one in lists)
    assert [server.get(way, "radiologist").status_code for way in ways] == [404, 404]
    assert bad.encode() not in b"".join(_images(server.get(f"/api/v1/dicom/download/{study}", "radiologist").content))
    notes = server.get(f"{base}/series?Modality=KO", "radiologist").json()
    assert len(notes) == 1
    assert c_store(server, files[0]) == [0xB000]
    assert eventually(lambda: _is_in_quarantine(server, study))
    assert all(sops(server.get(one, "radiologist")) == {good} for one in lists)

    path = f"/api/v1/dicom/rejections/{answer.json()['id']}/undo"
    undone = server.request("POST", path, RITA, json={"reason": "good enough"})
    assert (undone.status_code, undone.json()["is_under_way"]) == (200, False), undone.text
    assert all(sops(server.get(one, "radiologist")) == {bad, good} for one in lists)
    assert server.get(f"{base}/series?Modality=KO", "radiologist").status_code in (200, 204)
    now = server.get(f"/api/v1/dicom/download/{study}", "radiologist").content
    assert _images(now) == _images(whole)
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def _images(archive: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        read = [files.read(name) for name in files.namelist()]
    return sorted(one for one in read if pydicom.dcmread(io.BytesIO(one)).Modality != "KO")


def _is_in_quarantine(server: Server, study: str) -> bool:
    found = server.get(f"/api/v1/quarantine?study={study}", "technician").json()["items"]
    return [one["code"] for one in found] == ["rejected_image"]
