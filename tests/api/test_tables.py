"""Every list can be saved as CSV: the whole list, harmless to a spreadsheet, without restricted patients, on record."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.away import tables
from ehr_bridge.api.away.columns import COLUMNS
from tests.api.conftest import Api, facts
from tests.api.deletion_steps import STUDIES
from tests.api.privacy_steps import break_glass, restrict
from tests.api.table_steps import EVERYBODY, LISTS, TAKES_AWAY, furnished, path_of, rows, saved
from tests.support.samples import small
from tests.support.server import user_token

DOCUMENT = openapi_document()
EMPTY = {"/api/v1/access/restrictions", "/api/v1/access/break-glass", "/api/v1/accounts", "/api/v1/service-keys"} | {
    "/api/v1/dashboard/dose/studies", "/api/v1/quarantine", "/api/v1/documents", "/api/v1/dicom/shares",
    "/api/v1/dicom/studies/{study_uid}/sendings",
}  # fmt: skip
"""Lists without a row that may be taken away, in this installation."""


@pytest.fixture(scope="module")
def full(read_api: Api) -> Api:
    return furnished(read_api)


def events(api: Api) -> list[dict[str, Any]]:
    found = api.get("/api/v1/audit?action=list.saved", "admin").json["items"]
    return [facts(event["detail"]) | {"actor": event["actor"]} for event in found]


def test_every_list_is_in_the_table_of_columns() -> None:
    """A new list is told what it looks like as a table; what can be paged is a list."""
    lists = {
        path
        for path, operations in DOCUMENT["paths"].items()
        if {"offset", "format"} <= {one["name"] for one in operations.get("get", {}).get("parameters", ())}
    }
    assert lists == set(COLUMNS)


@pytest.mark.parametrize("path", LISTS)
def test_every_column_is_a_field_of_the_list(path: str) -> None:
    """A column that is misspelled would be empty for ever."""
    answer = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for column in COLUMNS[path]:
        found = resolved(resolved(resolved(answer)["properties"]["items"])["items"])
        for word in column.split("."):
            found = resolved(found["items"]) if found.get("type") == "array" else found
            free = found.get("additionalProperties")
            assert word in found.get("properties", ()) or free, column
            found = resolved(found.get("properties", {}).get(word) or free or {})


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "properties" not in schema and (further := schema.get("anyOf") or schema.get("allOf")):
        schema = further[0]
    if "$ref" in schema:
        return resolved(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_saved_as_a_table_without_a_formula_or_a_restricted_patient(full: Api, path: str) -> None:
    """Also for those who may see the patient; and the list itself shows them to the same person."""
    table = rows(saved(full, path))
    assert bool(table) is (path not in EMPTY), path
    for row in table:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", " ")), cell
    text = str(table)
    for secret in ("MRN-VIP", "Geheim", "1.2.3.9", "1.2.5.9", "ACC-9"):
        assert secret not in text, secret
    if path.startswith(STUDIES) or path in ("/api/v1/reports", "/api/v1/reading-list"):
        assert "1.2.5.1" not in text, "a study whose deletion waits"
    if table and "patient_name" in table[0] and path != "/api/v1/reconciliation":
        assert any("'@SUM(1)" in row["patient_name"] for row in table)


@pytest.mark.parametrize("path", LISTS)
def test_a_table_needs_download_and_what_the_list_needs(full: Api, path: str) -> None:
    """A nurse reads lists and takes none away; a doctor may download, and sees no accounts."""
    refused = saved(full, path, "nurse")
    assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")
    allowed = full.get(path_of(path), "doctor").status_code
    assert saved(full, path, "doctor").status_code == allowed
    assert saved(full, path, "admin").status_code == 403


def test_the_list_shows_whom_the_table_leaves_out(full: Api) -> None:
    """The restriction is not what hides them from this person."""
    listed = full.get("/api/v1/patients", *TAKES_AWAY).json["items"]
    assert {"MRN-1", "MRN-VIP"} <= {one["mrn"] for one in listed}
    refused = saved(full, "/api/v1/orders", query="&patient=MRN-VIP")
    assert (refused.status_code, refused.json["code"]) == (403, "patient_restricted")


def test_a_system_that_speaks_for_all_takes_no_restricted_patient_away_either(full: Api) -> None:
    """The EHR's own key."""
    assert "MRN-VIP" not in str(rows(saved(full, "/api/v1/patients", "service", "doctor")))


