"""The group case through real doors: thorax and abdomen in one go, sent by C-STORE, seen under both orders."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.live.link_steps import post
from tests.live.tag_steps import metadata, succeeded
from tests.support.material import mr_series
from tests.support.samples import fresh
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study


def test_one_study_answers_two_orders(server: Server) -> None:
    """Two items in the Request Attributes Sequence: both orders show the study, a token for the second opens it, and
    DICOMweb says the first one's number; a person takes the second away, and it waits again."""
    first = place_order(server)
    body = {"mrn": first["mrn"], "modality": "MR", "description": "Abdomen"}
    second = dict(server.put(f"/api/v1/orders/B{first['accession_number'][1:]}", body).json())
    both = [first, second]
    uid, series = generate_uid(), generate_uid()
    said: dict[str, Any] = {
        "PatientID": first["mrn"],
        "PatientName": "LINDQVIST^ASA",
        "PatientBirthDate": "19610314",
        "PatientSex": "F",
        "AccessionNumber": "",
    }
    said |= {"StudyInstanceUID": uid, "SeriesInstanceUID": series, "RequestAttributesSequence": _items(both)}
    files = [fresh(data, **said) for data in mr_series()]
    assert set(c_store(server, *files)) == {0}
    eventually(lambda: (study(server, uid) or {}).get("number_of_instances") == len(files))
    seen = study(server, uid)
    assert seen is not None
    assert (seen["link_status"], seen["order_ids"]) == ("linked", [order["id"] for order in both])
    assert metadata(server, uid, "00080050") == [first["accession_number"]] * len(files)
    for order in both:
        eventually(lambda order=order: _shown(server, order) == ("in_progress", uid, len(files)))
    token = server.request(
        "POST", "/api/v1/dicom/viewer-token", user_token("doctor"), json={"order_id": second["id"]}
    ).json()
    assert token["studies"] == [uid]
    assert server.request("GET", f"/dicom-web/studies/{uid}/metadata", token["token"]).status_code == 200
    version = server.get(f"/api/v1/reconciliation/{uid}", "technician").json()["version"]
    job = post(server, f"/api/v1/reconciliation/{uid}/link", {"order_ids": [first["id"]], "expected": version}).json()
    succeeded(server, str(job["id"]))
    eventually(lambda: _shown(server, second)[0] == "scheduled")
    eventually(lambda: server.request("GET", f"/dicom-web/studies/{uid}/metadata", token["token"]).status_code == 403)
    assert _shown(server, first) == ("in_progress", uid, len(files))


def _items(orders: list[dict[str, str]]) -> list[Dataset]:
    items = [Dataset() for _ in orders]
    for item, order in zip(items, orders, strict=True):
        item.AccessionNumber = order["accession_number"]
    return items


def _shown(server: Server, order: dict[str, str]) -> tuple[str, str, int | None]:
    told = server.get(f"/api/v1/orders/{order['id']}", "nurse").json()
    return told["status"], told["study_instance_uid"], told["number_of_images"]
