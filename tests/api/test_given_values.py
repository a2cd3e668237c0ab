"""Days, moments and numbers in a path, as an EHR may write them: understood, or refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Api
from tests.support.server import user_token

EVERYBODY = user_token("technician", "doctor", "admin", "service")


def put_patient(api: Api, mrn: str, **body: Any) -> Any:
    return api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body)


def refused(answer: Any, field: str) -> str:
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    return str(answer.json["errors"][0]["message"])


@pytest.mark.parametrize("given", ["1984-05-06", "19840506", " 1984-05-06 "])
def test_a_birth_date_is_a_day(api: Api, given: str) -> None:
    """As ISO 8601 writes it, or DICOM."""
    assert put_patient(api, "P1", birth_date=given).json["birth_date"] == "1984-05-06"


@pytest.mark.parametrize(
    "given", [0, 452649600, 452649600000, 4.5, "0", "452649600000", "1984-5-6", "06.05.1984", True]
)
def test_what_is_no_day_is_no_birth_date(api: Api, given: Any) -> None:
    """Least of all seconds since 1970."""
    assert "1984-05-06" in refused(put_patient(api, "P1", birth_date=given), "birth_date")


@pytest.mark.parametrize("given", ["1984", "1984-05", "198405"])
def test_a_year_alone_is_refused_with_what_to_do(api: Api, given: str) -> None:
    assert "leave it out" in refused(put_patient(api, "P1", birth_date=given), "birth_date")


def test_nobody_is_born_in_the_future(api: Api) -> None:
    """Today somewhere on earth is not the future."""
    today = datetime.now(UTC).date()
    assert put_patient(api, "P1", birth_date=today.isoformat()).status_code == 201
    for day in ("2090-01-01", (today + timedelta(days=3)).isoformat(), "2090-02-30"):
        refused(put_patient(api, "P1", birth_date=day), "birth_date")


def test_a_batch_refuses_the_same_item_by_item(api: Api) -> None:
    items = [{"mrn": f"B{n}", "birth_date": day} for n, day in enumerate(["19840506", 0, "1984", "2090-01-01", None])]
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": items}).json
    assert [item["status"] for item in answer["items"]] == ["created", "failed", "failed", "failed", "created"]
    assert [e["field"] for item in answer["items"][1:4] for e in item["error"]["errors"]] == ["birth_date"] * 3


@pytest.mark.parametrize("given", [0, 452649600000, "0", "452649600", "2026-01-31", "20260131", "2026-01-31T09:00:00"])
def test_what_is_no_moment_is_no_appointment(api: Api, given: Any) -> None:
    """A moment has a time zone."""
    put_patient(api, "P1")
    body = {"mrn": "P1", "modality": "CT", "description": "x", "scheduled_at": given}
    assert "2026-01-31T09:00:00Z" in refused(api.call("PUT", "/api/v1/orders/A1", "service", json=body), "scheduled_at")


def test_an_appointment_is_a_moment_with_its_time_zone(api: Api) -> None:
    put_patient(api, "P1")
    for given in ("2026-01-31T09:00:00Z", "2026-01-31T10:00+01:00", "2026-01-31 09:00:00.000Z"):
        body = {"mrn": "P1", "modality": "CT", "description": "x", "scheduled_at": given}
        told = api.call("PUT", "/api/v1/orders/A1", "service", json=body).json
        assert told["scheduled_at"] == "2026-01-31T09:00:00.000Z"


@pytest.mark.parametrize("field", ["family_name", "given_name"])
def test_a_name_with_a_comma_is_refused(api: Api, field: str) -> None:
    """Family and given name are two fields: "Schmidt, Anne" is no family name."""
    assert "comma" in refused(put_patient(api, "P1", **{field: "Schmidt, Anne"}), field)
    items = [{"mrn": "P2", field: "Schmidt, Anne"}, {"mrn": "P3", "family_name": "Schmidt"}]
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": items}).json
    assert [item["status"] for item in answer["items"]] == ["failed", "created"]


NUMBERED = [
    ("PUT", "/api/v1/patients/{}", "patient"),
    ("GET", "/api/v1/patients/{}", "patient"),
    ("POST", "/api/v1/patients/{}/patch", "patient"),
    ("POST", "/api/v1/patients/{}/merge", "patient"),
    ("POST", "/api/v1/patients/{}/merge/preview", "patient"),
    ("POST", "/api/v1/patients/{}/unmerge", "patient"),
    ("POST", "/api/v1/patients/{}/documents", "patient"),
    ("POST", "/api/v1/orders/{}/documents", "order"),
    ("PUT", "/api/v1/orders/{}", "order"),
    ("GET", "/api/v1/orders/{}", "order"),
    ("POST", "/api/v1/orders/{}/patch", "order"),
    ("POST", "/api/v1/orders/{}/cancel", "order"),
    ("POST", "/api/v1/orders/{}/arrival", "order"),
    ("POST", "/api/v1/orders/{}/assignment", "order"),
    ("DELETE", "/api/v1/orders/{}/assignment", "order"),
    ("POST", "/api/v1/orders/{}/accession-number", "order"),
    ("DELETE", "/api/v1/orders/{}/arrival", "order"),
    ("GET", "/api/v1/dicom/studies/patient/{}", "patient"),
    ("GET", "/api/v1/dicom/studies/order/{}", "order"),
    ("GET", "/api/v1/dicom/studies/accession/{}", "accession_number"),
    ("GET", "/api/v1/dicom/uploads/patient/{}", "patient"),
    ("PUT", "/api/v1/access/restrictions/{}", "patient"),
    ("DELETE", "/api/v1/access/restrictions/{}", "patient"),
    ("GET", "/api/v1/access/patients/{}", "patient"),
]


def test_every_route_with_a_number_in_its_path_is_among_them(api: Api) -> None:
    """A new one must not read a plus sign as a blank either."""
    names = {name for _, _, name in NUMBERED}
    rules = {
        (method, rule.rule)
        for rule in api.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.arguments & names
    }
    assert rules == {(method, path.format(f"<{name}>")) for method, path, name in NUMBERED}


@pytest.mark.parametrize(("method", "path", "name"), NUMBERED)
def test_a_plus_sign_in_a_path_is_never_another_number(api: Api, method: str, path: str, name: str) -> None:
    """Orthanc makes it a blank, and it makes `%20` the same: refused, at the end of the number too."""
    for seen in ("A B", "A ", " A", "A  "):
        answer = api.call(method, path.format(quote(seen)), token=EVERYBODY, json={} if method != "GET" else None)
        assert answer.status_code == 422, (seen, answer.json)
        assert name in [error["field"] for error in answer.json["errors"]]


def test_a_number_with_a_plus_sign_is_told_as_2b(api: Api) -> None:
    """Which arrives as the plus sign that it is; a blank can be told in a body."""
    assert put_patient(api, quote("A+B")).json["mrn"] == "A+B"
    told = api.call("POST", "/api/v1/patients/batch", "service", json={"items": [{"mrn": "A B"}]}).json["items"][0]
    assert api.get(f"/api/v1/patients/{told['id']}", "nurse").json["mrn"] == "A B"
