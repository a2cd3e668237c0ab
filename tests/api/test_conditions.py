"""No lost update: what an ETag stands for, and that every write route honours If-Match or refuses it."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.api.http.access import ACCESS, VIEWER
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import Conflict
from tests.api.access_steps import concrete
from tests.api.conftest import Api
from tests.api.link_steps import audited, put_order, put_patient, study
from tests.api.tag_steps import jobs
from tests.support.samples import small

PATIENT, ORDER = "/api/v1/patients/MRN-1", "/api/v1/orders/ACC-1"
PERSON = {"family_name": "Lindqvist", "given_name": "Åsa"}
LINDQVIST = PERSON | {"birth_date": "1961-03-14", "sex": "female"}
HERS = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
HERS |= {"AccessionNumber": "ACC-1"}
EVERY_ROLE = tuple(ROLE_PERMISSIONS)
HONOURING = {
    ("PUT", "/api/v1/patients/{patient}"),
    ("POST", "/api/v1/patients/{patient}/patch"),
    ("POST", "/api/v1/orders/{order}/patch"),
    ("POST", "/api/v1/patients/{patient}/merge"),
    ("POST", "/api/v1/patients/{patient}/unmerge"),
    ("PUT", "/api/v1/orders/{order}"),
    ("POST", "/api/v1/orders/{order}/cancel"),
    ("POST", "/api/v1/orders/{order}/arrival"),
    ("DELETE", "/api/v1/orders/{order}/arrival"),
    ("POST", "/api/v1/orders/{order}/assignment"),
    ("PUT", "/api/v1/day/views/{view_id}"),
    ("DELETE", "/api/v1/day/views/{view_id}"),
    ("PUT", "/api/v1/day/choices"),
    ("DELETE", "/api/v1/orders/{order}/assignment"),
    ("POST", "/api/v1/orders/{order}/accession-number"),
    ("DELETE", "/api/v1/dicom/studies/{study_uid}"),
    ("POST", "/api/v1/dicom/studies/{study_uid}/hold"),
    ("DELETE", "/api/v1/dicom/studies/{study_uid}/hold"),
    ("POST", "/api/v1/dicom/modify-tags"),
    ("POST", "/api/v1/reconciliation/{study_uid}/link"),
    ("POST", "/api/v1/reconciliation/{study_uid}/unlink"),
    ("POST", "/api/v1/reconciliation/{study_uid}/split"),
    ("POST", "/api/v1/reconciliation/{study_uid}/create-order"),
    ("POST", "/api/v1/reconciliation/{study_uid}/create-patient"),
    ("PUT", "/api/v1/accounts/{username}"),
    ("POST", "/api/v1/accounts/{username}/password"),
    ("PUT", "/api/v1/modalities/{ae_title}"),
    ("DELETE", "/api/v1/modalities/{ae_title}"),
    ("PUT", "/api/v1/destinations/{name}"),
    ("DELETE", "/api/v1/destinations/{name}"),
    ("PUT", "/api/v1/reports/{report_id}"),
    ("POST", "/api/v1/reports/{report_id}/claim"),
    ("POST", "/api/v1/reports/{report_id}/release"),
    ("POST", "/api/v1/reports/{report_id}/discard"),
    ("POST", "/api/v1/reports/{report_id}/preliminary"),
    ("POST", "/api/v1/reports/{report_id}/sign"),
    ("POST", "/api/v1/reports/{report_id}/amend"),
    ("POST", "/api/v1/reports/{report_id}/withdraw"),
    ("POST", "/api/v1/reports/{report_id}/keep"),
    ("PUT", "/api/v1/report-templates/{name}"),
    ("DELETE", "/api/v1/report-templates/{name}"),
    ("PUT", "/api/v1/report-macros/{name}"),
    ("DELETE", "/api/v1/report-macros/{name}"),
}
"""Every write of a patient, an order, a study, an account, a modality, a destination or a report."""


def tag(api: Api, path: str, *roles: str) -> str:
    answer = api.get(path, *(roles or ("admin",)))
    assert answer.status_code == 200, answer.json
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["ETag"])
    return answer.headers["ETag"]


def if_match(value: str) -> dict[str, Any]:
    return {"headers": {"If-Match": value}}


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
def test_every_write_route_honours_a_condition_or_refuses_it(api: Api, header: str) -> None:
    """Nothing ignores what a caller depends on. A date is honoured nowhere."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    minted = api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json={"study_instance_uids": [uid]}).json
    refusing = set()
    for (method, path), need in ACCESS.items():
        if method != "GET":
            options: dict[str, Any] = {"json": {}, "headers": {header: '"of-something-else"'}}
            options |= {"token": minted["token"]} if need == VIEWER else {}
            answer = api.call(method, concrete(path), *EVERY_ROLE, **options)
            if (answer.json or {}).get("code") == "condition_not_supported":
                refusing.add((method, path))
    writing = {(method, path) for method, path in ACCESS if method != "GET"}
    assert refusing == (writing if header == "If-Unmodified-Since" else writing - HONOURING)


