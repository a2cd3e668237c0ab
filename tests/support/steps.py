"""What people and systems do with a server, as short steps for tests."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import uuid
from collections.abc import Callable
from typing import Any

import pydicom
import requests

from tests.support.server import Server, last_answer, user_token


def place_order(server: Server, modality: str = "MR", **patient: Any) -> dict[str, Any]:
    """The EHR registers a new patient and places an order; the order as answered."""
    number = uuid.uuid4().hex[:8].upper()
    person = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
    answer = server.put(f"/api/v1/patients/MRN-{number}", person | patient)
    assert answer.status_code == 201, answer.text
    order = {"mrn": f"MRN-{number}", "modality": modality, "description": "Brain", "ordered_by": "Ekström^Maria"}
    answer = server.put(f"/api/v1/orders/A{number}", order)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def upload(server: Server, data: bytes, *roles: str, **headers: str) -> requests.Response:
    """A radiographer sends one file."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request(
        "POST",
        "/api/v1/dicom/upload",
        user_token(*(roles or ("technician",)), subject="rita"),
        data=data,
        headers={"Content-Type": "application/dicom"} | names,
    )


def stating(data: bytes) -> dict[str, str]:
    """The digest of a file, as its sender states it (RFC 9530)."""
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


def viewer_token(server: Server, *studies: str, subject: str = "dora") -> str:
    """A doctor's token for these studies."""
    answer = server.request(
        "POST",
        "/api/v1/dicom/viewer-token",
        user_token("doctor", subject=subject),
        json={"study_instance_uids": list(studies)},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def study(server: Server, uid: str) -> dict[str, Any] | None:
    """What a study is, without the moment when it last changed; None where there is none."""
    answer = server.get(f"/api/v1/dicom/studies/{uid}", "nurse")
    if answer.status_code != 200:
        return None
    return {name: value for name, value in answer.json().items() if name != "updated_at"}


def the_study(server: Server, uid: str) -> dict[str, Any]:
    """As `study`, of one that is there."""
    found = study(server, uid)
    assert found is not None, uid
    return found


def instances(server: Server, uid: str) -> list[pydicom.FileDataset]:
    """The stored instances of a study, read back through WADO-RS as a doctor."""
    answer = server.get(
        f"/dicom-web/studies/{uid}",
        "doctor",
        headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
    )
    assert answer.status_code == 200, answer.text
    boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"')
    parts = answer.content.split(b"--" + boundary.encode())[1:-1]
    return [pydicom.dcmread(io.BytesIO(part.split(b"\r\n\r\n", 1)[1][:-2])) for part in parts]


def eventually(condition: Callable[..., Any], seconds: float = 120) -> Any:
    """Wait until the condition, called without arguments, gives something true; that something.

    A condition that cannot be asked just now (a study that is not there yet, a file that a job has in hand, a page that
    is being drawn) is asked again. Whoever waits in vain hears what came last, from the condition and from the server.
    """
    deadline = time.monotonic() + seconds
    while True:
        fault, result = None, None
        try:
            if result := condition():
                return result
        except Exception as error:
            fault = error
        if time.monotonic() > deadline:
            raise AssertionError(
                f"it did not happen within {seconds} s; at last {fault or result!r}; the server said {last_answer()}"
            ) from fault
        time.sleep(0.1)
