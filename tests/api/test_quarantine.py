"""What is kept apart instead of stored, and what people do with it; on both databases."""

from __future__ import annotations

import io
import os
import time
import uuid
from datetime import timedelta
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import update

from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.intake.intake import Held
from ehr_bridge.services.intake.quarantine_records import Sender
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from tests.api.conftest import Api
from tests.api.link_steps import audited, put_patient, study
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import files, store
from tests.support.samples import encoded, nested, small

REASON = "seen with the technician"
STRANGER = {"PatientID": "SCAN-8", "PatientName": "OTHER^NAME"}


def waiting(api: Api, query: str = "", role: str = "technician") -> list[dict[str, Any]]:
    answer = api.get(f"/api/v1/quarantine{query}", role)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def decide(api: Api, what: str, quarantine_id: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = api.call(
        "POST", f"/api/v1/quarantine/{quarantine_id}/{what}", "technician", json={"reason": REASON, **body}
    )
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def linked(api: Api) -> str:
    api.place_order()
    uid = generate_uid()
    assert api.upload(small(StudyInstanceUID=uid), headers={"X-Order-Id": "ACC-1"}).status_code == 201
    return uid


def stray(api: Api, uid: str, **values: Any) -> dict[str, Any]:
    """A stranger's image came; its entry in quarantine."""
    answer = api.upload(small(**{"StudyInstanceUID": uid, **STRANGER, **values}))
    assert (answer.status_code, answer.json["code"]) == (409, "study_of_another_patient")
    return waiting(api)[0]


def stored(api: Api, given: dict[str, Any]) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(api.archive.instances[given["orthanc_instance_id"]]))


def other_content(data: bytes) -> bytes:
    """Another image with the same UIDs."""
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.PixelData = bytes(128)
    return encoded(ds)


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_stranger_is_kept_apart_and_the_study_stays_as_it_is(api: Api, is_linked: bool) -> None:
    """One study in the archive, nothing in doubt, the image with its sender and what it says in quarantine."""
    uid = linked(api) if is_linked else store(api, 1)
    before, seen = files(api), study(api, uid)
    data = small(StudyInstanceUID=uid, **STRANGER)
    assert api.upload(data).json["code"] == "study_of_another_patient"
    assert files(api) == before and len(set(api.archive.studies.values())) == 1
    assert study(api, uid) == seen | {"number_in_quarantine": 1}
    (entry,) = waiting(api)
    assert (entry["code"], entry["door"], entry["sent_by"]) == ("study_of_another_patient", "upload", "technician")
    assert (entry["said"]["PatientID"], entry["said"]["PatientName"]) == ("SCAN-8", "OTHER^NAME")
    assert (entry["study"]["mrn"], entry["can_be_given"]) == ("MRN-1" if is_linked else None, True)
    assert (api.services.settings.quarantine_path / entry["file_name"]).read_bytes() == data
    assert audited(api, uid)[-1] == "quarantine.kept"


def test_a_batch_goes_on_behind_a_stranger(api: Api) -> None:
    """Partial: the others are stored."""
    uid = linked(api)
    good, bad = small(StudyInstanceUID=uid), small(StudyInstanceUID=uid, **STRANGER)
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + d + b"\r\n" for d in (bad, good)) + b"--b--"
    answer = api.call(
        "POST",
        "/api/v1/dicom/upload-multiple",
        "technician",
        data=body,
        content_type='multipart/related; type="application/dicom"; boundary=b',
    )
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    codes = [one.get("error") and one["error"]["code"] for one in answer.json["instances"]]
    assert codes == ["study_of_another_patient", None]


