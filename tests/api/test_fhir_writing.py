"""FHIR: create, update, conditions, transactions and batches, on both databases, by the rules of our own requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.fhir_steps import code, fhir_of, resources, stored
from tests.api.privacy_steps import restrict
from tests.support.fhir import bundle, entry, identifier, patient, request

TEMPORARY = "urn:uuid:11111111-1111-4111-8111-111111111111"


@pytest.fixture
def fhir(api: Api) -> Api:
    return fhir_of(api)


def send(fhir: Api, method: str, path: str, body: Any, role: str = "service", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fhir.call(method, f"/fhir{path}", role, json=body, headers=named)


def actions(api: Api) -> list[str]:
    items = api.get("/api/v1/audit", "admin").json["items"]
    return [one["action"] for one in items if one["action"].startswith(("patient.", "order."))][::-1]


def test_a_patient_and_an_order_become_ours(api: Api, fhir: Api) -> None:
    """The same rows, the same audit events as by PUT."""
    made = send(fhir, "POST", "/Patient", patient())
    assert made.status_code == 201, made.json
    assert made.headers["Location"].endswith(f"/Patient/{made.json['id']}/_history/{made.json['meta']['versionId']}")
    known = api.get("/api/v1/patients/MRN-1", "nurse").json
    assert (known["id"], known["family_name"], known["birth_date"]) == (made.json["id"], "Lindqvist", "1961-03-14")
    placed = send(fhir, "POST", "/ServiceRequest", request(subject=f"Patient/{known['id']}"))
    assert placed.status_code == 201, placed.json
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert {name: order[name] for name in ("id", "patient_id", "modality", "priority", "placer_order_number")} == {
        "id": placed.json["id"],
        "patient_id": known["id"],
        "modality": "MR",
        "priority": "HIGH",
        "placer_order_number": "P-ACC-1",
    }
    assert order["scheduled_at"] == "2026-03-02T08:15:00.000Z"
    assert actions(api) == ["patient.created", "order.created"]


def test_what_exists_is_not_created_again(fhir: Api) -> None:
    """With a condition it is answered as it is."""
    first = send(fhir, "POST", "/Patient", patient()).json
    again = send(fhir, "POST", "/Patient", patient())
    assert (again.status_code, code(again)) == (409, "duplicate_resource")
    there = send(fhir, "POST", "/Patient", patient(gender="male"), If_None_Exist="identifier=MRN-1")
    assert (there.status_code, there.json) == (200, first)
    new = send(fhir, "POST", "/Patient", patient("MRN-2"), If_None_Exist="identifier=https://any.example|MRN-2")
    assert new.status_code == 201
    several = send(fhir, "POST", "/Patient", patient("MRN-3"), If_None_Exist="gender=female")
    assert (several.status_code, code(several)) == (412, "several_match")
    for condition in ("", "colour=red"):
        assert code(send(fhir, "POST", "/Patient", patient("MRN-4"), If_None_Exist=condition)) == "search_refused"
    send(fhir, "POST", "/ServiceRequest", request())
    assert code(send(fhir, "POST", "/ServiceRequest", request())) == "duplicate_resource"


def test_nobody_overwrites_what_they_have_not_seen(fhir: Api) -> None:
    """FHIR's versions are weak, and compared all the same."""
    seen = send(fhir, "POST", "/Patient", patient())
    path, tag = f"/Patient/{seen.json['id']}", seen.headers["ETag"]
    changed = send(fhir, "PUT", path, patient(id=seen.json["id"], gender="other"), If_Match=tag)
    assert (changed.status_code, changed.json["gender"]) == (200, "other")
    stale = send(fhir, "PUT", path, patient(id=seen.json["id"]), If_Match=tag)
    assert (stale.status_code, code(stale)) == (412, "version_changed")
    absent = send(fhir, "PUT", "/Patient?identifier=MRN-9", patient("MRN-9"), If_Match=tag)
    assert absent.status_code == 412


