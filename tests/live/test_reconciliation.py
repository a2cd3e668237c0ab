"""Links of stored studies in the real Orthanc: fresh DICOMweb, undo to the byte, two people at once, pulled plugs."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

from tests.live.link_steps import link, post
from tests.live.tag_steps import (
    alike,
    digests,
    ended,
    held,
    metadata,
    spooled,
    store,
    succeeded,
    undo,
)
from tests.support.running import bare_orthanc, running
from tests.support.samples import fresh_series, small
from tests.support.scu import message_of, send
from tests.support.server import Server
from tests.support.steps import eventually, instances, place_order, study, the_study

ASA = "Lindqvist^Åsa"


def unlink(server: Server, uid: str) -> str:
    answer = post(server, f"/api/v1/reconciliation/{uid}/unlink", {})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def order_of(server: Server, order: dict[str, Any]) -> dict[str, Any]:
    return dict(server.get(f"/api/v1/orders/{order['id']}", "nurse").json())


def names(server: Server, uid: str) -> set[str]:
    return {name["Alphabetic"] for name in metadata(server, uid, "00100010")}


def followed(server: Server, change: str, status: str = "done") -> dict[str, Any]:
    """The change when all its studies have followed."""
    path = f"/api/v1/changes/{change}"
    eventually(lambda: server.get(path, "nurse").json()["status"] == status)
    return dict(server.get(path, "nurse").json())


def latest_change(server: Server, mrn: str) -> str:
    return str(server.get(f"/api/v1/changes?patient_id={mrn}&limit=1", "nurse").json()["items"][0]["id"])


def test_a_link_and_its_undo_through_dicomweb(server: Server) -> None:
    """A whole series: QIDO and cached metadata say the new patient at once; undo restores every byte."""
    order = place_order(server)
    uid = store(server, fresh_series())
    before, seen, was = digests(server, uid), study(server, uid), names(server, uid)
    count = len(before)
    job = link(server, uid, order_id=order["accession_number"])
    end = succeeded(server, job)
    assert (end["kind"], end["number_of_instances"], end["number_done"]) == ("link", count, count)
    assert names(server, uid) == {ASA}
    assert metadata(server, uid, "00080050") == [order["accession_number"]] * count
    (found,) = server.get(f"/dicom-web/studies?PatientID={order['mrn']}", "doctor").json()
    assert found["0020000D"]["Value"] == [uid]
    shown = order_of(server, order)
    assert (shown["status"], shown["study_instance_uid"], shown["number_of_images"]) == ("in_progress", uid, count)
    succeeded(server, undo(server, job))
    assert digests(server, uid) == before and names(server, uid) == was
    assert study(server, uid) == seen
    assert order_of(server, order)["orthanc_study_id"] is None


def test_unlinking_gives_back_what_the_scanner_said(server: Server) -> None:
    """Linked on arrival: the files get their own values back; undone, they are byte for byte what was stored."""
    order = place_order(server)
    uid = store(server, alike(3), X_Order_Id=order["id"])
    linked = digests(server, uid)
    job = unlink(server, uid)
    succeeded(server, job)
    for ds in instances(server, uid):
        said = (ds.PatientID, str(ds.PatientName), ds.PatientBirthDate, ds.PatientSex, ds.AccessionNumber)
        assert said == ("SCAN-7", "SCANNER^NAME", "", "", "")
    assert the_study(server, uid)["link_status"] == "unlinked"
    listed = server.get(f"/api/v1/reconciliation/{uid}", "technician").json()
    assert listed["why"] == "unlinked"
    succeeded(server, undo(server, job))
    assert digests(server, uid) == linked and names(server, uid) == {ASA}
    assert order_of(server, order)["study_instance_uid"] == uid


def test_a_study_of_two_patients_is_made_one_by_linking_it(tmp_path: Path) -> None:
    """Orthanc without us took two images of somebody else under its UID; all images get one identity, and undo parts
    them again."""
    with running(tmp_path) as server:
        order = place_order(server)
        uid = store(server, alike(2))
        server.stop()
        with bare_orthanc(server):
            strangers = [small(PatientID="P-OTHER", StudyInstanceUID=uid) for _ in range(2)]
            assert send(server.dicom_port, [message_of(data) for data in strangers]) == [0, 0]
        server.start()
        eventually(lambda: the_study(server, uid)["link_status"] == "ambiguous")
        before = held(server, uid)
        assert len(before) == 4
        (listed,) = [
            item
            for item in server.get("/api/v1/reconciliation?link_status=ambiguous", "technician").json()["items"]
            if item["study"]["study_instance_uid"] == uid
        ]
        assert listed["why"] == "contradicted"
        job = link(server, uid, order_id=order["id"])
        succeeded(server, job)
        assert names(server, uid) == {ASA} and len(instances(server, uid)) == 4
        assert the_study(server, uid)["link_status"] == "linked"
        succeeded(server, undo(server, job))
        assert held(server, uid) == before
        assert the_study(server, uid)["link_status"] == "ambiguous"


def test_images_before_their_order_are_linked_when_it_comes(server: Server) -> None:
    """The EHR is late; nobody has to do anything."""
    number = uuid.uuid4().hex[:8].upper()
    said = {
        "PatientID": f"MRN-{number}", "PatientName": "Ostrander^Wilhelmina", "PatientBirthDate": "19470923",
        "AccessionNumber": f"A{number}",
    }  # fmt: skip
    uid = store(server, [small(**said)])
    person = {"family_name": "Östrander", "given_name": "Wilhelmina", "birth_date": "1947-09-23", "sex": "female"}
    assert server.put(f"/api/v1/patients/MRN-{number}", person).status_code == 201
    order = {"mrn": f"MRN-{number}", "modality": "MR", "description": "Brain"}
    assert server.put(f"/api/v1/orders/A{number}", order).status_code == 201
    eventually(lambda: the_study(server, uid)["link_status"] == "linked")
    assert names(server, uid) == {"Östrander^Wilhelmina"}
    assert the_study(server, uid)["linked_by"] == "ehr-bridge"


def test_a_rename_is_followed_and_taken_back(server: Server) -> None:
    """Two studies of one patient: metadata that a viewer had fetched is fresh, and the bytes come back."""
    order = place_order(server)
    uids = [store(server, alike(2), X_Order_Id=order["id"]) for _ in range(2)]
    before = [digests(server, uid) for uid in uids]
    assert all(names(server, uid) == {ASA} for uid in uids)
    person = {"family_name": "Berg", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
    assert server.put(f"/api/v1/patients/{order['mrn']}", person).status_code == 200
    change = latest_change(server, order["mrn"])
    assert followed(server, change)["number_done"] == 2
    assert all(names(server, uid) == {"Berg^Åsa"} for uid in uids)
    back = post(server, f"/api/v1/changes/{change}/undo", {}, "service").json()
    followed(server, back["id"])
    assert [digests(server, uid) for uid in uids] == before
    assert all(names(server, uid) == {ASA} for uid in uids)


def test_a_merge_and_its_undoing(server: Server) -> None:
    """Studies and orders go to the survivor and come back, to the byte."""
    order, other = place_order(server), place_order(server, family_name="Lindqvist-Berg")
    uid = store(server, alike(3), X_Order_Id=order["id"])
    before, seen = digests(server, uid), study(server, uid)
    answer = post(server, f"/api/v1/patients/{order['mrn']}/merge", {"into": other["mrn"]}, "service")
    assert answer.status_code == 202, answer.text
    followed(server, answer.json()["id"])
    assert names(server, uid) == {"Lindqvist-Berg^Åsa"} and order_of(server, order)["mrn"] == other["mrn"]
    found = server.get(f"/dicom-web/studies?PatientID={other['mrn']}", "doctor").json()
    assert [s["0020000D"]["Value"] for s in found] == [[uid]]
    answer = post(server, f"/api/v1/patients/{order['mrn']}/unmerge", {}, "service")
    assert answer.status_code == 202, answer.text
    followed(server, answer.json()["id"])
    assert digests(server, uid) == before and names(server, uid) == {ASA}
    now = study(server, uid)
    assert now is not None and seen is not None and now["orthanc_study_id"] == seen["orthanc_study_id"]


def test_six_people_at_once_one_wins_and_the_others_hear_who(server: Server) -> None:
    """Each for another order, with the version that all had looked at."""
    orders = [place_order(server) for _ in range(6)]
    uid = store(server, alike(3))
    version = server.get(f"/api/v1/reconciliation/{uid}", "technician").json()["version"]
    answers: list[tuple[int, Any]] = []

    def ask(number: int) -> None:
        body = {"order_id": orders[number]["id"], "expected": version}
        answers.append((number, post(server, f"/api/v1/reconciliation/{uid}/link", body, subject=f"tech-{number}")))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((winner, accepted),) = [(number, answer) for number, answer in answers if answer.status_code == 202]
    for _, answer in answers:
        if answer is not accepted:
            assert answer.status_code == 409, answer.text
            assert answer.json()["code"] in {"modification_running", "study_changed"}
            assert f"tech-{winner}" in answer.json()["detail"]
    succeeded(server, accepted.json()["id"])
    assert set(metadata(server, uid, "00080050")) == {orders[winner]["accession_number"]}


def test_kill_9_in_the_middle_of_a_link_loses_nothing(server: Server) -> None:
    """Twice: every image is in Orthanc's folder or in the spool, the link is made after the start, undo is exact."""
    order = place_order(server)
    uid = store(server, alike(40))
    before = digests(server, uid)
    job = link(server, uid, order_id=order["id"])
    for progress in (3, 20):
        eventually(lambda least=progress: server.get(f"/api/v1/jobs/{job}", "nurse").json()["number_done"] >= least)
        server.kill()
        assert set(held(server, uid)) | spooled(server, uid) == set(before)
        server.start()
    end = succeeded(server, job)
    assert (end["number_of_instances"], end["number_done"]) == (40, 40)
    assert names(server, uid) == {ASA}
    seen = study(server, uid)
    assert seen is not None and (seen["link_status"], seen["number_of_instances"]) == ("linked", 40)
    assert order_of(server, order)["number_of_images"] == 40
    succeeded(server, undo(server, job))
    assert digests(server, uid) == before
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def test_kill_9_while_many_studies_follow(server: Server) -> None:
    """A merge of a patient with eight studies goes on after the start, and every study follows once."""
    order, other = place_order(server), place_order(server, family_name="Berg")
    uids = [store(server, alike(3), X_Order_Id=order["id"]) for _ in range(8)]
    answer = post(server, f"/api/v1/patients/{order['mrn']}/merge", {"into": other["mrn"]}, "service")
    change = answer.json()["id"]
    eventually(lambda: server.get(f"/api/v1/changes/{change}", "nurse").json()["number_done"] >= 2)
    server.kill()
    server.start()
    assert followed(server, change)["number_done"] == 8
    assert all(names(server, uid) == {"Berg^Åsa"} for uid in uids)
    assert {the_study(server, uid)["mrn"] for uid in uids} == {other["mrn"]}
    for uid in uids:
        audit = server.get(f"/api/v1/audit?action=study.followed&study_instance_uid={uid}", "admin").json()
        assert audit["total"] == 1


def test_the_history_of_a_real_study(server: Server) -> None:
    """From the first image to the link and back, in order."""
    order = place_order(server)
    uid = store(server, [small()])
    job = link(server, uid, order_id=order["id"])
    succeeded(server, job)
    ended(server, undo(server, job))
    story = server.get(f"/api/v1/dicom/studies/{uid}/history", "nurse").json()["items"]
    assert [step["action"] for step in story] == [
        "study.received", "study.link_requested", "study.linked", "study.undo_requested", "study.modification_undone",
    ]  # fmt: skip
    assert story[-1]["link_after"]["link_status"] == "unlinked"