def test_given_to_the_studys_own_patient_it_joins_the_study(api: Api) -> None:
    """Coerced as any other, under its own UIDs, with what it said before in the file."""
    uid = linked(api)
    entry = stray(api, uid)
    given = decide(api, "give", entry["id"], patient_id="MRN-1")["given"]
    assert (given["study_instance_uid"], given["mrn"]) == (uid, "MRN-1")
    assert given["sop_instance_uid"] == entry["said"]["SOPInstanceUID"]
    ds = stored(api, given)
    assert (ds.PatientID, ds.AccessionNumber) == ("MRN-1", "ACC-1")
    assert ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0].PatientID == "SCAN-8"
    seen = study(api, uid)
    assert (seen["number_of_instances"], seen["number_in_quarantine"], seen["link_status"]) == (2, 0, "linked")
    assert waiting(api) == [] and "quarantine.given" in audited(api, uid)


def test_given_to_somebody_else_it_becomes_a_study_of_theirs(api: Api) -> None:
    """Files of one stray study lie together again under new UIDs; their former ones stand in file and row."""
    uid, series = linked(api), generate_uid()
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    entries = [stray(api, uid, SeriesInstanceUID=series) for _ in range(2)]
    given = [decide(api, "give", entry["id"], patient_id="MRN-2")["given"] for entry in entries]
    assert len({(one["study_instance_uid"], one["series_instance_uid"]) for one in given}) == 1
    new = given[0]["study_instance_uid"]
    assert new != uid and given[0]["sop_instance_uid"] != given[1]["sop_instance_uid"]
    ds = stored(api, given[0])
    assert (ds.StudyInstanceUID, ds.file_meta.MediaStorageSOPInstanceUID) == (new, given[0]["sop_instance_uid"])
    former = {str(i.ModifiedAttributesSequence[0].get("StudyInstanceUID")) for i in ds.OriginalAttributesSequence}
    assert uid in former
    seen = study(api, new)
    assert (seen["mrn"], seen["link_status"], seen["number_of_instances"]) == ("MRN-2", "linked", 2)
    assert study(api, uid)["number_of_instances"] == 1
    assert [one["id"] for one in waiting(api, f"?status=given&study={new}")] == [e["id"] for e in entries[::-1]]


def test_a_file_is_compared_with_whom_it_could_be_given_to(api: Api) -> None:
    """By the server, with the grades and the values before and after that a study is shown with."""
    uid = linked(api)
    put_patient(api, "MRN-2", 201, family_name="Müller", given_name="Jürgen", birth_date="1950-07-03", sex="male")
    said = {"PatientID": "MRN-2", "PatientName": "MUELLER^JUERGEN", "PatientBirthDate": "19500730", "PatientSex": "F"}
    path = f"/api/v1/quarantine/{stray(api, uid, **said)['id']}/compare"
    answer = api.get(f"{path}?patient_id=MRN-2", "technician").json
    assert {one["field"]: one["grade"] for one in answer["evidence"]} == {
        "PatientID": "same", "PatientName": "form", "PatientBirthDate": "slip", "PatientSex": "other"
    }  # fmt: skip
    assert [one["field"] for one in answer["evidence"] if one["agrees"] is False] == ["PatientSex"]
    rows = {one["tag"]: (one["file"], one["ehr"], one["differs"]) for one in answer["differences"]}
    assert rows["PatientName"] == ("MUELLER^JUERGEN", "Müller^Jürgen", True)
    assert rows["PatientBirthDate"] == ("19500730", "19500703", True) and rows["PatientID"][2] is False
    beside_order = api.get(f"{path}?order_id=ACC-1&patient_id=MRN-1", "technician").json
    assert (beside_order["accession_number"], beside_order["mrn"]) == ("ACC-1", "MRN-1")
    assert {one["field"] for one in beside_order["evidence"] if one["agrees"] is False} >= {"PatientID", "PatientName"}
    assert [entry["status"] for entry in waiting(api)] == ["waiting"]