def test_a_table_is_the_list_with_its_filters_search_and_sort(api: Api) -> None:
    """All rows, not the loaded page; in the order of the list."""
    for number in range(7):
        api.place_order(f"ACC-{number}", f"MRN-{number % 2}", family_name="Müller" if number % 2 else "Lindqvist")
    all_of_them = rows(saved(api, "/api/v1/orders", "doctor", query="&sort=accession_number&limit=2"))
    assert [row["accession_number"] for row in all_of_them] == [f"ACC-{number}" for number in range(7)]
    assert all_of_them[1]["patient_name"] == "Müller^Åsa"
    found = rows(saved(api, "/api/v1/orders", "doctor", query="&sort=-accession_number&q=Mueller&status=scheduled"))
    assert [row["accession_number"] for row in found] == ["ACC-5", "ACC-3", "ACC-1"]
    assert rows(saved(api, "/api/v1/orders", "doctor", query="&status=cancelled")) == []
    assert events(api)[:2] == [
        {"list": "orders", "count": 0, "filters": ["status"], "format": "csv", "actor": "doctor"},
        {"list": "orders", "count": 3, "filters": ["q", "sort", "status"], "format": "csv", "actor": "doctor"},
    ]
    refused = saved(api, "/api/v1/orders", "doctor", query="&status=lost")
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "status")
    assert api.get("/api/v1/orders?format=xlsx", "doctor").status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/patients", "/api/v1/dicom/uploads"])
def test_a_table_of_many_pages_has_every_row_once(api: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists with a cursor and those without one."""
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 2)
    for number in range(5):
        order = api.place_order(f"ACC-{number}", f"MRN-{number}")
        stored = api.upload(small(StudyInstanceUID=f"1.2.{number}"), headers={"X-Order-Id": order["id"]})
        assert stored.status_code == 201
    table = rows(saved(api, path, "doctor"))
    assert sorted(row["mrn"] for row in table) == [f"MRN-{number}" for number in range(5)]


def test_a_list_that_is_too_long_is_refused_and_nothing_is_recorded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that was cut off looks like a whole one."""
    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    for number in range(3):
        api.place_order(f"ACC-{number}")
    refused = saved(api, "/api/v1/orders", "doctor")
    assert (refused.status_code, refused.json["code"]) == (422, "too_many_rows")
    assert "3 rows" in refused.json["detail"] and "at most 2" in refused.json["detail"]
    assert len(rows(saved(api, "/api/v1/patients", "doctor"))) == 1
    assert [event["list"] for event in events(api)] == ["patients"]


def test_a_third_table_at_once_waits_its_turn(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tables leave room for everybody's work; the turn comes back whatever became of the others."""
    monkeypatch.setattr(tables, "MOST_ROWS", 0)
    api.place_order()
    for _ in range(tables.AT_ONCE + 1):
        assert saved(api, "/api/v1/orders", "doctor").status_code == 422
    for _ in range(tables.AT_ONCE):
        assert tables._RUNNING.acquire(blocking=False)
    try:
        refused = saved(api, "/api/v1/orders", "doctor")
    finally:
        for _ in range(tables.AT_ONCE):
            tables._RUNNING.release()
    assert (refused.status_code, refused.json["code"]) == (503, "busy")
    assert refused.headers["Retry-After"]


def test_who_has_broken_the_glass_reads_the_patient_and_takes_nothing_away(api: Api) -> None:
    """An emergency is no reason for a copy."""
    api.place_order()
    restrict(api, "MRN-1", "somebody")
    body = {"patient_id": "MRN-1", "reason": "Emergency"}
    assert api.call("POST", "/api/v1/access/break-glass", "doctor", json=body).status_code == 201
    assert api.get("/api/v1/orders", "doctor").json["total"] == 1
    assert rows(saved(api, "/api/v1/orders", "doctor")) == []


def test_who_was_opened_in_an_emergency_is_named_once_nobody_is_restricted_any_more(api: Api) -> None:
    """As on the page: to who may read. Before that, the table says nothing of them at all."""
    api.place_order()
    restrict(api, "MRN-1", "somebody")
    assert break_glass(api, "doctor", patient_id="MRN-1").status_code == 201
    openings = "/api/v1/access/break-glass"
    guard = user_token("admin", "doctor")
    assert rows(saved(api, openings, token=guard)) == []
    assert api.call("DELETE", "/api/v1/access/restrictions/MRN-1", "admin").status_code == 204
    (named,) = rows(saved(api, openings, token=guard))
    (shown,) = api.get(openings, token=guard).json["items"]
    assert (named["mrn"], named["patient_patient_name"]) == ("MRN-1", shown["patient"]["patient_name"])


def test_the_name_of_the_file_says_which_list_and_which_day(full: Api) -> None:
    answer = saved(full, "/api/v1/dicom/studies/patient/{patient}")
    assert re.search(r'filename="studies-\d{4}-\d{2}-\d{2}\.csv"', answer.headers["Content-Disposition"])


def test_a_viewer_token_saves_no_list(full: Api) -> None:
    """It opens images and nothing else."""
    body = {"study_instance_uids": ["1.2.3.1"], "operations": ["view"], "ttl_seconds": 600}
    token = full.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=body).json["token"]
    assert full.get("/api/v1/orders?format=csv", token=token).status_code == 403
    assert saved(full, "/api/v1/orders", token=user_token(*EVERYBODY)).status_code == 200
