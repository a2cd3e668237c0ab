"""A patient whom nobody has registered is registered from a study, on both databases: all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.conftest import Api
from tests.api.link_steps import one, order, post, study
from tests.api.tag_steps import jobs, store

ASA = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
SAID = {"PatientID": "CD/7", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314", "PatientSex": "F"}
REASON = "CD from outside; her identity card was here"


def create(api: Api, uid: str, status: int, *roles: str, **body: Any) -> dict[str, Any]:
    body = {"patient": ASA, "reason": REASON} | body
    return post(api, f"/api/v1/reconciliation/{uid}/create-patient", body, status, *(roles or ("technician",)))


def actions(api: Api) -> list[str]:
    return [one["action"] for one in api.get("/api/v1/audit", "admin").json["items"]]


def test_the_patient_of_a_disc_is_registered_and_gets_their_study(api: Api, tmp_path: Path) -> None:
    """With the order that was missing: one act, as at the desk."""
    uid = store(api, 2, AccessionNumber="OUTSIDE-1", **SAID)
    made = create(api, uid, 202, order={"description": "MR knee"}, expected=one(api, uid)["version"])
    patient, placed = made["patient"], made["order"]
    assert (patient["mrn"], patient["family_name"], patient["registered_here"]) == ("L0000001", "Lindqvist", True)
    assert (placed["accession_number"], placed["mrn"], placed["description"], placed["modality"]) == (
        "OUTSIDE-1",
        "L0000001",
        "MR knee",
        "MR",
    )
    assert {"patient.created", "order.created", "study.link_requested"} <= set(actions(api))
    jobs(api, tmp_path).run()
    linked = study(api, uid)
    assert (linked["link_status"], linked["mrn"], linked["accession_number"]) == ("linked", "L0000001", "OUTSIDE-1")
    assert order(api, "OUTSIDE-1")["number_of_images"] == 2


def test_without_an_order_and_with_the_number_that_is_in_the_images(api: Api, tmp_path: Path) -> None:
    uid = store(api, 1, **SAID)
    made = create(api, uid, 202, mrn="CD/7")
    assert (made["order"], made["patient"]["mrn"]) == (None, "CD/7")
    jobs(api, tmp_path).run()
    assert (study(api, uid)["mrn"], study(api, uid)["order_id"]) == ("CD/7", None)


def test_a_number_that_somebody_has_makes_no_second_patient_of_it(api: Api) -> None:
    """And changes nothing of the one who has it."""
    known = create(api, store(api, 1, **SAID), 202, mrn="CD/7", patient={"family_name": "Berg"})["patient"]
    uid = store(api, 1, **SAID)
    assert create(api, uid, 409, mrn="CD/7")["code"] == "mrn_taken"
    assert api.get(f"/api/v1/patients/{known['id']}", "nurse").json == known
    assert one(api, uid)["job"] is None


def test_when_one_part_cannot_be_nothing_is_done(api: Api) -> None:
    """No patient is left over of an order that could not be, or of a study that somebody else has decided meanwhile."""
    api.place_order("OUTSIDE-1", "MRN-5")
    uid = store(api, 1, **SAID)
    before = api.get("/api/v1/patients", "nurse").json["total"]
    taken = create(api, uid, 409, order={"accession_number": "OUTSIDE-1"})
    assert taken["code"] == "accession_number_taken"
    assert create(api, uid, 409, expected="0" * 16)["code"] == "study_changed"
    assert create(api, "1.2.3", 404)["code"] == "study_not_found"
    assert api.get("/api/v1/patients", "nurse").json["total"] == before
    assert create(api, uid, 202)["patient"]["mrn"] == "L0000001"  # no number was lost either


def test_who_may_link_but_not_register_does_not_register_by_linking(api: Api) -> None:
    uid = store(api, 1, **SAID)
    assert create(api, uid, 403, "radiologist")["code"] == "permission_missing"
    assert create(api, uid, 403, "reception")["code"] == "permission_missing"
    assert create(api, uid, 202, "technician")["patient"]["registered_here"]