def test_what_cannot_be_given_is_not_compared(api: Api) -> None:
    """The refusals of giving: nobody is named, nobody knows them, it is decided, it is unreadable; by whom it may."""
    uid = linked(api)
    path = f"/api/v1/quarantine/{(entry := stray(api, uid))['id']}/compare"
    for query, status in (("", 422), ("?patient_id=NOBODY", 404), ("?patient_id=MRN-1&order_id=NONE", 404)):
        assert api.get(f"{path}{query}", "technician").status_code == status, query
    assert api.get(f"{path}?patient_id=MRN-1", "nurse").status_code == 403
    decide(api, "discard", entry["id"])
    assert api.get(f"{path}?patient_id=MRN-1", "technician").json["code"] == "quarantine_decided"
    api.services.quarantine.keep(b"what nobody can read", "malformed", Sender("c_store", "ae:CT1", None))
    unreadable = waiting(api)[0]["id"]
    answer = api.get(f"/api/v1/quarantine/{unreadable}/compare?patient_id=MRN-1", "technician")
    assert answer.json["code"] == "quarantine_unreadable"


def test_a_file_is_compared_with_nobody_whom_the_caller_may_not_see(api: Api) -> None:
    """By patient or by order."""
    api.place_order("ACC-S", "MRN-SECRET", family_name="Geheimrat")
    path = f"/api/v1/quarantine/{stray(api, linked(api))['id']}/compare"
    restrict(api, "MRN-SECRET", "radiologist")
    for query in ("patient_id=MRN-SECRET", "order_id=ACC-S"):
        answer = api.get(f"{path}?{query}", "technician")
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted")
        assert "Geheimrat" not in answer.text
        assert api.get(f"{path}?{query}", "radiologist").json["mrn"] == "MRN-SECRET"


def test_giving_twice_is_giving_once(api: Api) -> None:
    """Killed between storing and writing down, the person gives it again; and nobody decides after somebody else."""
    uid = linked(api)
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    entry = stray(api, uid)
    first = decide(api, "give", entry["id"], patient_id="MRN-2")["given"]
    with api.services.database.write() as session:
        session.execute(update(QuarantinedFile).values(status="waiting", given=None, patient_id=None))
    assert decide(api, "give", entry["id"], patient_id="MRN-2")["given"] == first
    assert len(api.archive.instances) == 2
    assert decide(api, "give", entry["id"], 409, patient_id="MRN-1")["code"] == "quarantine_decided"
    assert decide(api, "discard", entry["id"], 409)["code"] == "quarantine_decided"


def test_a_file_without_a_usable_uid_is_given_one(api: Api) -> None:
    """As a modality left it in quarantine; the study can then be opened."""
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    data = small(StudyInstanceUID="1.2.3.4").replace(b"1.2.3.4\0", b"1.2.ABC\0")
    api.services.quarantine.keep(data, "invalid_uid", Sender("c_store", "ae:OLD", "10.0.0.7"))
    (entry,) = waiting(api)
    assert (entry["said"]["StudyInstanceUID"], entry["sent_by"], entry["address"]) == ("1.2.ABC", "ae:OLD", "10.0.0.7")
    given = decide(api, "give", entry["id"], patient_id="MRN-2")["given"]
    assert study(api, given["study_instance_uid"])["mrn"] == "MRN-2"
    assert given["sop_instance_uid"] == entry["said"]["SOPInstanceUID"]


def test_other_content_under_a_known_uid_is_counted_and_can_be_given_a_uid_of_its_own(api: Api) -> None:
    """As at the door of a modality; the upload log of its sender names it, and the study shows it."""
    uid = linked(api)
    (data,) = files(api).values()
    judged, _ = api.services.intake.coerce(api.services.intake.judge(other_content(data), _from_modality()))
    assert judged.changes == ()
    assert api.services.intake.held(judged, api.archive) is Held.OTHER
    api.services.quarantine.keep(judged.header.data, "same_uid_other_content", Sender("c_store", "ae:MR1"), judged)
    (entry,) = waiting(api)
    logs = api.get("/api/v1/dicom/uploads", "nurse").json["items"]
    (log,) = [log for log in logs if log["uploaded_by"] == "ae:MR1"]
    assert (log["number_of_files"], log["upload_status"]) == (1, "partial")
    assert "same_uid_other_content" in log["error_message"]
    assert study(api, uid)["number_in_quarantine"] == 1
    given = decide(api, "give", entry["id"], order_id="ACC-1")["given"]
    assert given["study_instance_uid"] == uid and given["sop_instance_uid"] != entry["said"]["SOPInstanceUID"]
    assert stored(api, given).PixelData == bytes(128)
    assert study(api, uid)["number_of_instances"] == 2


