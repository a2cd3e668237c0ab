"""Partial upserts: what is left out stays, null erases; all else is as if the whole had been sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.link_steps import audited, put_order, put_patient
from tests.support.client import Answer

PATIENT, ORDER = "/api/v1/patients/MRN-1", "/api/v1/orders/ACC-1"


def patch(api: Api, path: str, body: dict[str, Any], **options: Any) -> Answer:
    return api.call("POST", f"{path}/patch", "service", json=body, **options)


def test_what_is_not_known_is_not_erased(api: Api) -> None:
    """A field that is left out stays; null erases it; saying the same twice changes nothing."""
    put_patient(api, status=201, middle_name="Maria", prefix="Dr.")
    before = api.get(PATIENT, "service").json
    answer = patch(api, PATIENT, {"family_name": "Ek", "prefix": None})
    assert answer.status_code == 200
    changed = {"family_name": "Ek", "prefix": None, "updated_at": answer.json["updated_at"]}
    assert answer.json == before | changed and answer.headers["ETag"] == api.get(PATIENT, "service").headers["ETag"]
    events = audited(api)
    assert patch(api, PATIENT, {"family_name": "Ek"}).json == answer.json
    assert patch(api, PATIENT, {}).json == answer.json and audited(api) == events
    made = patch(api, "/api/v1/patients/MRN-9", {"sex": "female"})
    assert (made.status_code, made.json["sex"], made.json["family_name"]) == (201, "female", None)


def test_an_order_is_changed_in_parts(api: Api) -> None:
    """Its patient, steps, state and ids stay, also those for which the accession number stands."""
    put_patient(api, status=201)
    steps = [{"scheduled_procedure_step_id": "S2", "modality": "US", "scheduled_at": "2026-02-01T08:00:00.123456Z"}]
    whole = {
        "scheduled_procedure_step_id": "S1",
        "scheduled_at": "2026-01-31T09:00:00.000001+01:00",
        "priority": "STAT",
    }
    put_order(api, **whole, further_steps=steps, laterality="L", status="arrived")
    before = api.get(ORDER, "service").json
    answer = patch(api, ORDER, {"description": "MR knee", "laterality": None})
    assert answer.status_code == 200, answer.json
    changed = {"description": "MR knee", "laterality": None, "updated_at": answer.json["updated_at"]}
    assert answer.json == before | changed
    (event,) = api.get("/api/v1/audit?action=order.updated", "admin").json["items"]
    assert sorted(event["detail"]["fields"]) == ["description", "laterality"]
    put_patient(api, "MRN-2", 201)
    assert patch(api, ORDER, {"mrn": "MRN-2", "status": "completed"}).json["mrn"] == "MRN-2"
    made = {"mrn": "MRN-2", "modality": "CT", "description": "CT chest"}
    assert patch(api, "/api/v1/orders/ACC-2", made).status_code == 201


def test_an_order_told_under_a_merged_number_is_found_when_the_merge_is_taken_back(api: Api) -> None:
    """A patch that does not name the patient leaves whom the EHR named."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-1", "MRN-2")
    api.call("POST", "/api/v1/patients/MRN-2/merge", "service", json={"into": "MRN-1", "reason": "one person"})
    assert patch(api, ORDER, {"description": "MR knee"}).json["mrn"] == "MRN-1"
    api.call("POST", "/api/v1/patients/MRN-2/unmerge", "service", json={"reason": "two persons"})
    assert api.get(ORDER, "service").json["mrn"] == "MRN-2"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (PATIENT, {"colour": "blue"}, "colour"),
        (PATIENT, {"birth_date": "1984"}, "birth_date"),
        (PATIENT, {"suffix": "x" * 60}, "suffix"),  # the whole name is too long, with what is known
        (PATIENT, {"mrn": "MRN-1"}, "mrn"),
        (PATIENT, {"issuer": 5}, "issuer"),
        (ORDER, {"further_steps": [{"scheduled_procedure_step_id": "S2", "modality": "US"}]}, "body"),
        (ORDER, {"description": None}, "description"),
        (ORDER, {"accession_number": "ACC-1"}, "accession_number"),
        ("/api/v1/orders/ACC-9", {"description": "MR"}, "mrn"),
    ],
)
def test_the_whole_is_judged_like_one_that_was_sent(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    """Unknown and malformed fields, and parts that do not go with what is known: 422, and nothing is changed."""
    put_patient(api, status=201)
    put_order(api)
    before = [api.get(each, "service").json for each in (PATIENT, ORDER)]
    answer = patch(api, path, body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request"), answer.json
    assert field in [error["field"] for error in answer.json["errors"]]
    assert [api.get(each, "service").json for each in (PATIENT, ORDER)] == before


def test_conditions_and_moments_hold_for_parts_too(api: Api) -> None:
    """412 for who has not seen it, 409 for an older truth."""
    put_patient(api, status=201)
    assert patch(api, PATIENT, {"family_name": "Ek"}, headers={"If-Match": '"old"'}).status_code == 412
    assert patch(api, PATIENT, {"family_name": "Ek"}, headers={"If-None-Match": "*"}).json["code"] == "already_exists"
    assert patch(api, PATIENT, {"family_name": "Ek", "as_of": "2026-01-15T08:30:00Z"}).status_code == 200
    late = patch(api, PATIENT, {"given_name": "Eva", "as_of": "2026-01-15T08:29:00Z"})
    assert (late.status_code, late.json["code"]) == (409, "stale")
