"""The dashboard: each number is the total of the list behind it, for whoever looks, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from ehr_bridge.db.rows import table_of
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.day_steps import place
from tests.api.deletion_steps import requested
from tests.api.outbox_steps import put
from tests.api.report_steps import act, begin, filled, save, signed, with_images
from tests.support.examined import Examined, fill
from tests.support.samples import small

STATES = ("scheduled", "arrived", "in_progress", "completed", "reported", "cancelled")
BOARD, TURNAROUND = "/api/v1/dashboard", "/api/v1/dashboard/turnaround"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def look(api: Api, *roles: str) -> dict[str, Any]:
    answer = api.get(BOARD, *roles)
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def total(api: Api, path: str, *roles: str) -> int:
    answer = api.get(f"/api/v1/{path}{'&' if '?' in path else '?'}limit=1", *roles)
    assert answer.status_code == 200, answer.json
    return int(answer.json["total"])


def agree_today(api: Api, *roles: str) -> dict[str, Any]:
    """Today's numbers, each compared with the list of orders behind it."""
    today: dict[str, Any] = look(api, *roles)["today"]
    of_day = f"orders?from={quote(today['since'])}&to={quote(today['until'])}"
    for modality in (None, *(one["modality"] for one in today["modalities"])):
        shown = today["states"] if modality is None else next(
            one["states"] for one in today["modalities"] if one["modality"] == modality
        )  # fmt: skip
        path = of_day if modality is None else f"{of_day}&modality={modality}"
        assert total(api, path, *roles) == shown["total"]
        for state in STATES:
            assert total(api, f"{path}&status={state}", *roles) == shown[state], (modality, state)
    return today


def restrict(api: Api, mrn: str) -> None:
    body = {"reason": "a colleague", "staff": ["admin"]}
    answer = api.call("PUT", f"/api/v1/access/restrictions/{mrn}", "admin", json=body)
    assert answer.status_code in (200, 201), answer.json


def test_today_is_counted_as_the_list_of_orders_counts_it(api: Api) -> None:
    """An order with two modalities today is in both rows and once in the sum; what is restricted is in none."""
    for number, modality in enumerate(("CT", "CT", "MR")):
        place(api, f"A{number}", None, modality=modality, scheduled_at=NOON.isoformat())
    step = {"modality": "CT", "scheduled_at": NOON.isoformat(), "scheduled_procedure_step_id": "S2"}
    two = {"modality": "MR", "scheduled_procedure_step_id": "S1", "further_steps": [step]}
    place(api, "A3", None, scheduled_at=NOON.isoformat(), **two)
    place(api, "A4", None, scheduled_at=(NOON + timedelta(days=2)).isoformat())
    api.call("POST", "/api/v1/orders/A0/cancel", "service")
    api.call("POST", "/api/v1/orders/A1/arrival", "reception")
    today = agree_today(api, "manager")
    assert [(one["modality"], one["states"]["total"]) for one in today["modalities"]] == [("CT", 3), ("MR", 2)]
    assert (today["states"]["total"], today["states"]["arrived"], today["states"]["cancelled"]) == (4, 1, 1)
    restrict(api, "MRN-A3")
    assert agree_today(api, "manager")["states"]["total"] == 3
    assert agree_today(api, "admin")["states"]["total"] == 4


LISTS = {
    "unread": "reading-list",
    "unlinked": "reconciliation",
    "quarantined": "quarantine",
    "deletions": "deletions?status=pending",
    "damaged": "dicom/studies?damaged=true",
    "critical": "reports?waits_for=communication",
}
SEEN: dict[str, dict[str, int | None]] = {
    "radiologist": {"unread": 2, "unlinked": 1, "quarantined": 0, "deletions": 0, "damaged": 1, "critical": 1},
    "technician": {"unread": None, "unlinked": 1, "quarantined": 0, "deletions": None, "damaged": 1, "critical": 1},
    "nurse": {"unread": None, "unlinked": None, "quarantined": None, "deletions": None, "damaged": 1, "critical": 1},
    "manager": {"unread": None, "unlinked": None, "quarantined": None, "deletions": 1, "damaged": 1, "critical": 1},
    "admin": {"unread": None, "unlinked": None, "quarantined": None, "deletions": 1, "damaged": 1, "critical": 1},
}


