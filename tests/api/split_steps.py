"""Two patients in one study, and moving the images of one of them, as short steps for tests."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import pydicom
from pydicom.uid import generate_uid

from tests.api.conftest import Api
from tests.support.samples import small

REASON = "the second patient was examined under the first one's name"


class Mixed(NamedTuple):
    """A study linked to one patient, with a series of another one."""

    uid: str
    right: str
    wrong: str
    """Series Instance UIDs."""


def register(api: Api, mrn: str, family_name: str) -> str:
    body = {"family_name": family_name, "given_name": "Ann", "birth_date": "1961-03-14", "sex": "female"}
    answer = api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body)
    assert answer.status_code in (200, 201), answer.json
    return str(answer.json["id"])


def order(api: Api, accession: str, mrn: str) -> None:
    body = {"mrn": mrn, "modality": "CT", "description": "CT head", "ordered_by": None}
    assert api.call("PUT", f"/api/v1/orders/{accession}", "service", json=body).status_code == 201


def mixed(api: Api, **values: Any) -> Mixed:
    """Of A-1 by the order ACC-A, with two images more of somebody else; B-1 has the order ACC-B."""
    register(api, "A-1", "Adler")
    register(api, "B-1", "Berg")
    order(api, "ACC-A", "A-1")
    order(api, "ACC-B", "B-1")
    study, right, wrong, frame = (generate_uid() for _ in range(4))
    for series in (right, wrong):
        for _ in range(2):
            data = small(StudyInstanceUID=study, SeriesInstanceUID=series, FrameOfReferenceUID=frame, **values)
            answer = api.upload(data, "technician", headers={"X-Order-Id": "ACC-A"})
            assert answer.status_code == 201, answer.json
    return Mixed(study, right, wrong)


def split(api: Api, uid: str, status: int = 202, role: str = "radiologist", **body: Any) -> dict[str, Any]:
    path = f"/api/v1/reconciliation/{uid}/split"
    answer = api.call("POST", path, role, json={"reason": REASON} | body)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def study(api: Api, uid: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/dicom/studies/{uid}", "radiologist")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def new_study(api: Api, mrn: str = "B-1") -> dict[str, Any]:
    found = api.get(f"/api/v1/dicom/studies?mrn={mrn}", "radiologist").json["items"]
    assert len(found) == 1, found
    return dict(found[0])


def read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def held(api: Api, uid: str) -> list[pydicom.Dataset]:
    """What the archive has of a study."""
    found = [read(data) for data in api.archive.instances.values()]
    return [one for one in found if uid == one.StudyInstanceUID]
