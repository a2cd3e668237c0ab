"""Modifying stored studies in the real Orthanc: fresh DICOMweb, equal pixels, undo to the byte, and pulled plugs."""

from __future__ import annotations

import hashlib
import io
import threading
import time

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.live.tag_steps import alike, digests, held, metadata, modify, spooled, store, succeeded, undo
from tests.support.samples import fresh_series, pixels, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, place_order, study, the_study


def test_modify_and_undo_of_a_series_through_dicomweb(server: Server) -> None:
    """A whole series: the metadata that was cached before is fresh at once, pixels are equal, undo is exact."""
    uid = store(server, fresh_series())
    before = held(server, uid)
    count = len(before)
    was_name = metadata(server, uid, "00100010")[0]
    was_date = metadata(server, uid, "00080020")[0]
    job = modify(server, uid, PatientName="Öberg^Kaj", StudyDate="20260201")
    end = succeeded(server, job)
    assert (end["number_of_instances"], end["number_done"]) == (count, count)
    assert metadata(server, uid, "00080020") == ["20260201"] * count
    assert metadata(server, uid, "00100010") == [{"Alphabetic": "Öberg^Kaj"}] * count
    found = server.get(f"/dicom-web/studies?StudyInstanceUID={uid}", "doctor").json()
    assert [s["00080020"]["Value"] for s in found] == [["20260201"]]
    for ds in instances(server, uid):
        assert bytes(ds.PixelData) == pixels(before[str(ds.SOPInstanceUID)])
        assert ds.OriginalAttributesSequence[-1].ReasonForTheAttributeModification == "CORRECT"
    told = server.get(f"/api/v1/dicom/tags/{uid}", "nurse").json()
    assert {t["tag"]: t["original"] for t in told["tags"]}["StudyDate"] == was_date
    succeeded(server, undo(server, job))
    assert digests(server, uid) == {name: hashlib.sha256(data).hexdigest() for name, data in before.items()}
    assert metadata(server, uid, "00080020") == [was_date] * count
    assert metadata(server, uid, "00100010") == [was_name] * count


def test_a_new_patient_id_leaves_one_study_that_opens(server: Server) -> None:
    """Two studies of Orthanc with one UID are an error in DICOMweb: none is left, and undo goes all the way back."""
    uid = store(server, fresh_series())
    before, old = digests(server, uid), study(server, uid)
    count = len(before)
    assert old is not None
    job = modify(server, uid, PatientID="P-NEW", PatientName="Oberg^Kaj")
    succeeded(server, job)
    assert metadata(server, uid, "00100020") == ["P-NEW"] * count
    moved = study(server, uid)
    assert moved is not None and moved["orthanc_study_id"] != old["orthanc_study_id"]
    time.sleep(4)  # Orthanc's list of changes is read: it tells nothing new
    now = study(server, uid)
    assert now is not None and (now["number_of_instances"], now["link_status"]) == (count, "unlinked")
    succeeded(server, undo(server, job))
    assert digests(server, uid) == before
    assert metadata(server, uid, "00100020") == [metadata(server, uid, "00100020")[0]] * count
    back = study(server, uid)
    assert back is not None and back["orthanc_study_id"] == old["orthanc_study_id"]


def test_the_same_patient_id_again_loses_nothing(server: Server) -> None:
    """Orthanc's own modification deletes what it just stored when PatientID is replaced by itself (facts 3.3)."""
    patient = f"P-{generate_uid()[-8:]}"
    uid = store(server, [small(PatientID=patient)])
    before = digests(server, uid)
    assert succeeded(server, modify(server, uid, PatientID=patient))["number_done"] == 0
    assert digests(server, uid) == before
    succeeded(server, modify(server, uid, PatientID=patient, PatientName="Oberg^Kaj"))
    assert [str(ds.PatientName) for ds in instances(server, uid)] == ["Oberg^Kaj"]


@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-NEW"}])
def test_modifying_while_a_modality_sends_gives_one_identity(server: Server, changes: dict[str, str]) -> None:
    """Nothing that the modality sent is lost, and in the end every image says the same."""
    files = alike(60)
    uid = str(pydicom.dcmread(io.BytesIO(files[0])).StudyInstanceUID)
    sender = threading.Thread(target=c_store, args=(server, *files))
    sender.start()
    eventually(lambda: study(server, uid))
    job = modify(server, uid, **changes)
    sender.join()
    succeeded(server, job)
    (keyword, value), *_ = changes.items()

    def one_identity() -> bool:
        seen = study(server, uid)
        said = [str(ds[keyword].value) for ds in instances(server, uid)] if seen else []
        return seen is not None and seen["number_of_instances"] == len(said) == 60 and set(said) == {value}

    eventually(one_identity)
    assert the_study(server, uid)["link_status"] == "unlinked"
    c_store(server, files[0])
    assert len(instances(server, uid)) == 60


def test_two_modifications_at_once_end_in_one_consistent_state(server: Server) -> None:
    """Eight people at the same moment: one is told to go ahead, the others that the study is busy."""
    uid = store(server, alike(3))
    answers = []

    def ask(day: int) -> None:
        body = {"study_instance_uid": uid, "changes": {"StudyDate": f"2026020{day}"}, "reason": "typing error"}
        token = user_token("technician", subject=f"t{day}")
        answers.append((day, server.request("POST", "/api/v1/dicom/modify-tags", token, json=body)))

    threads = [threading.Thread(target=ask, args=(day,)) for day in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = [(day, a.json()["id"]) for day, a in answers if a.status_code == 202]
    assert {a.status_code for _, a in answers} <= {202, 409}
    assert {a.json()["code"] for _, a in answers if a.status_code == 409} <= {"modification_running"}
    for _, job in accepted:
        succeeded(server, job)
    said = set(metadata(server, uid, "00080020"))
    assert len(said) == 1 and said <= {f"2026020{day}" for day, _ in accepted}


def test_a_linked_study_keeps_who_it_is(server: Server) -> None:
    """And may get another date, which its order shows too."""
    order = place_order(server)
    uid = store(server, [small()], X_Order_Id=order["id"])
    body = {"study_instance_uid": uid, "changes": {"PatientID": "X"}, "reason": "no"}
    answer = server.request("POST", "/api/v1/dicom/modify-tags", user_token("technician"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "study_is_linked")
    succeeded(server, modify(server, uid, StudyDate="20260201"))
    assert server.get(f"/api/v1/orders/{order['accession_number']}", "nurse").json()["study_date"] == "2026-02-01"


@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-NEW"}])
def test_kill_9_in_the_middle_of_a_job_loses_nothing(server: Server, changes: dict[str, str]) -> None:
    """At the moment of the kill every image is in Orthanc's folder or in the spool; the start finishes the job."""
    uid = store(server, alike(60))
    before = digests(server, uid)
    job = modify(server, uid, **changes)
    for progress in (5, 25):
        eventually(lambda least=progress: server.get(f"/api/v1/jobs/{job}", "nurse").json()["number_done"] >= least)
        server.kill()
        on_disk = set(held(server, uid)) | spooled(server, uid)
        assert on_disk == set(before)
        server.start()
    end = succeeded(server, job)
    assert (end["number_of_instances"], end["number_done"]) == (60, 60)
    (tag,) = {"00080020" if keyword == "StudyDate" else "00100020" for keyword in changes}
    assert metadata(server, uid, tag) == list(changes.values()) * 60
    succeeded(server, undo(server, job))
    assert digests(server, uid) == before
    assert the_study(server, uid)["number_of_instances"] == 60
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True
