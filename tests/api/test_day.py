"""The list of orders as people work through it: who is next, and how far each report is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Api
from tests.api.day_steps import DAY, place
from tests.api.report_steps import RITA, act, begin, signed, with_images


def numbers(api: Api, query: str = "", *roles: str, **options: Any) -> list[str]:
    answer = api.get(f"/api/v1/orders?{query}", *(roles or ("nurse",)), **options)
    assert answer.status_code == 200, answer.json
    return [one["accession_number"] for one in answer.json["items"]]


def test_emergencies_come_first_and_then_who_is_expected_soonest(api: Api) -> None:
    """An order without an appointment comes behind those of its kind that have one, and what can wait last, as in the
    reading list; the other way round on request."""
    place(api, "A1", 15)
    place(api, "A2", 9, priority="LOW")
    place(api, "A3", 16, priority="STAT")
    place(api, "A4", None)
    place(api, "A5", 17, priority="HIGH")
    place(api, "A6", None, priority="STAT")
    assert numbers(api, "sort=urgency") == ["A3", "A6", "A5", "A1", "A4", "A2"]
    assert numbers(api, "sort=-urgency") == ["A2", "A1", "A4", "A5", "A3", "A6"]


def test_the_next_page_goes_on_where_the_last_one_ended_whatever_comes_meanwhile(api: Api) -> None:
    """A new emergency on top moves nobody into the next page twice, and a cancelled order leaves no gap."""
    for number in range(6):
        place(api, f"A{number}", 8 + number)
    first = api.get("/api/v1/orders?sort=urgency&limit=3", "nurse").json
    place(api, "STAT", 7, priority="STAT")
    api.call("POST", "/api/v1/orders/A1/cancel", "service")
    rest = api.get(f"/api/v1/orders?sort=urgency&limit=3&cursor={quote(first['next'])}", "nurse").json
    assert [one["accession_number"] for one in first["items"] + rest["items"]] == [f"A{at}" for at in range(6)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("priority=STAT", ["A1"]),
        ("priority=STAT,HIGH", ["A1", "A2"]),
        ("priority=ROUTINE", ["A3"]),
        ("body_part=chest", ["A1", "A3"]),
        ("station_ae_title=CT2", ["A2"]),
        ("modality=MR", ["A3"]),
        ("modality=CT&body_part=CHEST", ["A1"]),
        (f"from={DAY}09:00:00Z&to={DAY}10:00:00Z", ["A2"]),
        ("report=none", ["A1", "A2", "A3"]),
        ("report=final", []),
        ("q=Smith, Anna", ["A1"]),
        ("q=anna smith", ["A1"]),
        ("q=mueller", ["A2"]),
        ("q=muller", ["A2"]),
        ("q=anna", ["A1"]),
        ("q=müller", ["A2"]),
        ("q=jürgen mueller", ["A2"]),
        ("q=19500730", ["A2"]),
        ("q=1950-07-30", ["A2"]),
        ("q=30.07.1950", ["A2"]),
        ("q=MRN-A3", ["A3"]),
    ],
)
def test_the_list_is_narrowed_to_what_somebody_works_on(api: Api, query: str, found: list[str]) -> None:
    """By what the order says, by its patient as people type names, by how far its report is."""
    smith = {"family_name": "Smith", "given_name": "Anna"}
    mueller = {"family_name": "Müller", "given_name": "Jürgen", "birth_date": "1950-07-30"}
    place(api, "A1", 8, priority="STAT", body_part="CHEST", patient=smith)
    place(api, "A2", 9, priority="HIGH", station_ae_title="CT2", body_part="HEAD", patient=mueller)
    place(api, "A3", 11, body_part="chest", modality="MR")
    assert numbers(api, f"sort=urgency&{query}") == found


def test_the_end_of_an_accession_number_finds_the_order(api: Api) -> None:
    """As people read it from a paper: "0003"."""
    for number in ("ACC-2026-0003", "ACC-2026-0013"):
        place(api, number)
    assert numbers(api, "q=0003") == ["ACC-2026-0003"]


@pytest.mark.parametrize("sort", ["patient_name", "modality", "station_ae_title", "status"])
def test_a_heading_sorts_in_both_directions(api: Api, sort: str) -> None:
    """Each row once, also over pages."""
    for number, (family, modality) in enumerate([("Berg", "US"), ("Ahlen", "CT"), ("Cederström", "MR"), (None, "CT")]):
        place(api, f"A{number}", 8 + number, modality=modality, patient={"family_name": family} if family else {})
    for wanted in (sort, f"-{sort}"):
        whole = numbers(api, f"sort={wanted}")
        first = api.get(f"/api/v1/orders?sort={wanted}&limit=2", "nurse").json
        rest = api.get(f"/api/v1/orders?sort={wanted}&limit=2&cursor={quote(first['next'])}", "nurse").json
        assert [one["accession_number"] for one in first["items"] + rest["items"]] == whole
        assert len(set(whole)) == 4
    if sort == "patient_name":
        assert numbers(api, "sort=patient_name")[0] == "A1"


def test_the_list_says_how_far_a_report_is(api: Api) -> None:
    """Who writes reports sees that somebody is at it; others see it when it is issued."""
    with_images(api)
    report = begin(api, order_id="ACC-1")
    row = api.get("/api/v1/orders", token=RITA).json["items"][0]["report"]
    assert row == {
        "id": report["id"], "status": "draft", "is_being_written": True, "claimed_by": row["claimed_by"],
        "is_critical": False,
    }  # fmt: skip
    assert row["claimed_by"]
    assert api.get("/api/v1/orders", "nurse").json["items"][0]["report"] is None
    assert numbers(api, "report=draft", token=RITA) == ["ACC-1"]
    assert (numbers(api, "report=draft"), numbers(api, "report=none,final")) == ([], ["ACC-1"])
    act(api, report, "discard", reason="begun by mistake")
    assert numbers(api, "report=none", token=RITA) == ["ACC-1"]


def test_a_report_that_was_withdrawn_is_none(api: Api) -> None:
    with_images(api)
    report = signed(api, order_id="ACC-1")
    row = api.get("/api/v1/orders?report=final", "nurse").json["items"][0]
    assert (row["status"], row["report"]["status"], row["report"]["claimed_by"]) == ("reported", "final", None)
    act(api, report, "withdraw", reason="another patient's images")
    assert numbers(api, "report=none") == ["ACC-1"]
    assert api.get("/api/v1/orders", "nurse").json["items"][0]["report"] is None