def test_a_file_that_is_kept_before_its_study_is_recorded_is_counted_when_it_is(api: Api) -> None:
    """Whoever looks at the quarantine in that moment writes the file's row; the study's first image comes behind."""
    intake, delivery = api.services.intake, _from_modality()
    first = small(StudyInstanceUID=generate_uid())
    judged, second = intake.judge(first, delivery), intake.judge(other_content(first), delivery)
    uid = judged.header.study_instance_uid
    api.services.quarantine.keep(second.header.data, OTHER_CONTENT, Sender("c_store", "ae:CT3"), second)
    (entry,) = waiting(api)
    assert (entry["code"], entry["times_received"]) == (OTHER_CONTENT, 1)
    api.services.recorder.record(AtDoor(judged, Stored("", "study-1", is_duplicate=False)))
    (entry,) = waiting(api)
    assert entry["times_received"] == 1
    (log,) = api.get(f"/api/v1/dicom/uploads?study_instance_uid={uid}", "technician").json["items"]
    assert (log["upload_status"], log["error_message"].count("same_uid_other_content (1)")) == ("partial", 1)


def test_the_same_content_again_is_no_other_content(api: Api) -> None:
    """Coerced meanwhile or not."""
    api.place_order()
    data = small()
    api.upload(data, headers={"X-Order-Id": "ACC-1"})
    judged, _ = api.services.intake.coerce(api.services.intake.judge(data, _from_modality()))
    assert api.services.intake.held(judged, api.archive) is Held.SAME


def test_what_is_discarded_goes_after_the_grace_period_and_can_be_taken_back_before(api: Api) -> None:
    """With a reason, audited. The very bytes wait again when they come again: their sender is told they are kept."""
    uid = linked(api)
    data = small(StudyInstanceUID=uid, **STRANGER)
    api.upload(data)
    (entry,) = waiting(api)
    assert api.call("POST", f"/api/v1/quarantine/{entry['id']}/discard", "technician", json={}).status_code == 422
    said = decide(api, "discard", entry["id"])
    assert (said["status"], said["reason"], said["decided_by"]) == ("discarded", REASON, "technician")
    path = api.services.settings.quarantine_path / entry["file_name"]
    assert waiting(api) == [] and path.exists()
    assert decide(api, "reopen", entry["id"])["status"] == "waiting"
    decide(api, "discard", entry["id"])
    api.upload(data)
    (again,) = waiting(api)
    assert (again["id"], again["times_received"]) == (entry["id"], 2)
    decide(api, "discard", entry["id"])
    with api.services.database.write() as session:
        session.execute(update(QuarantinedFile).values(decided_at=api.services.clock() - timedelta(days=8)))
    api.services.quarantine.sweep(older_than=0)
    assert not path.exists()
    assert decide(api, "reopen", entry["id"], 409)["code"] == "quarantine_file_away"
    done = [e["action"] for e in api.get("/api/v1/audit?limit=500", "admin").json["items"]]
    assert (done.count("quarantine.discarded"), done.count("quarantine.reopened")) == (3, 1)


