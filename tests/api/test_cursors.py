"""Paging with a cursor while the list changes, and asking for what has changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.samples import small

PATIENTS, ORDERS, STUDIES = "/api/v1/patients", "/api/v1/orders", "/api/v1/dicom/studies"
CHANCE = random.Random(13)


def a_patient(api: Api, number: int) -> str:
    person: dict[str, Any] = {"sex": "unknown"}
    if CHANCE.random() < 0.7:
        person |= {"family_name": CHANCE.choice(["Berg", "Ödegård", "berg"]), "given_name": CHANCE.choice(["A", "B"])}
    answer = api.call("PUT", f"{PATIENTS}/M-{number}", "service", json=person)
    return str(answer.json["id"])


def an_order(api: Api, number: int) -> str:
    a_patient(api, 0)
    body: dict[str, Any] = {"mrn": "M-0", "modality": "MR", "description": "x"}
    if CHANCE.random() < 0.7:
        body["scheduled_at"] = f"2026-11-2{CHANCE.randrange(3)}T08:00:00.123456Z"
    answer = api.call("PUT", f"{ORDERS}/A-{CHANCE.randrange(10)}-{number}", "service", json=body)
    return str(answer.json["id"])


def a_study(api: Api, number: int) -> str:
    uid = f"1.2.3.{number}"
    day = CHANCE.choice(["", "20261120", "20261121"])
    named = CHANCE.choice(["BERG^A", "BERG^B", ""])
    data = small(StudyInstanceUID=uid, StudyDate=day, PatientID=f"X{number}", PatientName=named, AccessionNumber="")
    assert api.upload(data).status_code == 201
    return uid


LISTS: list[tuple[str, str, Callable[[Api, int], str], dict[str, str]]] = [
    (PATIENTS, "id", a_patient, {}),
    (ORDERS, "id", an_order, {}),
    *(
        (STUDIES, "study_instance_uid", a_study, {"sort": sort})
        for sort in ("created_at", "-study_date", "patient_name", "-accession_number")
    ),
    (STUDIES, "study_instance_uid", a_study, {"patient_name": "berg"}),
]


@pytest.mark.parametrize(
    ("path", "name", "add", "query"), LISTS, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_each_row_that_is_there_all_the_time_comes_exactly_once(
    api: Api, path: str, name: str, add: Callable[[Api, int], str], query: dict[str, str]
) -> None:
    """Rows are added between the pages, before, behind and among those that were read, with the same values too."""
    for number in range(9):
        add(api, number + 1)
    there = {item[name] for item in api.get(path, "doctor", query_string={**query, "limit": 500}).json["items"]}
    seen: list[str] = []
    cursor: str | None = ""
    number = 100
    while cursor is not None:
        page = api.get(path, "doctor", query_string={**query, "limit": 2, "cursor": cursor}).json
        seen += [item[name] for item in page["items"]]
        assert page["total"] >= len(there), "of the whole list, wherever the page begins"
        cursor = page["next"]
        if number < 106:  # else the list might grow as fast as it is read
            add(api, number := number + 1)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


@pytest.mark.parametrize(
    ("path", "name", "add", "query"), LISTS, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_a_cursor_keeps_the_order_of_the_list(
    api: Api, path: str, name: str, add: Callable[[Api, int], str], query: dict[str, str]
) -> None:
    """And goes on from a page that was asked for with an offset."""
    for number in range(7):
        add(api, number + 1)
    whole = api.get(path, "doctor", query_string={**query, "limit": 500}).json
    assert whole["next"] is None
    rows = [item[name] for item in whole["items"]]
    page = api.get(path, "doctor", query_string={**query, "limit": 2, "offset": 1}).json
    seen = [item[name] for item in page["items"]]
    while page["next"] is not None:
        page = api.get(path, "doctor", query_string={**query, "limit": 2, "cursor": page["next"]}).json
        seen += [item[name] for item in page["items"]]
    assert seen == rows[1:]


@pytest.mark.parametrize("path", [PATIENTS, ORDERS, STUDIES])
def test_what_has_changed_since(api: Api, path: str) -> None:
    """The moment itself counts, so that nothing is missed between two requests."""
    api.place_order("A-1", "M-1")
    api.upload(small(StudyInstanceUID="1.2.3.1"), headers={"X-Order-Id": "A-1"})
    (before,) = api.get(path, "doctor").json["items"]
    api.place_order("A-2", "M-2")
    api.upload(small(StudyInstanceUID="1.2.3.2"), headers={"X-Order-Id": "A-2"})
    (second,) = (item for item in api.get(path, "doctor").json["items"] if item != before)
    assert second["updated_at"] > before["updated_at"]

    def since(moment: str) -> list[Any]:
        return list(api.get(path, "doctor", query_string={"updated_since": moment}).json["items"])

    assert second in since(before["updated_at"]) and before in since(before["updated_at"])
    assert since(second["updated_at"]) == [second]
    assert since("2100-01-01T00:00:00Z") == []
    refused = api.get(path, "doctor", query_string={"updated_since": "yesterday"})
    assert refused.status_code == 422 and refused.json["errors"][0]["field"] == "updated_since"


def test_a_cursor_belongs_to_its_query(api: Api) -> None:
    """Another sort, filter or list, or what is no cursor, is refused in words; the number of rows may change."""
    for number in range(4):
        a_study(api, number + 1)
    asked = {"limit": 1, "sort": "study_date"}
    cursor = api.get(STUDIES, "doctor", query_string=asked).json["next"]
    assert "BERG" not in cursor
    again = api.get(STUDIES, "doctor", query_string={**asked, "limit": 3, "cursor": cursor})
    assert len(again.json["items"]) == 3
    others = [{"sort": "-study_date"}, {"sort": "study_date", "modality": "CT"}, {}]
    for path, query in [*((STUDIES, other) for other in others), (ORDERS, {"limit": "1"})]:
        refused = api.get(path, "doctor", query_string={**query, "cursor": cursor})
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_cursor")
        assert refused.json["errors"][0]["field"] == "cursor" and "begin without" in refused.json["detail"]
    for wrong in ("x", "AAAA", cursor[:-2], cursor + "A", "é"):
        refused = api.get(STUDIES, "doctor", query_string={**asked, "cursor": wrong})
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_cursor")
    both = api.get(STUDIES, "doctor", query_string={**asked, "cursor": cursor, "offset": 1})
    assert (both.status_code, both.json["code"]) == (422, "invalid_request")
