"""Numbers with a slash or other odd characters: on every route and in every batch the same, working or refused."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from ehr_bridge.api.app import openapi_document
from tests.api.conftest import Api

NUMBERS = {"patient", "order", "accession_number", "mrn"}
"""Parameters of a path in which a number of the EHR may stand."""
PATHS: dict[str, dict[str, Any]] = openapi_document()["paths"]
WITH_NUMBER = [
    (method.upper(), path)
    for path, operations in PATHS.items()
    for method in operations
    if NUMBERS & set(re.findall(r"{(\w+)}", path))
]
ODD = "!\"#$%&'()*,-:;<=>?@[]^_`{|}~"
"""ASCII that is legal in a number (VR SH and LO: no backslash); blank, plus and slash have rules of their own."""
MANGLED = ("/A", "A/", "A.", "A..", "A//B", "A/../B", "A/./B", "../A", "A/..", ".", "..", "/")
"""What Orthanc's server makes another number of, when it stands in an address."""


def called(api: Api, method: str, path: str, number: str) -> Any:
    value = quote(number, safe="")
    address = re.sub(r"{(\w+)}", lambda found: value if found[1] in NUMBERS else "1.2.3", path)
    return api.call(method, address, "admin", "service", "radiologist", headers={"X-Reason": "x"}, json={})


def outcome(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json.get("code")


def placed(api: Api, number: str) -> dict[str, Any]:
    order = {"accession_number": number, "mrn": "MRN-1", "modality": "CT", "description": "CT chest"}
    answer = api.call("POST", "/api/v1/orders/batch", "service", json={"items": [order]})
    return dict(answer.json["items"][0])


def registered(api: Api, mrn: str) -> dict[str, Any]:
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": [{"mrn": mrn, "sex": "other"}]})
    return dict(answer.json["items"][0])


@pytest.mark.parametrize(("method", "path"), WITH_NUMBER)
def test_a_slash_in_an_address_is_no_route_wherever_a_number_stands(read_api: Api, method: str, path: str) -> None:
    """Orthanc decodes it before we see it. It says how else to name the patient or order."""
    answer = called(read_api, method, path, "2026/17")
    assert (answer.status_code, answer.json["code"]) == (404, "route_not_found")
    assert "by id" in answer.json["detail"]


@pytest.mark.parametrize(("method", "path"), WITH_NUMBER)
def test_every_other_odd_character_reaches_the_route(api: Api, method: str, path: str) -> None:
    """Refused, if at all, as an ordinary number would be."""
    ordinary = outcome(called(api, method, path, "N1"))
    for character in ODD:
        answer = called(api, method, path, f"N{character}1")
        assert outcome(answer) == ordinary, character


def test_a_number_with_a_slash_is_never_taken_for_a_shorter_one() -> None:
    """`2026/merge` must not be the merge of 2026: no method is there both for a number and for one with more behind a
    slash. What stands behind the number is the same in both: `/merge` of `2026/x` is not `/merge/preview` of 2026."""
    for method, path in WITH_NUMBER:
        until, brace, behind = path.rpartition("}")
        longer = [
            other
            for other in PATHS
            if other.startswith(until + brace + "/") and other.endswith(behind) and method.lower() in PATHS[other]
        ]
        assert set(longer) <= {path}, (method, path)


@pytest.mark.parametrize("character", ODD + "/.+ ")
def test_a_patient_with_an_odd_number_is_found_by_number_and_by_id(api: Api, character: str) -> None:
    """Registered in a batch, found in a list, and reached by id whatever the number."""
    mrn = f"N{character}1"
    told = registered(api, mrn)
    assert (told["status"], told["mrn"]) == ("created", mrn)
    for query in ({"patient": mrn}, {"q": mrn}):
        found = api.get("/api/v1/patients", "nurse", query_string=query).json["items"]
        assert [one["mrn"] for one in found] == [mrn], query
    assert api.get(f"/api/v1/patients/{told['id']}", "nurse").json["mrn"] == mrn
    by_number = api.get(f"/api/v1/patients/{quote(mrn, safe='')}", "nurse")
    assert by_number.status_code == {"/": 404, " ": 422}.get(character, 200)


@pytest.mark.parametrize("character", ODD + "/.+ ")
def test_an_order_with_an_odd_number_is_found_by_number_and_by_id(api: Api, character: str) -> None:
    """Its number corrected by a body; found in the list of orders, and named by number in every other list."""
    number = f"N{character}1"
    order = api.place_order("N-1")
    body = {"accession_number": number, "reason": "x"}
    assert api.call("POST", f"/api/v1/orders/{order['id']}/accession-number", "service", json=body).status_code == 202
    for query in ({"order": number}, {"accession_number": number}, {"q": number}):
        found = api.get("/api/v1/orders", "nurse", query_string=query).json["items"]
        assert [one["accession_number"] for one in found] == [number], query
    assert api.get("/api/v1/dicom/studies", "nurse", query_string={"order": number}).json["total"] == 0
    assert api.get(f"/api/v1/orders/{order['id']}", "nurse").json["accession_number"] == number


@pytest.mark.parametrize("character", ODD + "/.+ ")
def test_an_order_with_an_odd_number_is_placed_in_a_batch(api: Api, character: str) -> None:
    """And told again there, as the same order."""
    number = f"N{character}1"
    registered(api, "MRN-1")
    told = placed(api, number)
    assert (told["status"], told["accession_number"]) == ("created", number)
    (found,) = api.get("/api/v1/orders", "nurse", query_string={"order": number}).json["items"]
    assert found["id"] == told["id"]
    assert placed(api, number) == told | {"status": "updated"}


@pytest.mark.parametrize("number", MANGLED)
def test_numbers_that_an_address_turns_into_others_are_refused_in_words(api: Api, number: str) -> None:
    """In a batch, in a correction, and in a path where it arrives as it was sent."""
    told = registered(api, number)
    assert (told["status"], told["error"]["code"]) == ("failed", "invalid_request")
    assert "another number" in told["error"]["errors"][0]["message"]
    order = api.place_order()
    assert placed(api, number)["error"]["errors"] == [told["error"]["errors"][0] | {"field": "accession_number"}]
    body = {"accession_number": number, "reason": "x"}
    answer = api.call("POST", f"/api/v1/orders/{order['id']}/accession-number", "service", json=body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "accession_number")
    if "/" not in number and number.strip("."):
        answer = api.call("PUT", f"/api/v1/patients/{number}", "service", json={"sex": "other"})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "patient")