def test_a_file_whose_row_was_lost_with_its_process_is_adopted(api: Api) -> None:
    """Not while its row may be on the way; nothing else in the folder is touched."""
    folder = api.services.settings.quarantine_path
    name = api.services.quarantine.folder.put(small(**STRANGER), "study_of_another_patient")
    (folder / "notes.txt").write_text("hands off")
    assert api.services.quarantine.sweep() == 0 and waiting(api) == []
    past = time.time() - 61
    os.utime(folder / name, (past, past))
    assert api.services.quarantine.sweep() == 1
    (entry,) = waiting(api)
    assert (entry["file_name"], entry["sent_by"], entry["said"]["PatientID"]) == (name, None, "SCAN-8")
    assert api.services.quarantine.sweep() == 0 and (folder / "notes.txt").exists()


def test_a_file_of_the_process_before_is_adopted_at_once(api: Api) -> None:
    """Whoever looks after a crash sees at the start what was kept, not a minute or two later."""
    name = api.services.quarantine.folder.put(small(**STRANGER), "study_of_another_patient")
    before_the_start = time.time() - 59
    os.utime(api.services.settings.quarantine_path / name, (before_the_start, before_the_start))
    assert api.services.quarantine.sweep() == 1
    assert [entry["file_name"] for entry in waiting(api)] == [name]


def test_what_would_kill_the_server_is_given_to_nobody(api: Api) -> None:
    """It can only be discarded."""
    put_patient(api, "MRN-2", 201)
    api.services.quarantine.keep(nested(100), "nested_too_deep")
    (entry,) = waiting(api)
    assert (entry["can_be_given"], entry["said"]) == (False, {})
    assert decide(api, "give", entry["id"], 409, patient_id="MRN-2")["code"] == "quarantine_unreadable"
    assert api.archive.instances == {}
    assert decide(api, "discard", entry["id"])["status"] == "discarded"


def test_wrong_requests(api: Api) -> None:
    """Unknown files, patients and filters; people without the permission."""
    entry = stray(api, linked(api))
    unknown = str(uuid.uuid4())
    assert decide(api, "give", unknown, 404, patient_id="MRN-1")["code"] == "quarantine_not_found"
    assert decide(api, "give", entry["id"], 404, patient_id="NOBODY")["code"] == "patient_not_found"
    assert decide(api, "give", entry["id"], 422)["code"] == "invalid_request"
    assert decide(api, "reopen", entry["id"], 409)["code"] == "quarantine_decided"
    assert api.get(f"/api/v1/quarantine/{unknown}", "technician").status_code == 404
    assert api.get("/api/v1/quarantine?status=lost", "technician").status_code == 422
    for role in ("nurse", "doctor", "manager", "admin"):
        assert api.get("/api/v1/quarantine", role).status_code == 403
        path = f"/api/v1/quarantine/{entry['id']}/discard"
        assert api.call("POST", path, role, json={"reason": "x"}).status_code == 403


@pytest.mark.parametrize("by", ["study", "mrn", "given"])
def test_a_restricted_patient_is_named_to_nobody_by_quarantine(api: Api, by: str) -> None:
    """Neither the study that a stranger came to, nor a stranger with their MRN, nor what was given to them."""
    uid = linked(api)
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    entry = stray(api, uid, **({"PatientID": "MRN-2"} if by == "mrn" else {}))
    if by == "given":
        decide(api, "give", entry["id"], patient_id="MRN-2")
    mrn = "MRN-1" if by == "study" else "MRN-2"
    answer = api.call(
        "PUT", f"/api/v1/access/restrictions/{mrn}", "admin", json={"reason": "staff", "staff": ["radiologist"]}
    )
    assert answer.status_code in (200, 201), answer.json
    assert waiting(api, "?status=all") == []
    assert [one["id"] for one in waiting(api, "?status=all", "radiologist")] == [entry["id"]]
    for method, path in (("GET", ""), ("POST", "/discard"), ("POST", "/reopen")):
        options: dict[str, Any] = {} if method == "GET" else {"json": {"reason": REASON}}
        path = f"/api/v1/quarantine/{entry['id']}{path}"
        assert api.call(method, path, "technician", **options).json["code"] == "patient_restricted"


def _from_modality() -> Delivery:
    return Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
