"""A patient is issuer and MRN: the same number of another issuer is somebody else, and overwrites nobody."""

from __future__ import annotations

from typing import Any

from tests.api.authority_steps import ANDERS, ZIMMER
from tests.api.conftest import Api


def put(api: Api, **body: Any) -> Any:
    return api.call("PUT", "/api/v1/patients/100", "service", json=body)


def test_another_issuer_with_the_same_number_overwrites_nobody(api: Api) -> None:
    """409 that names the issuer on record; twice, and in any order."""
    first = put(api, **ANDERS).json
    for _ in range(2):
        answer = put(api, **ZIMMER)
        assert (answer.status_code, answer.json["code"]) == (409, "mrn_of_another_issuer")
        assert "SITE-A" in answer.json["detail"]
    assert api.get("/api/v1/patients/100", "nurse").json == first
    assert put(api, **ANDERS).json == first
    actions = [event["action"] for event in api.get("/api/v1/audit", "admin").json["items"]]
    assert "patient.updated" not in actions


def test_a_batch_refuses_the_number_of_another_issuer_item_by_item(api: Api) -> None:
    put(api, **ANDERS)
    items = [{"mrn": "100", **ZIMMER}, {"mrn": "101", **ZIMMER}, {"mrn": "100", **ANDERS}]
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": items}).json
    assert [item["status"] for item in answer["items"]] == ["failed", "created", "updated"]
    assert answer["items"][0]["error"]["code"] == "mrn_of_another_issuer"
    assert api.get("/api/v1/patients/100", "nurse").json["family_name"] == "Anders"


def test_who_leaves_the_issuer_out_means_the_one_on_record(api: Api) -> None:
    """It is not taken away: without it the number would be anybody's."""
    put(api, **ANDERS)
    told = put(api, **ANDERS | {"issuer": None, "family_name": "Andersen"})
    assert (told.status_code, told.json["issuer"], told.json["family_name"]) == (200, "SITE-A", "Andersen")
    assert put(api, **ZIMMER).status_code == 409


def test_a_record_without_issuer_gets_the_first_that_is_told(api: Api) -> None:
    """An EHR that begins to say who gives its numbers."""
    before = put(api, **ANDERS | {"issuer": None}).json
    assert before["issuer"] is None
    told = put(api, **ANDERS).json
    assert (told["id"], told["issuer"]) == (before["id"], "SITE-A")
    assert put(api, **ZIMMER).status_code == 409


def test_an_issuer_is_the_same_whatever_its_case(api: Api) -> None:
    """As in files: nobody gets two records, or none, for it."""
    first = put(api, **ANDERS).json
    assert put(api, **ANDERS | {"issuer": " site-a "}).json == first
