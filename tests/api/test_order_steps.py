"""Orders of several Scheduled Procedure Steps: told, found, answered by images, completed, taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.identity_steps import take_back
from tests.api.link_steps import changes, study
from tests.api.order_steps import judged, line, place, requested
from tests.api.tag_steps import jobs, store
from tests.support.samples import small

FIRST = {"scheduled_procedure_step_id": "S-1", "modality": "CT", "scheduled_at": "2026-12-01T08:00:00.000Z"}
SECOND = {
    "scheduled_procedure_step_id": "S-2",
    "modality": "US",
    "scheduled_at": "2026-12-08T09:00:00.000Z",
    "station_ae_title": "US1",
}
THIRD = {"scheduled_procedure_step_id": "S-3", "modality": "US", "scheduled_at": None, "station_ae_title": None}
ASA = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}


def order(api: Api, number: str = "ACC-1") -> dict[str, Any]:
    return dict(api.get(f"/api/v1/orders/{number}", "doctor").json or {})


def listed(api: Api, since: str, until: str) -> list[str]:
    query = f"scheduled_from={since}T00:00:00Z&scheduled_to={until}T00:00:00Z"
    return [one["accession_number"] for one in api.get(f"/api/v1/orders?{query}", "doctor").json["items"]]


def test_steps_are_told_and_answered(api: Api) -> None:
    """More, others, fewer, none: as the last message says; the order itself says its first step."""
    told = place(api, "ACC-1", **FIRST, further_steps=[SECOND, THIRD])
    assert told.items() >= (FIRST | {"further_steps": [SECOND, THIRD]}).items()
    assert order(api)["further_steps"] == [SECOND, THIRD]
    changed = [{**THIRD, "modality": "MR"}]
    assert place(api, "ACC-1", **FIRST, further_steps=changed)["further_steps"] == changed
    assert order(api)["further_steps"] == changed
    assert place(api, "ACC-1", **FIRST)["further_steps"] == order(api)["further_steps"] == []
    fields = api.get("/api/v1/audit?action=order.updated", "admin").json["items"][0]["detail"]["fields"]
    assert fields == ["further_steps"]


@pytest.mark.parametrize(
    ("first", "further", "named"),
    [
        ("S-1", [{**SECOND, "scheduled_procedure_step_id": "s-1 "}], "two steps"),
        ("7", [{**SECOND, "scheduled_procedure_step_id": "007"}], "two steps"),
        ("S-1", [SECOND, SECOND], "two steps"),
        (None, [SECOND], "the first step"),
        ("S-1", [{"modality": "CT"}], "scheduled_procedure_step_id"),
        ("S-1", [{**SECOND, "scheduled_procedure_step_id": ""}], "scheduled_procedure_step_id"),
        ("S-1", [{**SECOND, "modality": "ct!"}], "modality"),
        ("S-1", [{**SECOND, "more": 1}], "more"),
        ("S-1", [{**SECOND, "scheduled_procedure_step_id": f"T-{number}"} for number in range(20)], "further_steps"),
    ],
)
def test_steps_that_cannot_be_told_apart_are_refused(api: Api, first: Any, further: Any, named: str) -> None:
    """In words that say what to mend; the order stays as it was."""
    place(api, "ACC-1", **FIRST)
    body = {"mrn": "MRN-1", "description": "x", **FIRST, "scheduled_procedure_step_id": first, "further_steps": further}
    answer = api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body)
    assert answer.status_code == 422
    assert named in answer.get_data(as_text=True)
    assert order(api)["further_steps"] == []


def test_an_order_is_listed_once_by_the_appointment_of_any_step(api: Api) -> None:
    """Sorted by its first one's."""
    place(api, "ACC-1", **FIRST, further_steps=[SECOND, {**THIRD, "scheduled_at": "2026-12-08T11:00:00Z"}])
    place(api, "ACC-2", modality="CT", scheduled_at="2026-12-08T10:00:00Z")
    place(api, "ACC-3", modality="CT")
    assert listed(api, "2026-12-01", "2026-12-02") == ["ACC-1"]
    assert listed(api, "2026-12-08", "2026-12-09") == ["ACC-2", "ACC-1"]
    assert listed(api, "2026-12-02", "2026-12-08") == []
    everything = api.get("/api/v1/orders", "doctor").json
    assert (everything["total"], len(everything["items"])) == (3, 3)