def test_an_update_names_what_it_changes(fhir: Api) -> None:
    """By id, or by a search that fits one; numbers do not change like that."""
    made = send(fhir, "POST", "/Patient", patient()).json
    path = f"/Patient/{made['id']}"
    assert code(send(fhir, "PUT", path, patient())) == "resource_invalid"
    assert code(send(fhir, "PUT", path, patient("MRN-2", id=made["id"]))) == "number_changed"
    assert send(fhir, "PUT", "/Patient/unknown", patient(id="unknown")).status_code == 404
    assert send(fhir, "PUT", "/Patient?identifier=MRN-1", patient(gender="male")).json["gender"] == "male"
    assert send(fhir, "PUT", "/Patient?identifier=MRN-7", patient("MRN-7")).status_code == 201
    assert code(send(fhir, "PUT", "/Patient?identifier=MRN-1,MRN-7", patient())) == "several_match"
    assert code(send(fhir, "PUT", "/ImagingStudy/1", {"resourceType": "ImagingStudy"})) == "interaction_not_supported"


def test_what_is_read_and_sent_back_changes_nothing(api: Api, fhir: Api) -> None:
    """Neither what FHIR has no element for, nor what it says coarser, nor a study that has images."""
    body = {
        "mrn": "MRN-1",
        "modality": "MR",
        "description": "MR brain",
        "priority": "LOW",
        "station_ae_title": "MR1",
        "laterality": "L",
        "scheduled_procedure_step_id": "S-1",
        "further_steps": [{"scheduled_procedure_step_id": "S-2", "modality": "MR"}],
    }
    api.place_order()
    assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body).status_code == 200
    stored(api, "ACC-1")
    before = api.get("/api/v1/orders/ACC-1", "nurse").json
    (shown,) = resources(fhir.get("/fhir/ServiceRequest?identifier=ACC-1", "service"))
    answer = send(fhir, "PUT", f"/ServiceRequest/{shown['id']}", shown)
    assert (answer.status_code, answer.json) == (200, shown)
    assert api.get("/api/v1/orders/ACC-1", "nurse").json == before


def test_an_order_is_cancelled_and_stays_so(api: Api, fhir: Api) -> None:
    """By its status; an active one cannot be made of it."""
    api.place_order()
    ended = send(fhir, "PUT", "/ServiceRequest?identifier=ACC-1", request(status="revoked"))
    assert (ended.status_code, ended.json["status"]) == (200, "revoked")
    assert api.get("/api/v1/orders/ACC-1", "nurse").json["status"] == "cancelled"
    again = send(fhir, "PUT", "/ServiceRequest?identifier=ACC-1", request(status="entered-in-error"))
    assert again.json["status"] == "revoked"
    active = send(fhir, "PUT", "/ServiceRequest?identifier=ACC-1", request())
    assert (active.status_code, code(active)) == (409, "order_cancelled")
    completed = send(fhir, "POST", "/ServiceRequest", request("ACC-2", status="completed"))
    assert completed.json["status"] == "completed"


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        (request(subject="Patient/0f3662fb-f076-4743-b58a-6b30f1adf20c"), "ServiceRequest.subject"),
        (request(subject="https://else.example/fhir/Patient/7"), "ServiceRequest.subject.reference"),
        (request(subject="Group/7"), "ServiceRequest.subject.reference"),
        (request("A" * 17), "ServiceRequest.identifier"),
        (request(identifier=[]), "ServiceRequest.identifier"),
        (request(code={}), "ServiceRequest.code.text"),
        (request(orderDetail=[]), "ServiceRequest.orderDetail"),
        (request(status="draft"), "ServiceRequest.status"),
        (request(status="nonsense"), "ServiceRequest.status"),
        (request(identifier=[identifier("ACSN", "A"), identifier("ACSN", "B")]), "ServiceRequest.identifier"),
    ],
)
def test_what_cannot_be_an_order_is_refused_by_its_element(fhir: Api, resource: Any, element: str) -> None:
    """422, and nothing is kept."""
    send(fhir, "POST", "/Patient", patient())
    answer = send(fhir, "POST", "/ServiceRequest", resource)
    assert (answer.status_code, code(answer)) == (422, "resource_invalid"), answer.json
    assert answer.json["issue"][0]["expression"] == [element]
    assert fhir.get("/fhir/ServiceRequest?_summary=count", "nurse").json["total"] == 0