def test_a_raw_upload_with_a_condition_is_refused_too(api: Api) -> None:
    """It takes a short way of its own."""
    answer = api.upload(small(), headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (422, "condition_not_supported")


def test_what_is_shown_has_a_tag_that_changes_with_it(api: Api, tmp_path: Path) -> None:
    """The same in the answer to a write as in the one to a read; another as soon as anything shown is another."""
    put_patient(api, status=201)
    put = api.call("PUT", PATIENT, "service", json=LINDQVIST | {"prefix": "Dr."})
    assert put.headers["ETag"] == tag(api, PATIENT)
    placed = put_order(api)
    seen = [tag(api, ORDER)]
    assert api.call("PUT", ORDER, "service", json=_order(placed)).headers["ETag"] == seen[0]  # nothing new
    arrived = api.call("POST", f"{ORDER}/arrival", "technician")
    assert arrived.headers["ETag"] == tag(api, ORDER)
    seen.append(tag(api, ORDER))
    put_patient(api, middle_name="Maria")
    seen.append(tag(api, ORDER))  # it shows the name of its patient
    uid = api.upload(small(**HERS)).json["studies"][0]["study_instance_uid"]
    seen.append(tag(api, ORDER))  # and its images
    path = f"/api/v1/dicom/studies/{uid}"
    assert study(api, uid)["link_status"] == "linked"
    of_study = [tag(api, path)]
    body = {"reason": "not hers"}
    api.call("POST", f"/api/v1/reconciliation/{uid}/unlink", "radiologist", json=body)
    jobs(api, tmp_path).run()
    of_study.append(tag(api, path))
    put_patient(api, "MRN-2", 201)
    before = tag(api, PATIENT)
    api.call("POST", f"{PATIENT}/merge", "service", json={"into": "MRN-2", "reason": "one person"})
    assert tag(api, PATIENT) != before
    assert len(set(seen)) == len(seen) and len(set(of_study)) == 2


def _order(placed: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = ("mrn", "modality", "description", "scheduled_at", "ordered_by")
    return {name: placed[name] for name in told} | more


def test_who_has_not_seen_the_present_state_changes_nothing(api: Api) -> None:
    """412 with the present tag, with which the change is made after another look."""
    put_patient(api, status=201)
    seen = tag(api, PATIENT)
    first = api.call("PUT", PATIENT, "service", json=PERSON | {"given_name": "Anna"}, **if_match(seen))
    assert first.status_code == 200
    events = len(audited(api))
    late = api.call("PUT", PATIENT, "service", json=PERSON | {"given_name": "Berit"}, **if_match(seen))
    assert (late.status_code, late.json["code"]) == (412, "version_changed")
    assert "Read it again" in late.json["detail"]
    assert late.json["etag"] == late.headers["ETag"] == first.headers["ETag"] == tag(api, PATIENT)
    assert api.get(PATIENT, "nurse").json["given_name"] == "Anna" and len(audited(api)) == events
    several = f'"other", {late.json["etag"]}'
    again = api.call("PUT", PATIENT, "service", json=PERSON | {"given_name": "Berit"}, **if_match(several))
    assert (again.status_code, again.json["given_name"]) == (200, "Berit")
    for never in (f"W/{again.headers['ETag']}", "", '""', "?"):
        assert api.call("PUT", PATIENT, "service", json=PERSON, **if_match(never)).status_code == 412, never


@pytest.mark.parametrize(("path", "body"), [(PATIENT, PERSON), (ORDER, {"modality": "MR", "description": "MR brain"})])
def test_a_number_is_only_created_or_only_changed_on_demand(api: Api, path: str, body: dict[str, Any]) -> None:
    """If-None-Match: * creates, If-Match: * changes."""
    if path == ORDER:
        put_patient(api, status=201)
        body = body | {"mrn": "MRN-1"}
    answer = api.call("PUT", path, "service", json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (412, "version_changed")
    assert api.call("PUT", path, "service", json=body, headers={"If-None-Match": "*"}).status_code == 201
    answer = api.call("PUT", path, "service", json=body, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (412, "already_exists")
    assert answer.json["etag"] == tag(api, path)
    assert api.call("PUT", path, "service", json=body, headers={"If-Match": "*"}).status_code == 200


def test_who_has_it_already_is_sent_nothing(api: Api) -> None:
    """304, also for a weak tag (RFC 9110 section 13.1.2)."""
    put_patient(api, status=201)
    seen = tag(api, PATIENT)
    for header in (seen, f"W/{seen}", f'"x", {seen}', "*"):
        answer = api.get(PATIENT, "nurse", headers={"If-None-Match": header})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", seen), header
    put_patient(api, given_name="Anna")
    assert api.get(PATIENT, "nurse", headers={"If-None-Match": seen}).status_code == 200


def test_orders_and_accounts_are_changed_by_who_saw_them(api: Api) -> None:
    """Each of the routes that honour a condition, with an old tag and with the present one."""
    put_patient(api, status=201)
    put_order(api)
    old = tag(api, ORDER)
    api.call("POST", f"{ORDER}/arrival", "technician")
    new_number = {"accession_number": "ACC-2", "reason": "a slip"}
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("DELETE", f"{ORDER}/arrival", {}),
        ("POST", f"{ORDER}/arrival", {}),
        ("POST", f"{ORDER}/accession-number", {"json": new_number}),
        ("POST", "/api/v1/orders/ACC-2/cancel", {}),
    ]
    for method, path, options in writes:
        assert api.call(method, path, "service", "technician", **options, **if_match(old)).status_code == 412, path
        present = tag(api, path.rsplit("/", 1)[0])
        answer = api.call(method, path, "service", "technician", **options, **if_match(present))
        assert answer.status_code in (200, 202), (path, answer.json)
    account = {"username": "eva", "full_name": "Eva", "roles": ["doctor"], "password": "one long password"}
    made = api.call("POST", "/api/v1/accounts", "admin", json=account)
    path, body = "/api/v1/accounts/eva", {"full_name": "Eva M", "roles": ["nurse"]}
    assert made.headers["ETag"] == tag(api, path)
    changed = api.call("PUT", path, "admin", json=body, **if_match(made.headers["ETag"]))
    assert (changed.status_code, changed.headers["ETag"]) == (200, tag(api, path))
    late = api.call("PUT", path, "admin", json=body | {"roles": ["admin"]}, **if_match(made.headers["ETag"]))
    assert late.status_code == 412 and api.get(path, "admin").json["roles"] == ["nurse"]
    password = {"password": "another long one"}
    assert api.call("POST", f"{path}/password", "admin", json=password, **if_match('"old"')).status_code == 412
    assert api.call("POST", f"{path}/password", "admin", json=password, **if_match(tag(api, path))).status_code == 204


def test_studies_are_changed_by_who_saw_them(api: Api, tmp_path: Path) -> None:
    """By the tag of the study or, at reconciliation, by the version that is shown there."""
    put_patient(api, status=201)
    put_order(api)
    put_order(api, "ACC-2")
    uid = api.upload(small(**HERS)).json["studies"][0]["study_instance_uid"]
    path, page = f"/api/v1/dicom/studies/{uid}", f"/api/v1/reconciliation/{uid}"
    old = tag(api, path)
    assert study(api, uid)["link_status"] == "linked"
    for shown in (path, page):
        body = {"order_id": "ACC-2", "reason": "hers"}
        present = api.get(shown, "radiologist").headers["ETag"]
        answer = api.call("POST", f"{page}/link", "radiologist", json=body, **if_match(present))
        assert answer.status_code == 202, answer.json
        jobs(api, tmp_path).run()
        body = {"reason": "not hers"}
        answer = api.call("POST", f"{page}/unlink", "radiologist", json=body, **if_match(tag(api, path)))
        assert answer.status_code == 202, answer.json
        jobs(api, tmp_path).run()
    change = {"study_instance_uid": uid, "changes": {"StudyDescription": "Knee"}, "reason": "a slip"}
    reason = {"X-Reason": "a copy"}
    for method, where, options in (
        ("POST", "/api/v1/dicom/modify-tags", {"json": change}),
        ("POST", f"{path}/hold", {"json": {"reason": "court"}}),
        ("DELETE", f"{path}/hold", {}),
        ("DELETE", path, {}),
    ):
        roles = ("radiologist", "admin", "manager")
        late = api.call(method, where, *roles, **options, headers=reason | {"If-Match": old})
        assert late.status_code == 412, (where, late.json)
        answer = api.call(method, where, *roles, **options, headers=reason | {"If-Match": tag(api, path)})
        assert answer.status_code < 300, (where, answer.json)
        jobs(api, tmp_path).run()


def test_two_writers_never_lose_an_update(api: Api) -> None:
    """Six people add a word of their own to one order, four times each, all at once: read, add, write, again on 412."""
    put_patient(api, status=201)
    placed = put_order(api, description="-")

    def add(letter: str) -> None:
        added = 0
        while added < 4:
            seen = api.get(ORDER, "service")
            body = _order(placed, description=seen.json["description"] + letter)
            answer = api.call("PUT", ORDER, "service", json=body, **if_match(seen.headers["ETag"]))
            assert answer.status_code in (200, 412), answer.json
            added += answer.status_code == 200

    writers = [threading.Thread(target=add, args=(letter,)) for letter in "abcdef"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert "".join(sorted(api.get(ORDER, "service").json["description"])) == "-" + "".join(c * 4 for c in "abcdef")


def test_of_what_is_done_together_all_is_kept_or_nothing(database: Database) -> None:
    """Also when the failing part is handled inside; and what was written is read before it is kept."""

    def patient(mrn: str) -> Patient:
        now = datetime.now(UTC)
        return Patient(mrn=mrn, sex="unknown", created_at=now, updated_at=now)

    def found() -> list[str]:
        with database.read() as session:
            return sorted(session.scalars(select(Patient.mrn)))

    with database.together():
        for mrn in ("A", "B"):
            with database.write() as session:
                session.add(patient(mrn))
        assert found() == ["A", "B"]
    assert found() == ["A", "B"] and not database.is_joined
    with database.together():
        with database.write() as session:
            session.add(patient("C"))
        with pytest.raises(Conflict), database.write() as session:
            session.add(patient("D"))
            raise Conflict("order_state", "no")
    assert found() == ["A", "B"]
    with pytest.raises(Conflict), database.together():
        with database.write() as session:
            session.add(patient("E"))
        raise Conflict("order_state", "no")
    assert found() == ["A", "B"] and not database.is_joined
