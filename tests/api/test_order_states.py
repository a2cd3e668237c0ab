"""How far an order is: what the EHR and people say of it, beside what its images cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.link_steps import link, unlink
from tests.api.tag_steps import jobs, undo
from tests.support.samples import small


def tell(api: Api, said: str | None = None, accession: str = "ACC-1", **fields: Any) -> Any:
    """The EHR's upsert of the order, with a state or without."""
    body = {"mrn": "MRN-1", "modality": "MR", "description": "MR brain", "ordered_by": "Ekström^Maria"} | fields
    return api.call("PUT", f"/api/v1/orders/{accession}", "service", json=body | ({"status": said} if said else {}))


def arrival(api: Api, method: str = "POST", role: str = "technician") -> Any:
    return api.call(method, "/api/v1/orders/ACC-1/arrival", role)


def status(api: Api) -> str:
    return str(api.get("/api/v1/orders/ACC-1", "nurse").json["status"])


def said_of_it(api: Api) -> list[tuple[str, str, str, str]]:
    """The moves of the order in the audit trail, oldest first: action, who, before, after."""
    events = api.get("/api/v1/audit?limit=500", "admin").json["items"]
    moves = [e for e in reversed(events) if e["action"].startswith("order.") and "before" in e["detail"]]
    return [(e["action"], e["actor"], e["detail"]["before"], e["detail"]["after"]) for e in moves]


def send(api: Api, **values: Any) -> str:
    uid = str(generate_uid())
    headers = {"X-Accession-Number": "ACC-1"}
    assert api.upload(small(StudyInstanceUID=uid, **values), headers=headers).status_code == 201
    return uid


def quiet(api: Api) -> None:
    """An hour goes by in which no image comes."""
    Completion(api.services.database, lambda: datetime.now(UTC) + timedelta(hours=1), timedelta(seconds=60)).run()


def test_an_order_goes_all_the_way(api: Api) -> None:
    """The patient comes, images come, all have come, the report is written; each step is in the audit trail."""
    api.place_order()
    order = tell(api, "arrived").json
    assert (order["status"], order["arrived_at"] is not None) == ("arrived", True)
    send(api)
    assert status(api) == "in_progress"
    quiet(api)
    assert status(api) == "completed"
    assert tell(api, "reported").json["status"] == "reported"
    assert said_of_it(api) == [
        ("order.arrived", "service", "scheduled", "arrived"),
        ("order.completed", "ehr-bridge", "in_progress", "completed"),
        ("order.reported", "service", "completed", "reported"),
    ]


def test_an_ehr_that_repeats_itself_takes_nothing_back(api: Api) -> None:
    """Every state that lies behind the present one, said again, changes nothing and writes nothing down."""
    api.place_order()
    tell(api, "arrived")
    send(api)
    for present in ("in_progress", "completed"):
        for said in ("scheduled", "arrived", None):
            answer = tell(api, said)
            assert (answer.status_code, answer.json["status"]) == (200, present)
        quiet(api)
    assert tell(api, "completed").json["status"] == "completed"
    tell(api, "reported")
    for said in ("scheduled", "arrived", "reported", None):
        assert tell(api, said).json["status"] == "reported"
    assert [move[0] for move in said_of_it(api)] == ["order.arrived", "order.completed", "order.reported"]


def test_a_report_is_withdrawn_and_written_again(api: Api) -> None:
    """The only step back that the EHR can say."""
    api.place_order()
    tell(api, "reported")
    assert tell(api, "completed").json["status"] == "completed"
    assert tell(api, "reported").json["status"] == "reported"
    assert [move[0] for move in said_of_it(api)] == ["order.reported", "order.report_withdrawn", "order.reported"]


def test_images_of_a_reported_order_leave_it_reported(api: Api) -> None:
    """Orders of former years are told first, their images come later."""
    assert api.place_order()["status"] == "scheduled"
    tell(api, "reported")
    uid = send(api)
    quiet(api)
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["status"], order["study_instance_uid"], order["number_of_images"]) == ("reported", uid, 1)


def test_a_cancelled_order_hears_nothing_more(api: Api) -> None:
    """409, and nothing of that message is taken; without a state the order is still corrected."""
    api.place_order()
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    for said in ("scheduled", "arrived", "completed", "reported"):
        answer = tell(api, said, description="another text")
        assert (answer.status_code, answer.json["code"]) == (409, "order_state")
    assert api.get("/api/v1/orders/ACC-1", "nurse").json["description"] == "MR brain"
    for method in ("POST", "DELETE"):
        assert arrival(api, method).json["code"] == "order_state"
    assert tell(api, description="another text").json["description"] == "another text"
    assert status(api) == "cancelled"


