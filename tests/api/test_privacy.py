"""Restricted patients: nothing of them for who is not on the list, on any route, until they break the glass."""

from __future__ import annotations

import io
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pydicom
import pytest

from ehr_bridge.api.http import restricted
from ehr_bridge.errors import NotAuthenticated
from ehr_bridge.services.bundle import build_services, utc_now
from tests.api.conftest import Api
from tests.api.privacy_steps import ACCESS, break_glass, person, restrict
from tests.support.samples import small
from tests.support.zips import zipped


@pytest.fixture
def secret(api: Api) -> dict[str, str]:
    """A restricted patient with a study that only the nurse may see, and another patient with one."""
    order = api.place_order("ACC-S", "MRN-SECRET", family_name="Geheimrat")
    upload = api.upload(small(), headers={"X-Order-Id": order["id"]}).json
    other = api.place_order("ACC-O", "MRN-OTHER", family_name="Offenbach")
    open_study = api.upload(small(), headers={"X-Order-Id": other["id"]}).json["studies"][0]["study_instance_uid"]
    for mrn in ("MRN-SECRET", "MRN-OTHER"):  # each leaves a change to be listed
        body = {"family_name": "Geheimrat" if mrn == "MRN-SECRET" else "Offenbach", "birth_date": "1961-03-15"}
        assert api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body).status_code == 200
    restrict(api, "MRN-SECRET", "nurse")
    patient = api.get("/api/v1/patients/MRN-SECRET", "nurse").json["id"]
    uid = upload["studies"][0]["study_instance_uid"]
    return {"uid": uid, "open": open_study, "order": order["id"], "patient": patient, "upload": upload["upload_id"]}


def test_the_list_of_viewer_tokens_names_no_restricted_patient(api: Api) -> None:
    """Neither to who keeps accounts and sees all tokens, nor to who made a token before the patient was restricted."""
    order, other = api.place_order("ACC-S", "MRN-SECRET"), api.place_order("ACC-O", "MRN-OTHER")
    uid, open_uid = (
        api.upload(small(), headers={"X-Order-Id": one["id"]}).json["studies"][0]["study_instance_uid"]
        for one in (order, other)
    )
    wishes = [{"study_instance_uids": [uid, open_uid]}, {"order_id": "ACC-S"}, {"patient_id": "MRN-SECRET"}]
    for wish in [*wishes, {"order_id": "ACC-O"}]:
        for role in ("doctor", "nurse"):
            assert api.call("POST", "/api/v1/dicom/viewer-token", role, json=wish).status_code == 201
    restrict(api, "MRN-SECRET", "nurse")
    for role, total in (("doctor", 4), ("admin", 8)):
        seen = api.get("/api/v1/dicom/viewer-token", role).json
        words = json.dumps(seen)
        for word in (uid, order["id"], order["patient_id"]):
            assert word not in words, (role, word)
        assert open_uid in words and other["id"] in words
        assert seen["total"] == len(seen["items"]) == total
    own = json.dumps(api.get("/api/v1/dicom/viewer-token", "nurse").json)
    assert all(word in own for word in (uid, order["id"], order["patient_id"]))
    again = api.call("DELETE", f"{ACCESS}/restrictions/MRN-SECRET", "admin")
    assert again.status_code == 204 and uid in json.dumps(api.get("/api/v1/dicom/viewer-token", "admin").json)


