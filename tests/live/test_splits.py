"""A split on the real server, and a modality that sends the moved series again."""

from __future__ import annotations

from typing import Any

import pydicom
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, upload

RADIOLOGIST = user_token("radiologist", subject="bela")


def test_a_moved_series_that_is_sent_again_is_never_the_first_patients(server: Server) -> None:
    """By C-STORE, as a modality does that repeats its whole examination, and with an image more: the first patient gets
    none of them, the second has each once, and what came again waits for a person. The rest is a duplicate."""
    first, second = place_order(server), place_order(server, family_name="Berg")
    study, right, wrong = (str(generate_uid()) for _ in range(3))
    stays, *moves = (
        small(StudyInstanceUID=study, SeriesInstanceUID=series, PatientID=first["mrn"])
        for series in (right, wrong, wrong)
    )
    for data in (stays, *moves):
        assert upload(server, data, X_Order_Id=first["id"]).status_code == 201
    body = {"series": [wrong], "order_id": second["id"], "reason": "examined under the first one's name"}
    asked = server.request("POST", f"/api/v1/reconciliation/{study}/split", RADIOLOGIST, json=body)
    assert asked.status_code == 202, asked.text
    assert eventually(lambda: _job(server, asked.json()["id"]) == "succeeded")
    new = server.get(f"/api/v1/orders/{second['id']}", "radiologist").json()["study_instance_uid"]
    before = {uid: _images(server, uid) for uid in (study, new)}
    assert {uid: len(images) for uid, images in before.items()} == {study: 1, new: 2}

    later = small(StudyInstanceUID=study, SeriesInstanceUID=wrong, PatientID=first["mrn"])
    assert c_store(server, stays)[0] == 0
    assert c_store(server, *moves, later) == [0xB000] * 3
    assert eventually(lambda: _waiting(server, study) == ["moved_out"] * 3)
    assert {uid: _images(server, uid) for uid in (study, new)} == before
    shown = server.get(f"/api/v1/dicom/studies/{study}", "radiologist").json()
    assert (shown["mrn"], shown["link_status"]) == (first["mrn"], "linked")


def _job(server: Server, job_id: str) -> str:
    return str(server.get(f"/api/v1/jobs/{job_id}", "nurse").json()["status"])


def _images(server: Server, study: str) -> set[str]:
    found: list[dict[str, Any]] = server.get(f"/dicom-web/studies/{study}/instances", "radiologist").json()
    return {pydicom.Dataset.from_json(one).SOPInstanceUID for one in found}


def _waiting(server: Server, study: str) -> list[str]:
    found = server.get(f"/api/v1/quarantine?study={study}", "technician").json()["items"]
    return [one["code"] for one in found]