def test_a_transaction_is_kept_as_a_whole(api: Api, fhir: Api) -> None:
    """The order comes first, and finds the patient who comes after it; sent again it changes nothing more."""
    sent = bundle(
        "transaction",
        entry("PUT", "ServiceRequest?identifier=ACC-1", request(subject=TEMPORARY)),
        entry("POST", "Patient", patient(), TEMPORARY,
              ifNoneExist="identifier=MRN-1"),
        entry("GET", "ServiceRequest?patient.identifier=MRN-1"),
    )  # fmt: skip
    answer = send(fhir, "POST", "", sent)
    assert answer.status_code == 200, answer.json
    assert answer.json["type"] == "transaction-response"
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["201", "201", "200"]
    assert answer.json["entry"][2]["resource"]["total"] == 1
    again = send(fhir, "POST", "/", sent, Prefer="return=minimal")
    assert [one["response"]["status"][:3] for one in again.json["entry"]] == ["200", "200", "200"]
    assert "resource" not in again.json["entry"][0]
    assert actions(api) == ["patient.created", "order.created"]


def test_of_a_transaction_that_fails_nothing_is_kept(api: Api, fhir: Api) -> None:
    """And the refusal names the entry."""
    sent = bundle("transaction", entry("POST", "Patient", patient()), entry("POST", "ServiceRequest", request(code={})))
    answer = send(fhir, "POST", "", sent)
    assert (answer.status_code, code(answer)) == (422, "resource_invalid")
    assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1].resource.ServiceRequest.code.text"]
    assert api.get("/api/v1/patients/MRN-1", "nurse").status_code == 404
    assert actions(api) == []


def test_types_that_are_not_kept_are_refused_or_left_out_as_the_client_prefers(api: Api, fhir: Api) -> None:
    """A message engine sends encounters and practitioners along."""
    visit = {"resourceType": "Encounter", "status": "in-progress", "class": {"code": "AMB"}}
    sent = bundle("transaction", entry("POST", "Patient", patient()), entry("POST", "Encounter", visit))
    refused = send(fhir, "POST", "", sent)
    assert (refused.status_code, code(refused)) == (404, "resource_not_supported")
    assert api.get("/api/v1/patients/MRN-1", "nurse").status_code == 404
    answer = send(fhir, "POST", "", sent, Prefer="handling=lenient")
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["201", "202"]
    assert "Encounter" in answer.json["entry"][1]["response"]["outcome"]["issue"][0]["diagnostics"]


def test_the_entries_of_a_batch_know_nothing_of_each_other(api: Api, fhir: Api) -> None:
    """One is refused, the others are kept."""
    sent = bundle(
        "batch",
        entry("POST", "Patient", patient()),
        entry("POST", "Patient", patient()),
        entry("DELETE", "Patient/1"),
        entry("GET", "Endpoint/viewer"),
        entry("POST", "Encounter", {"resourceType": "Encounter"}),
    )
    answer = send(fhir, "POST", "", sent)
    statuses = [one["response"]["status"][:3] for one in answer.json["entry"]]
    assert (answer.json["type"], statuses) == ("batch-response", ["201", "409", "405", "200", "404"])
    assert api.get("/api/v1/patients/MRN-1", "nurse").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle", "type": "transaction", "entry": [1]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{}]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "TRACE", "url": "Patient"}}]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "a/b/c"}}]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{}] * 501},
        {"resourceType": "Patient"},
        ["Bundle"],
    ],
)
def test_what_is_no_bundle_is_refused(fhir: Api, body: Any) -> None:
    """Before anything is done."""
    answer = send(fhir, "POST", "", body)
    assert (answer.status_code, code(answer)) == (422, "resource_invalid")


def test_a_restricted_patient_is_written_by_those_who_may_see_them(api: Api, fhir: Api) -> None:
    """The EHR's service speaks for every person; a person with the permission to write does not."""
    send(fhir, "POST", "/Patient", patient())
    restrict(api, "MRN-1", "doctor")
    assert send(fhir, "PUT", "/Patient?identifier=MRN-1", patient(gender="other")).status_code == 200
    for role in ("nurse", "doctor"):
        assert send(fhir, "POST", "/Patient", patient("MRN-2"), role).status_code == 403