def test_what_waits_is_what_the_lists_say_to_each_of_them(api: Api) -> None:
    """And nobody is shown the number of a list that is closed to them."""
    with_images(api)
    damaged = with_images(api, "ACC-2", "MRN-2")
    gone = with_images(api, "ACC-3", "MRN-3")
    api.upload(small(StudyInstanceUID="1.2.77", PatientID="NOBODY", AccessionNumber="NONE"))
    api.services.recorder.settle()
    with api.services.database.engine.begin() as connection:
        of_study = select(Study.id).where(Study.study_instance_uid == damaged).scalar_subquery()
        mark = update(table_of(Instance)).where(Instance.study_id == of_study)
        connection.execute(mark.values(damaged_at=NOON))
    report = begin(api, order_id="ACC-2")
    critical = {"level": "minutes", "note": "told nobody yet"}
    report = save(api, report, sections=filled(report), critical=critical)
    act(api, report, "preliminary")
    requested(api, gone)
    for role, expected in SEEN.items():
        waiting = look(api, role)["waiting"]
        for name, path in LISTS.items():
            if waiting[name] is None:
                assert api.get(f"/api/v1/{path}", role).status_code == 403, (role, name)
            else:
                assert waiting[name] == total(api, path, role), (role, name)
        assert {name: waiting[name] for name in LISTS} == expected, role
    restrict(api, "MRN-2")
    waiting = look(api, "nurse")["waiting"]
    assert (waiting["damaged"], waiting["critical"]) == (0, 0), "as the lists: no word of a restricted patient"
    assert total(api, LISTS["damaged"], "nurse") == 0


def test_the_outbox_is_counted_by_destination_and_state(api: Api) -> None:
    """With the age of what has waited longest; what is of a restricted patient is left out, as in the list."""
    put(api)
    for number in range(3):
        place(api, f"A{number}")
    (queue,) = look(api, "admin")["waiting"]["outbox"]
    assert (queue["name"], queue["pending"], queue["parked"], queue["dead"]) == ("ehr", 3, 0, 0)
    assert total(api, "destinations/ehr/deliveries?state=pending", "admin") == 3
    first = api.get("/api/v1/destinations/ehr/deliveries?sort=time", "admin").json["items"][0]
    assert queue["oldest_at"] == first["time"]
    answer = api.call(
        "PUT", "/api/v1/access/restrictions/MRN-A1", "admin", json={"reason": "a colleague", "staff": ["somebody"]}
    )
    assert answer.status_code in (200, 201), answer.json
    (queue,) = look(api, "admin")["waiting"]["outbox"]
    assert queue["pending"] == total(api, "destinations/ehr/deliveries?state=pending", "admin") == 2
    assert look(api, "manager")["waiting"]["outbox"] is None


def examinations() -> list[Examined]:
    """Twelve of CT and six of MR of these days, each an hour longer than the one before; one of long ago."""
    begun = NOON - timedelta(days=3)
    made = [Examined(n, begun, signed=100 + 60 * n, preliminary=95, patient=n % 3) for n in range(12)]
    made += [
        Examined(20 + n, begun, "MR", "STAT", scheduled=90, arrived=None, signed=None if n == 5 else 120)
        for n in range(6)
    ]
    return [*made, Examined(40, begun - timedelta(days=200))]


def agree_on_times(api: Api, query: str, *roles: str) -> dict[str, Any]:
    """The turnaround, each number compared with its list."""
    api.services.results.times.forget()
    found = api.get(f"{TURNAROUND}?{query}", *roles)
    assert found.status_code == 200, found.json
    shown: dict[str, Any] = found.json
    listed = f"dashboard/turnaround/examinations?{query}"
    assert total(api, listed, *roles) == shown["examinations"]
    for leg in shown["legs"]:
        assert total(api, f"{listed}&leg={leg['leg']}", *roles) == leg["number"], leg["leg"]
        if "modality" not in query:
            for one in leg["modalities"]:
                path = f"{listed}&leg={leg['leg']}&modality={one['modality']}"
                assert total(api, path, *roles) == one["number"]
        if "priority" not in query:
            for one in leg["priorities"]:
                path = f"{listed}&leg={leg['leg']}&priority={one['priority']}"
                assert total(api, path, *roles) == one["number"]
    return shown