def test_lists_leave_a_restricted_patient_out_and_count_right(api: Api, secret: dict[str, str]) -> None:
    """Every list there is; the person on the staff list, and the EHR itself, see all."""
    lists = [
        "/api/v1/patients?q=",
        "/api/v1/patients?q=Geheimrat",
        "/api/v1/orders",
        "/api/v1/orders?q=ACC-S",
        "/api/v1/dicom/studies",
        "/api/v1/dicom/studies?accession_number=ACC-S",
        "/api/v1/dicom/studies?patient_name=Geheimrat",
        "/api/v1/dicom/studies?q=Geheimrat",
        f"/api/v1/dicom/studies?study={secret['uid']}",
        "/api/v1/dicom/uploads",
        "/api/v1/changes",
    ]
    for path in lists:
        seen, own = api.get(path, "doctor"), api.get(path, "nurse")
        ehr = api.get(path, "service")
        assert (seen.status_code, own.status_code) == (200, 200), path
        words = json.dumps(seen.json)
        for word in ("MRN-SECRET", "Geheimrat", "ACC-S", secret["uid"], secret["patient"], secret["order"]):
            assert word not in words, (path, word)
        assert seen.json["total"] == own.json["total"] - 1 == len(seen.json["items"]), path
        assert ehr.json["total"] == own.json["total"], path


def test_no_route_that_names_a_restricted_patient_answers(api: Api, secret: dict[str, str]) -> None:
    """By MRN, id, order, accession number, study or upload; in the path, the query or the body."""
    uid = secret["uid"]
    asked = [
        ("GET", "/api/v1/patients/MRN-SECRET", None),
        ("GET", f"/api/v1/patients/{secret['patient']}", None),
        ("GET", f"/api/v1/patients/{secret['patient'].upper()}", None),
        ("GET", "/api/v1/orders/ACC-S", None),
        ("GET", f"/api/v1/orders/{secret['order']}", None),
        ("GET", f"/api/v1/dicom/studies/{uid}", None),
        ("GET", f"/api/v1/dicom/studies/{uid}/series", None),
        ("GET", "/api/v1/dicom/studies/patient/MRN-SECRET", None),
        ("GET", f"/api/v1/dicom/studies/{uid}/history", None),
        ("GET", f"/api/v1/reconciliation/{uid}", None),
        ("GET", f"/api/v1/reconciliation/{secret['open']}/compare?patient_id=MRN-SECRET", None),
        ("GET", f"/api/v1/reconciliation/{secret['open']}/compare?order_id=ACC-S", None),
        ("POST", f"/api/v1/reconciliation/{secret['open']}/link", {"patient_id": "MRN-SECRET", "reason": "x"}),
        ("POST", f"/api/v1/reconciliation/{secret['open']}/link", {"order_id": "ACC-S", "reason": "x"}),
        ("GET", f"/api/v1/dicom/studies/patient/{secret['patient']}", None),
        ("GET", "/api/v1/dicom/studies/order/ACC-S", None),
        ("GET", "/api/v1/dicom/studies/accession/ACC-S", None),
        ("GET", "/api/v1/dicom/uploads/patient/MRN-SECRET", None),
        *(
            ("GET", f"/api/v1/{path}?{name}", None)
            for path in ("orders", "dicom/studies", "dicom/uploads", "changes", "dicom/viewer-token", "reconciliation")
            for name in (
                "patient=MRN-SECRET",
                f"patient={secret['patient']}",
                "order=ACC-S",
                f"order={secret['order']}",
            )
        ),
        ("GET", "/api/v1/patients?patient=MRN-SECRET", None),
        ("GET", "/api/v1/dicom/studies?mrn=MRN-SECRET", None),
        ("GET", f"/api/v1/dicom/studies?patient_id={secret['patient']}", None),
        ("GET", f"/api/v1/dicom/viewer-token?study={uid}", None),
        ("GET", f"/api/v1/dicom/uploads/{secret['upload']}", None),
        ("GET", f"/api/v1/dicom/tags/{uid}", None),
        ("GET", f"/api/v1/dicom/download/{uid}", None),
        ("GET", f"/api/v1/dicom/thumbnail/{uid}", None),
        ("GET", f"/api/v1/dicom/viewer-url/{uid}", None),
        ("GET", f"/api/v1/dicom/viewer-url/{secret['open']}?compare={uid}", None),
        ("DELETE", f"/api/v1/dicom/studies/{uid}", None),
        ("POST", "/api/v1/dicom/viewer-token", {"study_instance_uids": [secret["open"], uid]}),
        ("POST", "/api/v1/dicom/viewer-token", {"order_id": "ACC-S"}),
        ("POST", "/api/v1/dicom/viewer-token", {"patient_id": secret["patient"]}),
        ("POST", "/api/v1/dicom/modify-tags", {"study_instance_uid": uid, "changes": {}, "reason": "x"}),
    ]
    for method, path, body in asked:
        needs_more = method == "DELETE" or "modify" in path or "reconciliation" in path
        role = "radiologist" if needs_more else "doctor"
        options: dict[str, Any] = {"headers": {"X-Reason": "x"}} | ({} if body is None else {"json": body})
        answer = api.call(method, path, role, **options)
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted"), (method, path)
        assert "Geheimrat" not in answer.text and "MRN-SECRET" not in answer.text


