"""What waits for whom, in numbers, and how an open page learns that something has changed."""

from __future__ import annotations

import pytest

from ehr_bridge.db.commits import ChangeNumber
from ehr_bridge.db.database import Database
from tests.api.conftest import Api
from tests.api.day_steps import DAY, place
from tests.api.deletion_steps import requested
from tests.api.report_steps import signed, with_images
from tests.support.samples import small

TODAY = f"/api/v1/day/counts?from={DAY}00:00:00Z&to=2026-12-01T00:00:00Z"
NONE = {"unread": None, "reconciliation": None, "deletions": None, "notices": 0}


def test_the_menu_says_what_waits_today(api: Api) -> None:
    """As many as the list behind it shows: also what is overdue, emergencies whenever they are, and orders without an
    appointment; what is cancelled, done or another day's does not wait today."""
    for number, hour in enumerate((8, 9, 10)):
        place(api, f"A{number}", hour)
    place(api, "A8", None)
    api.call("POST", "/api/v1/orders/A0/cancel", "service")
    for name, day, priority in (("LATE", "2026-11-28", "ROUTINE"), ("OLD", "2026-11-01", "LOW"),
                                  ("NEXT", "2026-12-02", "LOW"), ("STAT", "2026-12-02", "STAT")):  # fmt: skip
        place(api, name, None, priority=priority, scheduled_at=f"{day}T08:00:00Z")
    assert api.get(TODAY, "nurse").json == {"orders": 6, **NONE}, "OLD was not done either"
    listed = "/api/v1/orders?status=scheduled,arrived&from=2026-11-27T00:00:00Z&to=2026-12-01T00:00:00Z&sort=urgency"
    due = api.get(f"{listed}&also=emergencies,unscheduled", "nurse").json
    assert [one["accession_number"] for one in due["items"]] == ["STAT", "LATE", "A1", "A2", "A8"]
    assert api.get(listed, "nurse").json["total"] == 3
    until = "/api/v1/orders?status=scheduled,arrived&to=2026-12-01T00:00:00Z&also=emergencies,unscheduled"
    assert api.get(until, "nurse").json["total"] == 6, "the line above the list says the difference"
    assert api.get(f"{until}&modality=MR", "nurse").json["total"] == 0
    unscheduled = api.get(f"{listed}&also=unscheduled&modality=CT", "nurse").json
    assert [one["accession_number"] for one in unscheduled["items"]] == ["LATE", "A1", "A2", "A8"]
    assert api.get(f"{listed}&also=emergencies&modality=MR", "nurse").json["total"] == 0


def test_each_sees_what_waits_for_them(api: Api) -> None:
    """Unread for those who report, uncertain links for those who decide them, deletions for those who approve."""
    uid = with_images(api)
    api.upload(small(StudyInstanceUID="1.2.77", PatientID="NOBODY", AccessionNumber="NONE"))
    assert api.get(TODAY, "radiologist").json == {
        "orders": 0,
        "unread": 1,
        "reconciliation": 1,
        "deletions": None,
        "notices": 0,
    }
    assert api.get(TODAY, "manager").json == {"orders": 0, **NONE, "deletions": 0}
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    api.call("PUT", "/api/v1/patients/MRN-3", "service", json={"family_name": "Berg"})
    api.upload(small(), headers={"X-Patient-Id": "MRN-3"})
    waiting = api.get("/api/v1/reading-list", "radiologist").json["total"]
    assert (api.get(TODAY, "radiologist").json["unread"], waiting) == (2, 2), "nobody has ordered them"
    signed(api, study_instance_uid=uid)
    assert api.get(TODAY, "radiologist").json["unread"] == 1
    requested(api, uid)
    assert api.get(TODAY, "manager").json["deletions"] == 1


def test_restricted_patients_are_not_counted(api: Api) -> None:
    place(api, "A1")
    place(api, "A2")
    body = {"reason": "a colleague", "staff": ["admin"]}
    answer = api.call("PUT", "/api/v1/access/restrictions/MRN-A1", "admin", json=body)
    assert answer.status_code in (200, 201), answer.json
    assert api.get(TODAY, "nurse").json["orders"] == 1


@pytest.mark.parametrize("query", ["", f"?from={DAY}00:00:00Z", f"?from={DAY}00:00:00Z&to=2027-01-01T00:00:00Z"])
def test_numbers_are_of_one_day(api: Api, query: str) -> None:
    """A year would be another question, and a dear one."""
    assert api.get(f"/api/v1/day/counts{query}", "nurse").status_code == 422


def test_the_change_number_is_another_one_as_soon_as_somebody_has_committed(api: Api, database: Database) -> None:
    """And else 304, of which nothing is read from the database."""
    database.change.look()
    first = api.get("/api/v1/day/change", "nurse")
    again = {"If-None-Match": first.headers["ETag"]}
    assert api.get("/api/v1/day/change", "nurse", headers=again).status_code == 304
    api.place_order()
    database.change.look()
    changed = api.get("/api/v1/day/change", "nurse", headers=again)
    assert (changed.status_code, changed.json != first.json) == (200, True)


def test_a_look_at_an_unchanged_database_changes_no_number() -> None:
    """Else every open page would read its lists at every look. The states are given: others use the server of the tests
    too, and it cleans up when it likes."""
    states = iter(["a", "a", "b"])
    number = ChangeNumber(lambda: next(states))
    said = [(number.look(), number.value)[1] for _ in range(3)]
    assert said[0] == said[1] != said[2]


def test_two_nodes_never_say_the_same(database: Database, database_url: str) -> None:
    """So whoever is sent from one to the other looks again."""
    other = Database(database_url)
    database.change.look()
    other.change.look()
    assert database.change.value != other.change.value
    other.dispose()