def test_who_has_a_number_with_a_slash_is_corrected_by_their_id(api: Api) -> None:
    """At the desk and by the EHR, patient and order alike; no second record is made."""
    patient = registered(api, "2026/17")
    order = api.call(
        "POST",
        "/api/v1/orders/batch",
        "service",
        json={"items": [{"accession_number": "A/1", "mrn": "2026/17", "modality": "CT", "description": "CT chest"}]},
    ).json["items"][0]
    path, body = f"/api/v1/patients/{patient['id']}", {"family_name": "Berg", "sex": "male", "reason": "her passport"}
    tag = api.get(path, "reception").headers["ETag"]
    changed = api.call("PUT", path, "reception", json=body, headers={"If-Match": tag})
    assert (changed.status_code, changed.json["id"], changed.json["mrn"]) == (200, patient["id"], "2026/17")
    patched = api.call("POST", f"{path}/patch", "service", json={"given_name": "Nils"})
    assert (patched.status_code, patched.json["given_name"], patched.json["family_name"]) == (200, "Nils", "Berg")
    path, body = f"/api/v1/orders/{order['id']}", {"mrn": "2026/17", "modality": "CT", "description": "CT neck"}
    changed = api.call("PUT", path, "service", json=body)
    assert (changed.status_code, changed.json["accession_number"], changed.json["description"]) == (
        200,
        "A/1",
        "CT neck",
    )
    assert api.call("POST", f"{path}/patch", "service", json={"priority": "STAT"}).json["accession_number"] == "A/1"
    assert [api.get(f"/api/v1/{what}", "nurse").json["total"] for what in ("patients", "orders")] == [1, 1]
    unknown = f"/api/v1/orders/{patient['id']}"
    assert api.call("PUT", unknown, "service", json=body).json["code"] == "order_not_found"
    long = api.call("PUT", "/api/v1/orders/A1234567890123456", "service", json=body)
    assert (long.status_code, long.json["errors"][0]["field"]) == (422, "order")