@pytest.mark.parametrize("query", ["days=30", "days=30&modality=CT", "days=7&priority=STAT", "days=90"])
def test_each_time_opens_the_examinations_it_was_measured_of(api: Api, query: str) -> None:
    """By modality and by priority, of 7, 30 and 90 days."""
    fill(api.services.database.engine, examinations())
    shown = agree_on_times(api, query, "manager")
    legs = {leg["leg"]: leg for leg in shown["legs"]}
    assert shown["modalities"] == ["CT", "MR"]
    if query == "days=30":
        assert shown["examinations"] == 18
        report = legs["completed_to_signed"]
        ct = next(one for one in report["modalities"] if one["modality"] == "CT")
        assert (ct["number"], ct["median_minutes"], ct["p90_minutes"]) == (12, 310.0, 610.0)
        assert legs["order_to_arrival"]["number"] == 12, "MR told nobody that its patients had come"
        mr = next(one for one in legs["appointment_to_images"]["modalities"] if one["modality"] == "MR")
        assert (mr["number"], mr["median_minutes"]) == (6, 0.0), "before the appointment is not late"
    if query == "days=7&priority=STAT":
        assert (shown["examinations"], legs["order_to_signed"]["number"]) == (6, 5)
        assert legs["preliminary_to_signed"]["number"] == 0


def test_the_slowest_stand_first_with_their_time(api: Api) -> None:
    """Page by page, and without a time the latest images first."""
    fill(api.services.database.engine, examinations())
    path = f"{TURNAROUND}/examinations?days=30&leg=completed_to_signed"
    found = api.get(f"{path}&limit=2", "manager").json
    assert [(one["accession_number"], one["minutes"]) for one in found["items"]] == [("D11", 670.0), ("D10", 610.0)]
    more = api.get(f"{path}&limit=2&offset=2", "manager").json
    assert [one["accession_number"] for one in more["items"]] == ["D9", "D8"]
    everything = api.get(f"{TURNAROUND}/examinations?days=30", "manager").json
    assert (everything["total"], everything["items"][0]["minutes"]) == (18, None)


def test_a_time_says_nothing_of_restricted_patients(api: Api) -> None:
    """Neither the number nor the list; four that are left have no median."""
    fill(api.services.database.engine, examinations())
    restrict(api, "MRN-D0")
    shown = agree_on_times(api, "days=30", "nurse")
    assert shown["examinations"] == 8
    assert agree_on_times(api, "days=30", "admin")["examinations"] == 18
    restrict(api, "MRN-D1")
    legs = {leg["leg"]: leg for leg in agree_on_times(api, "days=30", "nurse")["legs"]}
    report = legs["completed_to_signed"]
    assert (report["number"], report["median_minutes"], report["p90_minutes"]) == (4, None, None)


def test_what_was_read_is_shown_again_for_some_seconds(api: Api) -> None:
    """Ten open dashboards cost as much as one; another person's restrictions are another reading."""
    fill(api.services.database.engine, examinations())
    assert api.get(f"{TURNAROUND}?days=30", "manager").json["examinations"] == 18
    with api.services.database.engine.begin() as connection:
        connection.execute(update(table_of(Order)).where(Order.accession_number == "D0").values(status="cancelled"))
    assert api.get(f"{TURNAROUND}?days=30", "nurse").json["examinations"] == 18
    api.services.results.times.forget()
    assert api.get(f"{TURNAROUND}?days=30", "nurse").json["examinations"] == 17


def test_an_examination_is_complete_when_its_last_image_came(api: Api) -> None:
    """Not when that was noticed; a report later leaves the moment as it is, and a late image takes it back."""
    with_images(api)

    def completed_at() -> datetime | None:
        with api.services.database.read() as session:
            return session.query(Order).filter(Order.accession_number == "ACC-1").one().completed_at

    assert completed_at() is None
    later = datetime.now(UTC) + timedelta(hours=1)
    assert Completion(api.services.database, lambda: later, timedelta(minutes=5)).run() == 1
    assert completed_at() == later - timedelta(minutes=5)
    signed(api)
    assert completed_at() == later - timedelta(minutes=5)


def test_days_that_nobody_offers_are_refused(api: Api) -> None:
    """A year would be another question, and a dear one."""
    for query in ("days=365", "days=0", "days=x", "modality=ct", "priority=SOON", "leg=order_to_coffee", "q=x"):
        assert api.get(f"{TURNAROUND}/examinations?{query}", "manager").status_code == 422, query
    assert api.get(BOARD).status_code == 401
