"""Idempotency-Key: a request that is sent again has no second effect, and hears the first answer."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from ehr_bridge.db.tables.accounts import GivenAnswer
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services.accounts.given_answers import GivenAnswers
from tests.api.conftest import Api
from tests.api.link_steps import audited, put_order, put_patient
from tests.support.client import Answer
from tests.support.racing import race
from tests.support.samples import small

HERS = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
MERGE, TOKEN = "/api/v1/patients/MRN-2/merge", "/api/v1/dicom/viewer-token"
INTO = {"into": "MRN-1", "reason": "one person"}


def ask(api: Api, method: str, path: str, role: str, key: str, **options: Any) -> Answer:
    headers = options.pop("headers", {}) | {"Idempotency-Key": key}
    return api.call(method, path, role, headers=headers, **options)


def again(api: Api, method: str, path: str, role: str, **options: Any) -> Answer:
    """Asked twice under one key: the first answer. The second is the same, and nothing was done for it."""
    key = str(uuid.uuid4())
    first = ask(api, method, path, role, key, **dict(options))
    events = audited(api)
    second = ask(api, method, path, role, key, **dict(options))
    assert first.status_code < 300, first.json
    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert second.headers.get("Location") == first.headers.get("Location")
    assert second.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert audited(api) == events
    return first


def two_records(api: Api) -> None:
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201)


def test_each_of_these_routes_hears_its_first_answer(api: Api) -> None:
    """Merging, taking it back, linking, a viewer token and the request for deletion."""
    two_records(api)
    put_order(api)
    again(api, "POST", MERGE, "service", json=INTO)
    again(api, "POST", "/api/v1/patients/MRN-2/unmerge", "service", json={"reason": "two"})
    linked = api.upload(small(**HERS, AccessionNumber="ACC-1")).json["studies"][0]["study_instance_uid"]
    minted = again(api, "POST", TOKEN, "doctor", json={"study_instance_uids": [linked]})
    assert minted.status_code == 201
    with api.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ViewerToken)) == 1
        stored = b"".join(session.scalars(select(GivenAnswer.sealed)))
    assert minted.json["token"].encode() not in stored and b"token" not in stored and b"MRN-" not in stored
    waiting = api.upload(small()).json["studies"][0]["study_instance_uid"]
    page = f"/api/v1/reconciliation/{waiting}"
    again(api, "POST", f"{page}/create-order", "radiologist", json={"patient_id": "MRN-1", "reason": "a CD"})
    again(api, "POST", f"/api/v1/reconciliation/{linked}/unlink", "radiologist", json={"reason": "no"})
    unknown = api.upload(small(PatientID="CD-1")).json["studies"][0]["study_instance_uid"]
    body = {"patient": {"family_name": "Berg"}, "reason": "a CD"}
    again(api, "POST", f"/api/v1/reconciliation/{unknown}/create-patient", "technician", json=body)
    third = api.upload(small()).json["studies"][0]["study_instance_uid"]
    body = {"patient_id": "MRN-1", "reason": "hers"}
    again(api, "POST", f"/api/v1/reconciliation/{third}/link", "radiologist", json=body)
    fourth = api.upload(small()).json["studies"][0]["study_instance_uid"]
    again(api, "DELETE", f"/api/v1/dicom/studies/{fourth}", "radiologist", headers={"X-Reason": "a copy"})


def test_a_key_stands_for_one_request_of_one_caller(api: Api) -> None:
    """However its JSON is written; another body or path is 422, another caller is asked anew."""
    two_records(api)
    assert ask(api, "POST", MERGE, "service", "k", json=INTO).status_code == 202
    written = '{ "reason": "one person",\n "into": "MRN-1" }'
    same = ask(api, "POST", MERGE, "service", "k", data=written, content_type="application/json")
    assert same.status_code == 202
    other = ask(api, "POST", MERGE, "service", "k", json=INTO | {"reason": "else"})
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    other = ask(api, "POST", "/api/v1/patients/MRN-2/unmerge", "service", "k", json={"reason": "two"})
    assert other.json["code"] == "idempotency_key_reused"
    headers = {"Idempotency-Key": "k"}
    others = api.call("POST", MERGE, "admin", "service", json=INTO, headers=headers)  # its subject is another
    assert (others.status_code, others.json["code"]) == (409, "patient_merged")
    for wrong in ("", "a b", "é", "x" * 256):
        answer = ask(api, "POST", MERGE, "service", wrong, json=INTO)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key"), wrong


def test_a_refusal_is_not_kept(api: Api) -> None:
    """It has changed nothing; when its cause is gone, the same request under the same key is done."""
    put_patient(api, status=201)
    assert ask(api, "POST", MERGE, "service", "k", json=INTO).json["code"] == "patient_not_found"
    put_patient(api, "MRN-2", 201)
    assert ask(api, "POST", MERGE, "service", "k", json=INTO).status_code == 202


def test_what_was_done_is_not_judged_again(api: Api) -> None:
    """A retry carries the ETag of before, which its own first try has made an old one."""
    two_records(api)
    headers = {"If-Match": api.get("/api/v1/patients/MRN-2", "service").headers["ETag"]}
    first = ask(api, "POST", MERGE, "service", "k", json=INTO, headers=headers)
    second = ask(api, "POST", MERGE, "service", "k", json=INTO, headers=headers)
    assert (second.status_code, second.json) == (202, first.json)


def test_the_fact_and_its_answer_are_kept_together_or_not_at_all(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What dies between the two leaves neither: the retry does it."""
    two_records(api)

    def dies(*_arguments: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr(GivenAnswers, "keep", dies)
        assert ask(api, "POST", MERGE, "service", "k", json=INTO).status_code == 500
    assert api.get("/api/v1/patients/MRN-2", "service").json["merged_into_id"] is None
    assert "patient.merged" not in audited(api)
    assert ask(api, "POST", MERGE, "service", "k", json=INTO).status_code == 202


def test_six_at_once_hear_one_answer(api: Api) -> None:
    """Of one request that a proxy sent six times: one effect."""
    two_records(api)
    heard = race([("merge", lambda: ask(api, "POST", MERGE, "service", "k", json=INTO))] * 6)
    assert {each.status for each in heard} == {202}
    assert len({each.body["id"] for each in heard}) == 1


def test_an_answer_is_kept_for_a_day_and_under_this_secret(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the key may be used for something else; with another secret what was done is not done again."""
    two_records(api)
    assert ask(api, "POST", MERGE, "service", "k", json=INTO).status_code == 202
    with monkeypatch.context() as patched:
        patched.setattr(api.services.given_answers, "_secret", SharedSecret("another secret of thirty-two bytes"))
        lost = ask(api, "POST", MERGE, "service", "k", json=INTO)
    assert (lost.status_code, lost.json["code"]) == (409, "answer_lost")
    with api.services.database.write() as session:
        for row in session.scalars(select(GivenAnswer)):
            row.given_at -= timedelta(hours=24)
    body = {"reason": "two persons"}
    assert ask(api, "POST", "/api/v1/patients/MRN-2/unmerge", "service", "k", json=body).status_code == 202
    with api.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(GivenAnswer)) == 1