@pytest.mark.parametrize("said", ["in_progress", "cancelled", "finished", ""])
def test_what_images_cause_cannot_be_said(api: Api, said: str) -> None:
    """Nor what has a route of its own; the answer names the field, and no order is placed."""
    api.place_order()
    answer = api.call(
        "PUT",
        "/api/v1/orders/ACC-2",
        "service",
        json={"mrn": "MRN-1", "modality": "MR", "description": "x", "status": said},
    )
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "status")
    assert api.get("/api/v1/orders", "nurse").json["total"] == 1


def test_a_new_order_may_begin_anywhere(api: Api) -> None:
    """A patient who walked in is there when the order is placed."""
    api.place_order()
    answer = tell(api, "arrived", "ACC-2")
    assert (answer.status_code, answer.json["status"]) == (201, "arrived")


def test_a_technician_says_that_the_patient_is_there(api: Api) -> None:
    """And takes that back; saying it twice is no error, and once images have come it stays."""
    api.place_order()
    for _ in range(2):
        assert arrival(api).json["status"] == "arrived"
    for _ in range(2):
        order = arrival(api, "DELETE").json
        assert (order["status"], order["arrived_at"]) == ("scheduled", None)
    assert arrival(api, role="service").json["status"] == "arrived"
    assert [move[:2] for move in said_of_it(api)] == [
        ("order.arrived", "technician"),
        ("order.arrival_withdrawn", "technician"),
        ("order.arrived", "service"),
    ]
    send(api)
    assert arrival(api).json["status"] == "in_progress"
    assert (arrival(api, "DELETE").status_code, status(api)) == (409, "in_progress")
    assert arrival(api, role="nurse").status_code == 403


def test_several_states_are_listed_at_once(api: Api) -> None:
    """Whom to expect and who is there."""
    for accession, said in (("ACC-1", None), ("ACC-2", "arrived"), ("ACC-3", "reported")):
        api.place_order(accession)
        tell(api, said, accession)

    def listed(states: str) -> list[str]:
        items = api.get(f"/api/v1/orders?status={states}", "nurse").json["items"]
        return [order["accession_number"] for order in items]

    assert listed("scheduled,arrived") == listed("arrived%2Cscheduled") == ["ACC-2", "ACC-1"]
    assert listed("reported") == ["ACC-3"]
    assert listed("") == ["ACC-3", "ACC-2", "ACC-1"]
    for wrong in ("scheduled,", ",", "scheduled,done", "scheduled%20arrived"):
        assert api.get(f"/api/v1/orders?status={wrong}", "nurse").status_code == 422, wrong


def test_an_order_that_loses_its_images_waits_with_its_patient(api: Api, tmp_path: Path) -> None:
    """The patient is still there; taking links back and forth ends where it was, as far as nobody said otherwise."""
    api.place_order()
    arrival(api)
    uid = send(api)
    taken_away = unlink(api, uid)["id"]
    jobs(api, tmp_path).run()
    assert status(api) == "arrived"
    arrival(api, "DELETE")
    linked = link(api, uid, order_id="ACC-1")["id"]
    jobs(api, tmp_path).run()
    assert status(api) == "in_progress"
    for job_id, expected in ((linked, "scheduled"), (taken_away, "in_progress")):
        undo(api, job_id)
        jobs(api, tmp_path).run()
        assert status(api) == expected


def test_taking_a_link_back_leaves_what_was_said_of_the_report(api: Api, tmp_path: Path) -> None:
    """A report that was withdrawn meanwhile does not come back, one that was written meanwhile stays."""
    api.place_order()
    uid = send(api)
    tell(api, "reported")
    taken_away = unlink(api, uid)["id"]
    jobs(api, tmp_path).run()
    assert status(api) == "reported"
    tell(api, "completed")
    undo(api, taken_away)
    jobs(api, tmp_path).run()
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["status"], order["study_instance_uid"]) == ("completed", uid)
    tell(api, "reported")
    unlink(api, uid)
    jobs(api, tmp_path).run()
    assert status(api) == "reported"


def test_an_order_called_completed_still_counts_among_the_open_ones(api: Api) -> None:
    """Two orders of one day, one said to be done: a study without a number is not given to the other one."""
    moment = "2020-01-15T09:00:00Z"
    api.place_order("ACC-1")
    for accession, said in (("ACC-1", "completed"), ("ACC-2", None)):
        assert tell(api, said, accession, scheduled_at=moment).status_code in (200, 201)
    answer = api.upload(small(PatientID="MRN-1", PatientName="Lindqvist^Åsa", AccessionNumber="", StudyDate="20200115"))
    match = answer.json["studies"][0]["match"]
    assert (match["order_id"], match["kind"] in ("ambiguous", "probable", "exact")) == (None, True), match
