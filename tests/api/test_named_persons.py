"""Whoever an answer names is named with birth date, sex and MRN; whom the caller may not see is not named at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission
from ehr_bridge.db.tables.audit import AuditEvent
from tests.api.conftest import Api
from tests.api.deletion_steps import DELETIONS, ask, decide, requested
from tests.api.link_steps import link, put_patient, study
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs, store
from tests.support.samples import small
from tests.support.server import user_token

AUDIT = "/api/v1/audit"
UPLOADS = "/api/v1/dicom/uploads"
ASA = {
    "mrn": "MRN-1", "issuer": None, "patient_name": "Lindqvist^Åsa", "patient_birth_date": "1961-03-14",
    "patient_sex": "female",
}  # fmt: skip
NAMED = {"PatientID": "SCAN-7", "PatientName": "SCANNER^NAME", "PatientBirthDate": "19450102", "PatientSex": "M"}
SAID = {
    "mrn": None, "issuer": None, "patient_name": "SCANNER^NAME", "patient_birth_date": "1945-01-02",
    "patient_sex": "male",
}  # fmt: skip


def person(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ASA}


def linked(api: Api, **values: Any) -> str:
    order = api.place_order()
    answer = api.upload(small(**values), headers={"X-Order-Id": order["id"]})
    assert answer.status_code == 201, answer.json
    return str(answer.json["studies"][0]["study_instance_uid"])


def uploads(api: Api, uid: str, role: str = "nurse") -> list[dict[str, Any]]:
    answer = api.get(f"{UPLOADS}?study_instance_uid={uid}", role)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def relinked(api: Api, folder: Path, uid: str, mrn: str) -> None:
    """A person says that the study is another patient's; the job has run."""
    version = api.get(f"/api/v1/reconciliation/{uid}", "technician").json["version"]
    link(api, uid, patient_id=mrn, expected=version)
    jobs(api, folder).run()
    assert study(api, uid)["mrn"] == mrn


def events(api: Api, query: str, *roles: str) -> list[dict[str, Any]]:
    answer = api.get(f"{AUDIT}?{query}", token=user_token(*roles, subject="ada"))
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_deletion_names_whom_it_is_about_at_every_step(api: Api, is_linked: bool) -> None:
    """The EHR's patient, or whom the files name; in the list and in the answer of each decision."""
    uid, expected = (linked(api), ASA) if is_linked else (store(api, 1, **NAMED), SAID)
    asked = ask(api, uid).json
    (listed,) = api.get(DELETIONS, "manager").json["items"]
    rejected = decide(api, asked["id"], "reject").json
    for item in (asked, listed, rejected, study(api, uid)):
        assert person(item) == expected


def test_a_deletion_names_the_patient_of_its_time(api: Api, tmp_path: Path) -> None:
    """The study went to somebody else since."""
    uid = linked(api)
    decide(api, requested(api, uid), "reject")
    put_patient(api, "MRN-9", 201, family_name="Berg", given_name="Nils", birth_date="1950-01-01", sex="male")
    relinked(api, tmp_path, uid, "MRN-9")
    assert person(study(api, uid))["patient_name"] == "Berg^Nils"
    (listed,) = api.get(DELETIONS, "manager").json["items"]
    assert person(listed) == ASA


def test_no_deletion_of_a_study_of_a_restricted_patient_is_listed(api: Api, tmp_path: Path) -> None:
    """Neither by whose it was nor by whose it is."""
    uid = linked(api)
    decide(api, requested(api, uid), "reject")
    put_patient(api, "MRN-SECRET", 201, family_name="Geheimrat")
    relinked(api, tmp_path, uid, "MRN-SECRET")
    for mrn in ("MRN-1", "MRN-SECRET"):
        restrict(api, mrn, "manager")
        assert api.get(DELETIONS, "admin").json == {"items": [], "total": 0, "limit": 50, "offset": 0}
        assert api.get(DELETIONS, "manager").json["total"] == 1
        assert api.call("DELETE", f"/api/v1/access/restrictions/{mrn}", "admin").status_code == 204
    assert api.get(DELETIONS, "admin").json["total"] == 1


