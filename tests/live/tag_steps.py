"""Modifying stored studies, waiting for the job and undoing it, as steps."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, upload


def store(server: Server, files: list[bytes], **headers: str) -> str:
    """A study, file by file; its UID."""
    for data in files:
        answer = upload(server, data, **headers)
        assert answer.status_code == 201, answer.text
    return str(answer.json()["studies"][0]["study_instance_uid"])


def alike(number: int) -> list[bytes]:
    """Instances of one series."""
    study_uid, series_uid = generate_uid(), generate_uid()
    return [small(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid) for _ in range(number)]


def modify(server: Server, uid: str, **changes: str) -> str:
    """Ask for a modification; the job's id."""
    body = {"study_instance_uid": uid, "changes": changes, "reason": "typing error at the console"}
    token = user_token("technician", subject="rita")
    answer = server.request("POST", "/api/v1/dicom/modify-tags", token, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def undo(server: Server, modification: str) -> str:
    path = f"/api/v1/modifications/{modification}/undo"
    answer = server.request("POST", path, user_token("technician", subject="rita"), json={"reason": "it was right"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ended(server: Server, job: str, seconds: float = 60) -> dict[str, Any]:
    """The job when it is over."""

    def look() -> dict[str, Any] | None:
        seen = server.get(f"/api/v1/jobs/{job}", "nurse").json()
        return seen if seen["status"] not in {"queued", "running"} else None

    return dict(eventually(look, seconds))


def succeeded(server: Server, job: str) -> dict[str, Any]:
    end = ended(server, job)
    assert end["status"] == "succeeded", end
    return end


def metadata(server: Server, uid: str, tag: str) -> list[Any]:
    """What DICOMweb says of a tag in each instance, as a viewer asks."""
    answer = server.get(f"/dicom-web/studies/{uid}/metadata", "doctor", headers={"Accept": "application/dicom+json"})
    assert answer.status_code == 200, answer.text
    return [ds[tag]["Value"][0] for ds in answer.json()]


def held(server: Server, uid: str) -> dict[str, bytes]:
    """The files of a study as they lie in Orthanc's folder, by SOP Instance UID."""
    found = {}
    for path in server.stored_files():
        data = path.read_bytes()
        if data[128:132] == b"DICM":
            ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
            if ds.StudyInstanceUID == uid:
                found[str(ds.SOPInstanceUID)] = data
    return found


def digests(server: Server, uid: str) -> dict[str, str]:
    """SHA-256 of every file of a study as WADO-RS gives it out, untouched, by SOP Instance UID."""
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    answer = server.get(f"/dicom-web/studies/{uid}", "doctor", headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"')
    files = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in answer.content.split(b"--" + boundary.encode())[1:-1]]
    named = {str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID): hashlib.sha256(data).hexdigest() for data in files}
    assert len(named) == len(files)
    return named


def spool(server: Server) -> list[Path]:
    return list((server.shared / "modifying").glob("*.dcm"))


def spooled(server: Server, uid: str) -> set[str]:
    """SOP Instance UIDs of the files of a study that lie in the spool."""
    found = [pydicom.dcmread(path) for path in spool(server)]
    return {str(ds.SOPInstanceUID) for ds in found if ds.StudyInstanceUID == uid}