def test_a_restricted_patient_is_refused_where_rows_are_found(
    api: Api, secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a route whose parameters nobody put into the table of names."""
    monkeypatch.setattr(restricted, "FINDERS", {})
    monkeypatch.setattr(restricted, "PATIENTS", frozenset())
    uid = secret["uid"]
    for path in (
        "/api/v1/patients/MRN-SECRET",
        f"/api/v1/patients/{secret['patient']}",
        "/api/v1/orders/ACC-S",
        f"/api/v1/orders/{secret['order']}",
        f"/api/v1/dicom/studies/{uid}",
        f"/api/v1/dicom/studies/{uid}/history",
        f"/api/v1/dicom/studies/{uid}/hold",
        "/api/v1/dicom/studies/patient/MRN-SECRET",
        "/api/v1/dicom/studies/order/ACC-S",
        f"/api/v1/dicom/tags/{uid}",
        f"/api/v1/dicom/download/{uid}",
        f"/api/v1/dicom/thumbnail/{uid}",
        f"/api/v1/dicom/viewer-url/{secret['open']}?compare={uid}",
        "/api/v1/changes?patient_id=MRN-SECRET",
        "/api/v1/dicom/uploads?patient=MRN-SECRET",
    ):
        answer = api.get(path, "doctor")
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted"), path
    waiting = api.upload(small()).json["studies"][0]["study_instance_uid"]
    body = {"patient_id": "MRN-SECRET", "reason": "x"}
    answer = api.call("POST", f"/api/v1/reconciliation/{waiting}/link", "radiologist", json=body)
    assert answer.json["code"] == "patient_restricted"
    assert api.get("/api/v1/patients/MRN-SECRET", "nurse").status_code == 200
    assert api.get("/api/v1/patients/MRN-SECRET", "service").status_code == 200


def test_images_of_a_restricted_patient_are_judged_as_ever_whoever_brings_them(
    api: Api, secret: dict[str, str]
) -> None:
    """By STOW-RS and `POST /instances` too, under a number that was merged into the patient's."""
    assert api.call("PUT", "/api/v1/patients/MRN-OLD", "service", json={"family_name": "Geheimrat"}).status_code == 201
    merge = {"into": "MRN-SECRET", "reason": "one person"}
    assert api.call("POST", "/api/v1/patients/MRN-OLD/merge", "service", json=merge).status_code == 202
    for data in (small(PatientID="MRN-OLD"), small(PatientID="MRN-SECRET")):
        answer = api.call("POST", "/instances", "doctor", data=data, content_type="application/dicom")
        assert answer.status_code == 200, answer.text
        assert api.upload(data, "doctor", headers={"X-Patient-Id": "MRN-SECRET"}).status_code in (201, 409)


def test_a_token_on_behalf_of_somebody_is_no_way_round(api: Api, secret: dict[str, str]) -> None:
    """The EHR may see all; the person it asks for may not."""
    for subject, status in (("doctor", 403), ("nurse", 201)):
        body = {"study_instance_uids": [secret["uid"]], "on_behalf_of": subject}
        assert api.call("POST", "/api/v1/dicom/viewer-token", "service", json=body).status_code == status, subject


def test_a_viewer_token_made_before_names_no_study_any_more(api: Api) -> None:
    """Neither of the time before nor since, unless to somebody who may see them."""
    order = api.place_order("ACC-L", "MRN-LATER")
    upload = {"X-Order-Id": order["id"]}
    first = api.upload(small(), headers=upload).json["studies"][0]["study_instance_uid"]
    tokens = {}
    for role in ("doctor", "nurse"):
        made = api.call("POST", "/api/v1/dicom/viewer-token", role, json={"patient_id": "MRN-LATER"}).json
        assert made["studies"] == [first]
        tokens[role] = made["token"]
    restrict(api, "MRN-LATER", "nurse")
    since = api.upload(small(), headers=upload).json["studies"][0]["study_instance_uid"]
    api.services.grants.refresh()
    renewed = {
        role: api.call("POST", "/api/v1/dicom/viewer-token/exchange", token=token).json["studies"]
        for role, token in tokens.items()
    }
    assert renewed == {"doctor": [], "nurse": sorted([first, since])}


def test_breaking_the_glass_opens_for_a_while_and_is_on_record(api: Api, secret: dict[str, str]) -> None:
    """For this person and this patient only; flagged in the audit trail, listed for the privacy officer."""
    answer = break_glass(api, "doctor", study_instance_uid=secret["uid"], reason="Unconscious on arrival", minutes=30)
    assert answer.status_code == 201
    assert answer.json["mrn"] == "MRN-SECRET"
    assert api.get(f"/api/v1/dicom/studies/{secret['uid']}", "doctor").status_code == 200
    assert api.get("/api/v1/patients?q=Geheimrat", "doctor").json["total"] == 1
    assert api.get(f"/api/v1/dicom/studies/{secret['uid']}", "radiologist").status_code == 403
    listed = api.get(f"{ACCESS}/break-glass?reviewed=no", "admin").json
    assert [(g["subject"], g["reason"], g["mrn"]) for g in listed["items"]] == [
        ("doctor", "Unconscious on arrival", "MRN-SECRET")
    ]
    events = api.get("/api/v1/audit?action=access.glass_broken", "admin").json["items"]
    assert [(e["actor"], e["patient_id"], e["detail"]["minutes"]) for e in events] == [
        ("doctor", secret["patient"], 30)
    ]
    review = f"{ACCESS}/break-glass/{answer.json['id']}/review"
    assert api.call("POST", review, "doctor", json={}).status_code == 403
    assert api.call("POST", review, "admin", json={"note": "Justified"}).json["reviewed_by"] == "admin"
    assert api.call("POST", review, "admin", json={}).json["code"] == "glass_state"
    nobodys = review.replace(answer.json["id"], str(uuid.uuid4()))
    assert api.call("POST", nobodys, "admin", json={}).json["code"] == "glass_not_found"
    assert api.get(f"{ACCESS}/break-glass?reviewed=no", "admin").json["total"] == 0


def test_the_glass_is_whole_again_when_its_time_is_over(api: Api, secret: dict[str, str]) -> None:
    """On the node that knew of it, without anybody telling."""
    ahead = timedelta(0)

    def clock() -> datetime:
        return utc_now() + ahead

    break_glass(api, "doctor", patient_id="MRN-SECRET", minutes=5)
    elsewhere = build_services(api.services.settings, api.services.database, clock)
    elsewhere.restrictions.refresh()
    assert not elsewhere.restrictions.closed_to(person("doctor")).studies
    ahead = timedelta(minutes=5)
    assert elsewhere.restrictions.closed_to(person("doctor")).studies == {secret["uid"]}


def test_another_node_hears_of_restrictions_by_their_version(api: Api, secret: dict[str, str]) -> None:
    """And of new studies of the patient, and of the end."""
    elsewhere = build_services(api.services.settings, api.services.database)
    assert not elsewhere.sight.is_loaded
    elsewhere.sight.refresh()
    assert elsewhere.sight.hides(person("doctor"), secret["uid"])
    assert not elsewhere.sight.hides(person("nurse"), secret["uid"])
    more = api.upload(small(), headers={"X-Patient-Id": "MRN-SECRET"}).json["studies"][0]["study_instance_uid"]
    elsewhere.sight.refresh()
    assert elsewhere.sight.unseen(person("doctor")) == {secret["uid"], more}
    assert api.call("DELETE", f"{ACCESS}/restrictions/MRN-SECRET", "admin").status_code == 204
    elsewhere.sight.refresh()
    assert elsewhere.sight.unseen(person("doctor")) == frozenset()
    assert api.get("/api/v1/patients/MRN-SECRET", "doctor").status_code == 200


def test_a_node_that_has_just_started_shows_nobody_before_it_knows(api: Api, secret: dict[str, str]) -> None:
    """Its worker has not read the lists yet: restricted patients, and tokens that were taken back."""
    token = api.call(
        "POST", "/api/v1/dicom/viewer-token", "doctor", json={"study_instance_uids": [secret["open"]]}
    ).json
    assert api.call("DELETE", f"/api/v1/dicom/viewer-token/{token['token_id']}", "doctor").status_code == 204

    def started() -> Any:
        return build_services(api.services.settings, api.services.database)

    assert uuid.UUID(secret["patient"]) in started().restrictions.closed_to(person("doctor")).patients
    assert uuid.UUID(secret["patient"]) in started().restrictions.closed_to_subject("doctor").patients
    with pytest.raises(NotAuthenticated) as refused:
        started().authenticator.authenticate(f"Bearer {token['token']}")
    assert refused.value.code == "token_revoked"


def test_the_list_of_staff_is_replaced_as_a_whole(api: Api, secret: dict[str, str]) -> None:
    """Who is taken off it sees nothing any more."""
    restrict(api, "MRN-SECRET", "doctor")
    assert api.get("/api/v1/patients/MRN-SECRET", "doctor").status_code == 200
    assert api.get("/api/v1/patients/MRN-SECRET", "nurse").status_code == 403
    listed = api.get(f"{ACCESS}/restrictions", "admin").json
    assert [(r["mrn"], r["staff"]) for r in listed["items"]] == [("MRN-SECRET", ["doctor"])]


def test_who_guards_privacy_reads_the_name_of_those_whom_they_may_see(api: Api, secret: dict[str, str]) -> None:
    """The number alone does not say whom they let in. Who is not on the list learns no name by keeping it."""
    restrict(api, "MRN-OTHER", "admin")
    assert break_glass(api, "doctor", patient_id="MRN-SECRET").json["patient"]["patient_name"] == "Geheimrat"
    assert break_glass(api, "radiologist", patient_id="MRN-OTHER").status_code == 201
    names = {
        path: {one["mrn"]: one["patient"] for one in api.get(f"{ACCESS}/{path}", "admin").json["items"]}
        for path in ("restrictions", "break-glass")
    }
    for known in names.values():
        assert known["MRN-SECRET"] is None
        assert known["MRN-OTHER"]["patient_name"] == "Offenbach"


def test_what_cannot_be_done_is_said(api: Api, secret: dict[str, str]) -> None:
    """No glass for who may look anyway, for nobody, without a reason."""
    assert break_glass(api, "nurse", patient_id="MRN-SECRET").json["code"] == "not_restricted"
    assert break_glass(api, "doctor", patient_id="MRN-OTHER").json["code"] == "not_restricted"
    assert break_glass(api, "doctor", patient_id="NOBODY").json["code"] == "patient_not_found"
    assert break_glass(api, "doctor", study_instance_uid="1.2.3").json["code"] == "study_not_found"
    for body in ({}, {"patient_id": "A", "study_instance_uid": "1.2"}, {"patient_id": "MRN-SECRET", "minutes": 1000}):
        assert break_glass(api, "doctor", **body).status_code == 422
    assert break_glass(api, "doctor", patient_id="MRN-SECRET", reason=" ").status_code == 422
    assert api.call("DELETE", f"{ACCESS}/restrictions/MRN-OTHER", "admin").json["code"] == "restriction_not_found"
    assert api.get(f"{ACCESS}/break-glass", "admin").json["total"] == 0


def test_images_of_a_restricted_patient_are_taken_all_the_same(api: Api, secret: dict[str, str]) -> None:
    """A lost image would be worse; who brings it still cannot look at it."""
    answer = api.upload(small(), headers={"X-Order-Id": secret["order"]})
    assert answer.status_code == 201
    uid = answer.json["studies"][0]["study_instance_uid"]
    assert api.get(f"/api/v1/dicom/studies/{uid}", "technician").status_code in (403, 404)


@pytest.mark.parametrize("form", ["upload", "upload-zip", "upload-multiple"])
def test_an_upload_tells_its_sender_nothing_of_a_restricted_patient(
    api: Api, secret: dict[str, str], form: str
) -> None:
    """Neither who it is nor whether a guess was right; who is on the list reads what was coerced."""
    named: dict[str, str] = {"PatientID": "MRN-SECRET", "PatientName": "Geheimrat^Asa", "PatientBirthDate": "19610315"}

    def study(headers: dict[str, str], *roles: str, **values: str) -> Any:
        data, path = small(**values), f"/api/v1/dicom/{form}"
        content_type = "application/dicom"
        if form == "upload-zip":
            data, content_type = zipped([("a.dcm", data)]), "application/zip"
        if form == "upload-multiple":
            data = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--b--\r\n"
            content_type = 'multipart/related; type="application/dicom"; boundary=b'
        answer = api.call("POST", path, *roles, data=data, content_type=content_type, headers=headers)
        assert answer.status_code == 201, answer.json
        return answer.json["studies"][0]

    guesses = [study({}, "doctor", **named), study({}, "doctor", PatientID="MRN-SECRET", PatientName="Other^Name")]
    assert [(one["match"], one["coerced"]) for one in guesses] == [(guesses[0]["match"], [])] * 2
    assert (guesses[0]["match"]["kind"], guesses[0]["match"]["patient_id"]) == ("none", None)
    sent = study({"X-Order-Id": "ACC-S"}, "doctor", **named)
    assert [one["field"] for one in sent["match"]["evidence"]] == ["confirmation"]
    assert (sent["match"]["patient_id"], sent["match"]["order_id"], sent["coerced"]) == (None, None, [])
    open_to = api.call("PUT", f"{ACCESS}/restrictions/MRN-SECRET", "admin", json={"reason": "xxx", "staff": ["doctor"]})
    assert open_to.status_code == 200
    seen = study({"X-Order-Id": "ACC-S"}, "doctor", **named)
    assert seen["match"]["patient_id"] == secret["patient"]
    assert "PatientName" in [change["tag"] for change in seen["coerced"]]


def test_a_new_study_of_a_restricted_patient_is_closed_before_it_is_stored(
    api: Api, secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DICOMweb shows it to nobody else, not even until the lists are read again."""
    closed: list[tuple[bool, ...]] = []
    store = api.archive.store

    def watch(data: bytes) -> Any:
        uid = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True).StudyInstanceUID
        closed.append(tuple(api.services.sight.hides(person(role), uid) for role in ("doctor", "nurse")))
        return store(data)

    monkeypatch.setattr(api.archive, "store", watch)
    assert api.upload(small(), headers={"X-Order-Id": secret["order"]}).status_code == 201
    assert closed == [(True, False)]


def test_matching_neither_tells_who_a_restricted_patient_is_nor_confirms_a_guess(
    api: Api, secret: dict[str, str]
) -> None:
    """The right name, another name, the order's number: all get one answer. Who is on the list gets the verdict."""
    header = {"ref": "1", "patient_id": "MRN-SECRET", "patient_name": "Geheimrat^Asa", "patient_birth_date": "19610315"}
    wrong = {"patient_name": "Other^Name", "patient_birth_date": "19991231"}
    guesses = [header, header | {"accession_number": "ACC-S"}, header | wrong]
    seen = [one["match"] for guess in guesses for one in ask_match(api, "doctor", guess)]
    assert all(one == seen[0] for one in seen), seen
    assert (seen[0]["patient_id"], seen[0]["automatic"]) == (None, False)
    (own,) = ask_match(api, "nurse", header)
    assert own["match"]["patient_id"] == secret["patient"]


def ask_match(api: Api, role: str, header: dict[str, str]) -> list[dict[str, Any]]:
    answer = api.call("POST", "/api/v1/match", role, json={"items": [header]})
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def test_blanks_around_a_name_are_no_way_in(api: Api, secret: dict[str, str]) -> None:
    """Routes forgive them, so the door looks past them too."""
    uid = secret["uid"]
    for path in (
        "/api/v1/patients/%20MRN-SECRET",
        "/api/v1/orders/ACC-S%20",
        f"/api/v1/dicom/studies/{uid}%20",
        f"/api/v1/dicom/studies/{uid}%20/history",
        f"/api/v1/dicom/tags/%20{uid}",
        f"/api/v1/dicom/download/%20{uid}",
        "/api/v1/dicom/uploads/patient/%09MRN-SECRET",
    ):
        answer = api.get(path, "doctor")
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted"), path


def test_how_a_patient_is_open_to_somebody(api: Api, secret: dict[str, str]) -> None:
    """So that a page can mark a restricted patient, and say until when a broken glass holds."""

    def standing(role: str, patient: str = "MRN-SECRET") -> tuple[bool, bool, bool]:
        found = api.get(f"{ACCESS}/patients/{patient}", role)
        assert found.status_code == 200, found.json
        return found.json["is_restricted"], found.json["is_open"], found.json["open_until"] is not None

    assert standing("nurse") == (True, True, False)
    assert standing("doctor") == (True, False, False)
    assert standing("service") == (True, True, False)
    assert standing("doctor", "MRN-OTHER") == (False, True, False)
    assert break_glass(api, "doctor", patient_id="MRN-SECRET").status_code == 201
    assert standing("doctor", secret["patient"]) == (True, True, True)
    assert standing("radiologist") == (True, False, False)
    assert api.get(f"{ACCESS}/patients/MRN-NOBODY", "doctor").json["code"] == "patient_not_found"
    assert api.call("DELETE", f"{ACCESS}/restrictions/MRN-SECRET", "admin").status_code == 204
    assert standing("doctor") == (False, True, False)


def test_the_glass_is_broken_by_an_order_too(api: Api, secret: dict[str, str]) -> None:
    """In an emergency nobody looks up whose order it is; exactly one of three names is given."""
    assert api.get("/api/v1/orders/ACC-S", "doctor").status_code == 403
    for named in ({}, {"order_id": "ACC-S", "patient_id": "MRN-SECRET"}):
        assert break_glass(api, "doctor", **named).status_code == 422
    assert break_glass(api, "doctor", order_id="ACC-NONE").json["code"] == "order_not_found"
    opened = break_glass(api, "doctor", order_id="ACC-S")
    assert (opened.status_code, opened.json["mrn"]) == (201, "MRN-SECRET")
    assert api.get("/api/v1/orders/ACC-S", "doctor").status_code == 200
    assert break_glass(api, "radiologist", order_id=secret["order"]).status_code == 201