def test_an_upload_names_whose_its_study_is(api: Api, tmp_path: Path) -> None:
    """In the list and by itself; the log keeps what the files said, and follows the link."""
    uid = linked(api, **NAMED)
    (entry,) = uploads(api, uid)
    assert person(entry) == ASA and entry["original_patient_name"] == "SCANNER^NAME"
    (alone,) = api.get(f"{UPLOADS}/{entry['upload_id']}", "nurse").json["entries"]
    assert alone == entry
    put_patient(api, "MRN-9", 201, family_name="Berg", given_name="Nils", birth_date="1950-01-01", sex="male")
    relinked(api, tmp_path, uid, "MRN-9")
    (entry,) = uploads(api, uid)
    assert person(entry) == person(study(api, uid)) == {
        "mrn": "MRN-9", "issuer": None, "patient_name": "Berg^Nils", "patient_birth_date": "1950-01-01",
        "patient_sex": "male",
    }  # fmt: skip


def test_an_upload_of_nobodys_study_names_whom_its_own_files_named(api: Api) -> None:
    """Never the name of one with the birth date of another: that stands with the study's first file only."""
    uid = store(api, 1, **NAMED)
    assert [person(entry) for entry in uploads(api, uid)] == [SAID]
    other = NAMED | {"PatientName": "OTHER^NAME", "StudyInstanceUID": uid}
    assert api.upload(small(**other)).status_code == 201
    second, first = uploads(api, uid)
    assert person(first) == SAID
    assert person(second) == SAID | {
        "patient_name": "OTHER^NAME", "patient_birth_date": None, "patient_sex": "unknown"
    }  # fmt: skip


def test_the_history_of_a_study_names_whose_it_was_and_is(api: Api, tmp_path: Path) -> None:
    """On arrival and when a person links it to somebody else; nobody is null."""
    uid = linked(api)
    put_patient(api, "MRN-9", 201, family_name="Berg", given_name="Nils", birth_date="1950-01-01", sex="male")
    relinked(api, tmp_path, uid, "MRN-9")
    nils = person(study(api, uid))
    steps = api.get(f"/api/v1/dicom/studies/{uid}/history", "nurse").json["items"]
    arrived, *_, again = [step for step in steps if step["action"] == "study.linked"]
    assert arrived["patient"] == ASA and arrived["mrn"] == "MRN-1"
    assert (again["link_before"]["patient"], again["link_after"]["patient"]) == (ASA, nils)
    uid = store(api, 1, **NAMED)
    (received,) = api.get(f"/api/v1/dicom/studies/{uid}/history", "nurse").json["items"]
    assert (received["patient_id"], received["patient"]) == (None, None)


def test_an_audit_event_says_who_its_patient_is(api: Api) -> None:
    """By its id, when it is read: nothing of it is in the trail, in an export or under the hash."""
    uid = linked(api)
    found = events(api, f"study_instance_uid={uid}", "admin")
    assert {event["action"] for event in found} >= {"study.linked", "study.received"}
    assert all(event["patient"] == ASA for event in found)
    (signed,) = [event for event in events(api, "limit=500", "admin") if event["action"] == "order.created"]
    assert signed["patient"] == ASA
    assert api.get(f"{AUDIT}/verify", "admin").json["ok"] is True
    with api.services.database.read() as session:
        kept = [json.dumps(row.detail) for row in session.scalars(select(AuditEvent))]
    exported = [api.get(f"{AUDIT}/export?format={form}", "admin").text for form in ("csv", "fhir", "dicom")]
    for text in [*kept, *exported]:
        assert [word for word in ("Lindqvist", "Åsa", "1961-03-14") if word in text] == []


def test_an_event_without_a_patient_names_nobody(api: Api) -> None:
    """A refused request, an upload of nobody's study."""
    uid = store(api, 1, **NAMED)
    found = events(api, f"study_instance_uid={uid}", "admin")
    assert found and all((event["patient_id"], event["patient"]) == (None, None) for event in found)