def test_images_of_the_second_step_answer_the_order(api: Api) -> None:
    """Named by the Request Attributes Sequence alone, or beside the accession number; it contradicts nothing."""
    placed = place(api, "ACC-1", **FIRST, further_steps=[SECOND])
    for said in ({"accession_number": "ACC-1"}, {}):
        match = judged(api, modality="US", scheduled_procedure_step_id="s-2", **said)
        assert (match["kind"], match["automatic"], match["order_id"]) == ("exact", True, placed["id"])
        assert line(match, "ScheduledProcedureStepID")["agrees"] is True
    data = small(Modality="US", AccessionNumber="", **ASA, **requested(ScheduledProcedureStepID="S-2"))
    assert api.upload(data).json["studies"][0]["match"]["order_id"] == placed["id"]


def test_the_second_step_of_another_order_contradicts(api: Api) -> None:
    """Accession number of one, step of the other: a person looks. A step that nobody told says nothing."""
    place(api, "ACC-1", **FIRST)
    place(api, "ACC-2", scheduled_procedure_step_id="T-1", further_steps=[SECOND])
    match = judged(api, accession_number="ACC-1", modality="CT", scheduled_procedure_step_id="S-2")
    assert (match["kind"], match["automatic"]) == ("ambiguous", False)
    unknown = judged(api, accession_number="ACC-1", modality="CT", scheduled_procedure_step_id="S-9")
    assert (unknown["kind"], unknown["automatic"]) == ("exact", True)


def test_a_step_that_two_orders_have_points_to_neither(api: Api) -> None:
    """As a first step of one and a second of the other; with the accession number it is one order's."""
    place(api, "ACC-1", **FIRST)
    other = place(api, "ACC-2", scheduled_procedure_step_id="T-1", further_steps=[{**SECOND, **FIRST}])
    assert judged(api, modality="CT", scheduled_procedure_step_id="S-1")["order_id"] is None
    named = judged(api, accession_number="ACC-2", modality="CT", scheduled_procedure_step_id="S-1")
    assert (named["automatic"], named["order_id"]) == (True, other["id"])


def test_images_that_wait_are_linked_when_their_step_is_told(api: Api, tmp_path: Path) -> None:
    """The order was there; the step comes later."""
    placed = place(api, "ACC-1", **FIRST)
    nobody = {"PatientID": "", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
    uid = store(api, 1, **nobody, AccessionNumber="", Modality="US", **requested(ScheduledProcedureStepID="S-2"))
    assert study(api, uid)["link_status"] == "unlinked"
    place(api, "ACC-1", **FIRST, further_steps=[SECOND])
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert (study(api, uid)["link_status"], study(api, uid)["order_id"]) == ("linked", placed["id"])


def test_an_order_is_completed_when_each_step_has_its_images(api: Api) -> None:
    """The CT alone leaves it in progress."""
    placed, uid = place(api, "ACC-1", **FIRST, further_steps=[SECOND]), generate_uid()
    headers = {"X-Order-Id": placed["id"]}
    completion = Completion(api.services.database, lambda: datetime.now(UTC) + timedelta(hours=1), timedelta())
    for modality, completed in (("CT", 0), ("US", 1)):
        data = small(StudyInstanceUID=uid, SeriesInstanceUID=generate_uid(), Modality=modality)
        assert api.upload(data, headers=headers).status_code == 201
        assert order(api)["number_of_images"]
        assert completion.run() == completed


def test_a_change_of_steps_is_taken_back_with_the_rest(api: Api) -> None:
    """With what the files carry (the referring physician), in one message; and only what it left still stands."""
    place(api, "ACC-1", **FIRST, further_steps=[SECOND], ordered_by="One")
    place(api, "ACC-1", **FIRST, further_steps=[{**SECOND, "modality": "MR"}, THIRD], ordered_by="Other")
    (change,) = changes(api, "?order_id=ACC-1")
    told = [[step["modality"] for step in change[side]["further_steps"]] for side in ("before", "after")]
    assert told == [["US"], ["MR", "US"]]
    take_back(api, change["id"])
    assert (order(api)["further_steps"], order(api)["ordered_by"]) == ([SECOND], "One")
