"""Labels and printed pages: who may, what a label says, and what the audit trail keeps of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Api, facts
from tests.api.privacy_steps import break_glass, restrict
from tests.support.client import Answer
from tests.support.samples import small

LABELS = "/api/v1/labels"
PRINTOUTS = "/api/v1/printouts"


def labels(api: Api, *roles: str, **body: Any) -> Answer:
    return api.call("POST", LABELS, *(roles or ("reception",)), json=body)


def printed(api: Api, action: str = "label.printed") -> list[dict[str, Any]]:
    return list(api.get(f"/api/v1/audit?action={action}", "admin").json["items"])


def test_a_label_of_an_order_says_who_it_is_and_which_order(api: Api) -> None:
    """Name, birth date, sex, MRN and accession number; two copies are two in the trail, with patient and order."""
    order = api.place_order()
    answer = labels(api, kind="specimen", order_ids=["ACC-1"], copies=2)
    assert answer.status_code == 200, answer.json
    (label,) = answer.json["items"]
    assert (label["mrn"], label["patient_name"]) == ("MRN-1", "Lindqvist^Åsa")
    assert (label["patient_birth_date"], label["patient_sex"]) == ("1961-03-14", "female")
    assert (label["order"]["accession_number"], label["order"]["modality"]) == ("ACC-1", "MR")
    (event,) = printed(api)
    assert (event["actor"], event["patient_id"], event["order_id"]) == ("reception", order["patient_id"], order["id"])
    assert facts(event["detail"]) == {"kind": "specimen", "count": 2}


def test_a_label_of_a_patient_needs_no_order(api: Api) -> None:
    """A wristband, or a label on the file."""
    api.place_order()
    answer = labels(api, kind="patient", patient_id="MRN-1", copies=3)
    assert [(one["mrn"], one["order"]) for one in answer.json["items"]] == [("MRN-1", None)]
    assert facts(printed(api)[0]["detail"]) == {"kind": "patient", "count": 3}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "patient"},
        {"kind": "order", "patient_id": "MRN-1"},
        {"kind": "order", "order_ids": []},
        {"kind": "order", "order_ids": ["ACC-1"], "copies": 0},
        {"kind": "order", "order_ids": ["ACC-1"], "copies": 51},
        {"kind": "wristband", "patient_id": "MRN-1"},
        {"kind": "patient", "patient_id": "MRN-1", "order_ids": ["ACC-1"]},
    ],
)
def test_a_label_of_nobody_is_refused(api: Api, body: dict[str, Any]) -> None:
    api.place_order()
    assert labels(api, **body).status_code == 422
    assert printed(api) == []


def test_one_unknown_order_among_many_prints_nothing(api: Api) -> None:
    """Half a sheet would be taken for a whole one."""
    api.place_order()
    assert labels(api, kind="order", order_ids=["ACC-1", "ACC-7"]).status_code == 404
    assert printed(api) == []


@pytest.mark.parametrize(("role", "status"), [("reception", 200), ("technician", 200), ("doctor", 200), ("nurse", 403)])
def test_who_prints_labels(api: Api, role: str, status: int) -> None:
    """The desk, those who make images, and whoever may take something away."""
    api.place_order()
    assert labels(api, role, kind="order", order_ids=["ACC-1"]).status_code == status


def test_labels_of_a_restricted_patient_need_what_their_page_needs(api: Api) -> None:
    """Named people, or a broken glass."""
    api.place_order()
    restrict(api, "MRN-1", "somebody")
    for body in ({"kind": "patient", "patient_id": "MRN-1"}, {"kind": "order", "order_ids": ["ACC-1"]}):
        refused = labels(api, **body)
        assert (refused.status_code, refused.json["code"]) == (403, "patient_restricted")
    assert printed(api) == []
    assert break_glass(api, "reception", patient_id="MRN-1").status_code == 201
    assert labels(api, kind="patient", patient_id="MRN-1").status_code == 200


def test_a_record_that_was_merged_gets_no_label(api: Api) -> None:
    """Its number would be on a wristband, and in no system."""
    api.place_order()
    api.place_order("ACC-2", "MRN-2")
    merge = {"into": "MRN-2", "reason": "The same person"}
    assert api.call("POST", "/api/v1/patients/MRN-1/merge", "service", json=merge).status_code == 202
    refused = labels(api, kind="patient", patient_id="MRN-1")
    assert (refused.status_code, refused.json["code"]) == (409, "patient_merged")


def test_a_printed_page_is_noted_with_its_rows(api: Api) -> None:
    """Which page, how many rows, and whose it was."""
    order = api.place_order()
    body = {"page": "patient", "count": 7, "patient_id": order["patient_id"]}
    assert api.call("POST", PRINTOUTS, "nurse", json=body).status_code == 204
    (event,) = printed(api, "page.printed")
    assert (event["actor"], event["patient_id"]) == ("nurse", order["patient_id"])
    assert facts(event["detail"]) == {"page": "patient", "count": 7}
    assert api.call("POST", PRINTOUTS, "nurse", json={"page": "payroll", "count": 1}).status_code == 422


def test_a_printed_page_is_of_what_is_known_here_and_of_its_patient(api: Api) -> None:
    """Nobody writes into the trail about whom they like: the patient is that of the order or the study."""
    order, other = api.place_order(), api.place_order("ACC-2", "MRN-2")
    uid = api.upload(small(), headers={"X-Order-Id": "ACC-1"}).json["studies"][0]["study_instance_uid"]

    def noted(**whose: str) -> tuple[int, str | None]:
        answer = api.call("POST", PRINTOUTS, "nurse", json={"page": "other", "count": 1} | whose)
        return answer.status_code, None if answer.status_code == 204 else answer.json["code"]

    nobody = str(uuid4())
    assert noted(patient_id=nobody) == (404, "patient_not_found")
    assert noted(order_id=nobody) == (404, "order_not_found")
    assert noted(study_instance_uid="1.2.3.4") == (404, "study_not_found")
    assert noted(study_instance_uid=uid, patient_id=other["patient_id"]) == (409, "order_of_another_patient")
    assert noted(study_instance_uid=uid, order_id=other["id"]) == (409, "order_of_another_patient")
    assert printed(api, "page.printed") == []
    assert noted(order_id=order["id"]) == noted(study_instance_uid=uid) == (204, None)
    assert {event["patient_id"] for event in printed(api, "page.printed")} == {order["patient_id"]}
    restrict(api, "MRN-1", "somebody")
    for whose in ({"order_id": order["id"]}, {"study_instance_uid": uid}, {"patient_id": order["patient_id"]}):
        assert noted(**whose) == (403, "patient_restricted")
