"""Everything about a patient by date, in one list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.deletion_steps import requested
from tests.api.document_steps import OF_PATIENT, attached
from tests.api.link_steps import put_order, put_patient
from tests.support.samples import small

HERS = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}


def timeline(api: Api, query: str = "", role: str = "nurse", status: int = 200) -> dict[str, Any]:
    answer = api.get(f"/api/v1/timeline?patient=MRN-1{query}", role)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def said(api: Api, query: str = "") -> list[tuple[str, str]]:
    return [(one["kind"], one["day"]) for one in timeline(api, query)["items"]]


def a_life(api: Api) -> str:
    """Two orders, images of 2026 and of 2019, a letter of 2020 and a consent of an order; returns the older study."""
    put_patient(api, status=201)
    put_order(api, scheduled_at="2026-01-15T09:00:00Z")
    put_order(api, "ACC-2", modality="CT", scheduled_at="2030-02-01T09:00:00Z")
    assert api.upload(small(**HERS, AccessionNumber="ACC-1")).status_code == 201
    old = api.upload(small(**HERS, StudyDate="20190505", Modality="CT"), headers={"X-Patient-Id": "MRN-1"})
    attached(api, OF_PATIENT, date="2020-06-01", kind="referral", title="A letter")
    return str(old.json["studies"][0]["study_instance_uid"])


def test_all_of_a_patient_stands_in_one_list_by_date(api: Api) -> None:
    """An appointment to come, images, a letter and older images; each with the ids of what it is."""
    old = a_life(api)
    days = [one for one in said(api) if one[0] != "upload"]
    assert days == [
        ("order", "2030-02-01"),
        ("study", "2026-01-15"),
        ("order", "2026-01-15"),
        ("document", "2020-06-01"),
        ("study", "2019-05-05"),
    ]
    items = timeline(api)["items"]
    assert sum(one["kind"] == "upload" for one in items) == 2, "a letter is no upload besides"
    letter, older = (next(one for one in reversed(items) if one["kind"] == kind) for kind in ("document", "study"))
    assert (letter["title"], letter["status"], letter["document_id"] is not None) == ("A letter", "referral", True)
    assert (older["study_instance_uid"], older["modalities"], older["number_of_images"]) == (old, ["CT"], 1)


def test_it_is_narrowed_by_kind_and_modality(api: Api) -> None:
    """Only images, or only what is of CT."""
    a_life(api)
    assert [kind for kind, _ in said(api, "&kind=study,order&modality=CT")] == ["order", "study"]
    assert [kind for kind, _ in said(api, "&kind=document")] == ["document"]
    assert [kind for kind, _ in said(api, "&modality=US")] == []
    for query in ("&kind=letter", "&limit=0", "&cursor=x", "&colour=blue"):
        assert timeline(api, query, status=422)["status"] == 422
    assert api.get("/api/v1/timeline", "nurse").status_code == 422
    assert api.get("/api/v1/timeline?patient=MRN-9", "nurse").json["code"] == "patient_not_found"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_follow_each_other_without_a_gap(api: Api, limit: int) -> None:
    """Also where something is added in between; a cursor of another question is refused."""
    a_life(api)
    whole = timeline(api)["items"]
    seen, cursor = [], ""
    while True:
        page = timeline(api, f"&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert page["total"] >= len(whole)
        seen += page["items"]
        if page["next"] is None:
            break
        if not cursor:
            put_order(api, "ACC-3", scheduled_at="2031-02-01T09:00:00Z")
        cursor = page["next"]
    assert seen == whole
    assert timeline(api, f"&kind=order&cursor={cursor}", status=422)["code"] == "invalid_cursor"


def test_what_is_hidden_elsewhere_is_hidden_here(api: Api) -> None:
    """A deletion hides a study and its upload; a restriction hides the patient."""
    old = a_life(api)
    before = len(timeline(api)["items"])
    requested(api, old)
    after = timeline(api)["items"]
    assert old not in [one["study_instance_uid"] for one in after] and len(after) == before - 2
    body = {"staff": ["doctor"], "reason": "a colleague"}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body).status_code == 200
    assert timeline(api, status=403)["code"] == "patient_restricted"
    assert len(timeline(api, role="doctor")["items"]) == len(after)


def test_a_report_stands_where_it_was_issued_and_a_draft_is_for_those_who_write(api: Api) -> None:
    """Nobody else sees that something is being written."""
    put_patient(api, status=201)
    put_order(api)
    begun = api.call("POST", "/api/v1/reports", "radiologist", json={"order_id": "ACC-1"})
    assert begun.status_code == 201
    assert [one["kind"] for one in timeline(api)["items"]] == ["order"]
    items = timeline(api, role="radiologist")["items"]
    assert {(one["kind"], one["status"]) for one in items} == {("report", "draft"), ("order", "scheduled")}
    assert next(one for one in items if one["kind"] == "report")["report_id"] == begun.json["id"]