def test_the_audit_trail_names_no_restricted_patient_to_others(api: Api) -> None:
    """The event is there as before, with its ids; who keeps watch and may see the patient is told who it is."""
    uid = linked(api)
    query = f"study_instance_uid={uid}"
    before = events(api, query, "admin")
    restrict(api, "MRN-1", "ada")
    assert events(api, query, "admin") == before
    stranger = api.get(f"{AUDIT}?{query}", token=user_token("admin", subject="eva"))
    unnamed = {"patient": None, "study": None, "accession_number": None}
    assert stranger.json["items"] == [event | unnamed for event in before]
    assert not any(word in stranger.text for word in ("Lindqvist", "1961-03-14", "MRN-1"))


def test_the_events_of_a_person_are_found_by_number(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a record that was merged into theirs; who may not know the number is told nothing about it."""
    put_patient(api, "MRN-1", 201)
    put_patient(api, "MRN-2", 201)
    put_patient(api, "MRN-3", 201)
    one, two, three = (api.get(f"/api/v1/patients/MRN-{n}", "nurse").json["id"] for n in (1, 2, 3))
    for query, expected in ((f"patient={one}", {one}), ("patient=MRN-1", {one}), ("patient=", {one, two, three})):
        assert {event["patient_id"] for event in events(api, query, "admin")} == expected, query
    merge = {"into": "MRN-1", "reason": "The same person"}
    assert api.call("POST", "/api/v1/patients/MRN-2/merge", "service", json=merge).status_code == 202
    for mrn in ("MRN-1", "MRN-2"):
        assert {event["patient_id"] for event in events(api, f"patient={mrn}", "admin")} == {one, two}
    assert api.get(f"{AUDIT}?patient=MRN-9", "admin").json["code"] == "patient_not_found"
    restrict(api, "MRN-1", "ada")
    assert api.get(f"{AUDIT}?patient=MRN-1", "admin").json["code"] == "patient_restricted"
    assert api.get(f"{AUDIT}?patient=MRN-2", "admin").json["code"] == "patient_restricted"
    monkeypatch.setitem(ROLE_PERMISSIONS, "manager", frozenset({Permission.AUDIT}))
    assert api.get(f"{AUDIT}?patient=MRN-3", "manager").json["code"] == "permission_missing"


def test_an_export_gives_the_number_of_a_patient_only_to_whom_the_list_names_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restricted, or without the permission to read: our id stands for the patient, in every form."""
    linked(api)
    restrict(api, "MRN-1", "ada")
    monkeypatch.setitem(ROLE_PERMISSIONS, "manager", frozenset({Permission.AUDIT}))
    key = api.get("/api/v1/patients/MRN-1", token=user_token("admin", subject="ada")).json["id"]
    callers = {"ada": ("admin", True), "eva": ("admin", False), "max": ("manager", False)}
    for form in ("csv", "fhir", "dicom"):
        for subject, (role, is_named) in callers.items():
            text = api.get(f"{AUDIT}/export?format={form}", token=user_token(role, subject=subject)).text
            assert ("MRN-1" in text) is is_named, (form, subject)
            assert is_named or key in text, (form, subject)


def test_an_export_says_whose_number_it_is(api: Api) -> None:
    put_patient(api, "7", 201, issuer="SITE-A")
    forms = {form: api.get(f"{AUDIT}/export?format={form}", "admin").text for form in ("csv", "fhir", "dicom")}
    assert ",7,SITE-A," in forms["csv"]
    assert '{"value": "7", "assigner": {"display": "SITE-A"}}' in forms["fhir"]
    assert 'ParticipantObjectID="7^^^SITE-A"' in forms["dicom"]


def test_who_may_not_read_patients_is_told_ids_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission to read the trail is none to read names."""
    uid = linked(api)
    monkeypatch.setitem(ROLE_PERMISSIONS, "manager", frozenset({Permission.AUDIT}))
    found = events(api, f"study_instance_uid={uid}", "manager")
    assert found and all(event["patient_id"] and event["patient"] is None for event in found)
