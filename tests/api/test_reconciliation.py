"""Reconciliation: the list, linking, unlinking, undoing, two people at once; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.models import StudyLink
from tests.api.conftest import Api
from tests.api.link_steps import (
    audited,
    history,
    identities,
    link,
    one,
    order,
    post,
    put_order,
    put_patient,
    reconciliation,
    study,
    unlink,
)
from tests.api.tag_steps import files, job, jobs, modify, rows, store, undo
from tests.support.samples import small

ASA = ("MRN-1", "Lindqvist^Åsa", "19610314", "F", "ACC-1", "Ekström^Maria")
SCANNER = ("SCAN-7", "SCANNER^NAME", "", "", "", "")


def facts(api: Api) -> list[tuple[Any, ...]]:
    with api.services.database.read() as session:
        links = session.scalars(select(StudyLink).order_by(StudyLink.linked_at)).all()
        return [(fact.linked_by, fact.unlinked_at is None) for fact in links]


def test_the_list_shows_whom_a_study_could_belong_to_and_what_would_change(api: Api) -> None:
    """A misread patient ID: the order is found, with evidence and differences field by field."""
    placed = api.place_order()
    uid = store(api, 1, AccessionNumber="ACC-1", PatientID="MRN-X", PatientName="Lindqvist^Asa", PatientSex="F")
    (item,) = reconciliation(api)["items"]
    assert (item["study"]["study_instance_uid"], item["why"], item["job"]) == (uid, "ambiguous", None)
    (candidate,) = item["candidates"]
    assert (candidate["order_id"], candidate["mrn"], candidate["kind"]) == (placed["id"], "MRN-1", "ambiguous")
    assert {e["field"]: e["agrees"] for e in candidate["evidence"]}["PatientID"] is False
    assert {d["tag"]: (d["file"], d["ehr"], d["differs"]) for d in candidate["differences"]} == {
        "PatientID": ("MRN-X", "MRN-1", True),
        "IssuerOfPatientID": ("", None, False),
        "PatientName": ("Lindqvist^Asa", "Lindqvist^Åsa", True),
        "PatientBirthDate": ("", "19610314", True),
        "PatientSex": ("F", "F", False),
        "AccessionNumber": ("ACC-1", "ACC-1", False),
    }
    assert one(api, uid) == item


def test_the_list_filters_sorts_and_pages(api: Api) -> None:
    """Linked studies are not on it."""
    api.place_order()
    older = store(api, 1, StudyDate="20260101", PatientName="Aalto^Bo")
    newer = store(api, 1, StudyDate="20260201", PatientName="Zorn^Ida", Modality="CT")
    api.upload(small(), headers={"X-Order-Id": "ACC-1"})

    def uids(query: str) -> list[str]:
        return [item["study"]["study_instance_uid"] for item in reconciliation(api, query)["items"]]

    assert uids("") == [newer, older] and reconciliation(api)["total"] == 2
    assert uids("?sort=patient_name&limit=1") == [older]
    assert uids("?modality=CT") == uids("?study_date_from=2026-01-15") == uids("?patient_name=ida") == [newer]
    assert uids("?link_status=ambiguous") == []
    assert api.get("/api/v1/reconciliation?link_status=linked", "technician").status_code == 422
    assert api.get("/api/v1/reconciliation", "doctor").status_code == 403


def test_linking_makes_every_file_say_so_and_the_order_shows_it(api: Api, tmp_path: Path) -> None:
    """In one step at the end of the job: until then the study is as it was."""
    placed = api.place_order()
    uid = store(api)
    asked = link(api, uid, order_id="ACC-1")
    assert (asked["kind"], asked["status"], one(api, uid)["job"]["id"]) == ("link", "queued", asked["id"])
    assert study(api, uid)["link_status"] == "unlinked"
    assert jobs(api, tmp_path).run() == 0
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("succeeded", 3)
    assert identities(api, uid) == {ASA}
    assert rows(api) == set(files(api))
    seen = study(api, uid)
    assert (seen["link_status"], seen["mrn"], seen["order_id"], seen["linked_by"]) == (
        "linked", "MRN-1", placed["id"], "technician",
    )  # fmt: skip
    shown = order(api)
    assert (shown["status"], shown["study_instance_uid"], shown["number_of_images"]) == ("in_progress", uid, 3)
    assert shown["orthanc_study_id"] == seen["orthanc_study_id"]
    assert reconciliation(api)["total"] == 0
    assert audited(api, uid)[-2:] == ["study.link_requested", "study.linked"]
    assert api.get(f"/api/v1/dicom/uploads/patient/{seen['patient_id']}", "nurse").json["total"] == 3
    assert api.archive.refreshed == [uid]


def test_images_that_come_after_a_link_get_it_on_their_way_in(api: Api, tmp_path: Path) -> None:
    """The modality still has the old identity."""
    api.place_order()
    uid = store(api)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    store(api, 1, StudyInstanceUID=uid)
    assert identities(api, uid) == {ASA} and study(api, uid)["link_status"] == "linked"


def test_linking_to_a_patient_without_an_order_keeps_the_files_accession_number(api: Api, tmp_path: Path) -> None:
    """What the EHR does not say stays as the file says."""
    put_patient(api, status=201)
    uid = store(api, AccessionNumber="OUTSIDE-1", ReferringPhysicianName="Doe^Jane")
    link(api, uid, patient_id="MRN-1", role="radiologist")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {("MRN-1", "Lindqvist^Åsa", "19610314", "F", "OUTSIDE-1", "Doe^Jane")}
    assert (study(api, uid)["link_status"], study(api, uid)["order_id"]) == ("linked", None)


@pytest.mark.parametrize("by", ["undo", "unlink"])
def test_taking_a_link_back_restores_every_byte_and_every_row(api: Api, tmp_path: Path, by: str) -> None:
    """Undoing the job, or unlinking when nothing came after it: the same."""
    api.place_order()
    uid = store(api)
    before, seen, shown = files(api), study(api, uid), order(api)
    asked = link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    back = undo(api, asked["id"]) if by == "undo" else unlink(api, uid)
    jobs(api, tmp_path).run()
    assert job(api, back["id"])["status"] == "succeeded"
    assert files(api) == before and rows(api) == set(before)
    assert study(api, uid) == seen
    now = order(api)
    assert {k: v for k, v in now.items() if k != "updated_at"} == {k: v for k, v in shown.items() if k != "updated_at"}
    assert facts(api) == [("technician", False)]


def test_unlinking_what_was_linked_on_arrival_gives_back_what_the_scanner_said(api: Api, tmp_path: Path) -> None:
    """Each file its own values, from its Original Attributes Sequence; and undoing that links it again, to the byte."""
    api.place_order()
    uid = generate_uid()
    for name in ("SCANNER^NAME", "SCANNER^OTHER"):
        api.upload(small(StudyInstanceUID=uid, PatientName=name), headers={"X-Order-Id": "ACC-1"})
    linked, seen, shown = files(api), study(api, uid), order(api)
    asked = unlink(api, uid)
    assert asked["kind"] == "unlink"
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {SCANNER, ("SCAN-7", "SCANNER^OTHER", "", "", "", "")}
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("unlinked", None)
    assert (order(api)["status"], order(api)["orthanc_study_id"]) == ("scheduled", None)
    assert audited(api, uid)[-2:] == ["study.unlink_requested", "study.unlinked"]
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == linked and study(api, uid) == seen
    assert {**order(api), "updated_at": 0} == {**shown, "updated_at": 0}
    assert facts(api) == [("technician", True)]


def test_linking_to_another_patient_leaves_nothing_of_the_first(api: Api, tmp_path: Path) -> None:
    """Sex and birth date of the wrong patient do not stay where the right one's are unknown."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name=None, birth_date=None, sex="unknown")
    uid = store(api)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    linked, seen = files(api), study(api, uid)
    assert link(api, uid, 409, patient_id="MRN-2")["code"] == "study_is_linked"
    asked = link(api, uid, patient_id="MRN-2", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {("MRN-2", "Okafor", "", "", "", "")}
    assert (order(api)["status"], order(api)["orthanc_study_id"]) == ("scheduled", None)
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == linked and study(api, uid) == seen
    assert order(api)["study_instance_uid"] == uid


def test_corrections_by_hand_survive_a_link_and_its_end(api: Api, tmp_path: Path) -> None:
    """A date that somebody corrected stays corrected; a name gives way to the EHR's and comes back."""
    api.place_order()
    uid = store(api)
    modify(api, uid, PatientName="Öberg^Kaj", StudyDate="20260201")
    jobs(api, tmp_path).run()
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    modify(api, uid, StudyDate="20260301")
    jobs(api, tmp_path).run()
    assert unlink(api, uid)["kind"] == "unlink"
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {("SCAN-7", "Öberg^Kaj", "", "", "", "")}
    assert study(api, uid)["study_date"] == "2026-03-01"
    store(api, 1, StudyInstanceUID=uid)
    assert identities(api, uid) == {("SCAN-7", "Öberg^Kaj", "", "", "", "")}


def test_two_people_at_once_one_wins_and_the_other_hears_who(api: Api, tmp_path: Path) -> None:
    """While the job runs, and after it, with the version that both had looked at."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = store(api)
    version = one(api, uid)["version"]
    link(api, uid, order_id="ACC-1", expected=version)
    late = link(api, uid, 409, "radiologist", order_id="ACC-2", expected=version)
    assert late["code"] == "modification_running" and "technician" in late["detail"]
    jobs(api, tmp_path).run()
    late = link(api, uid, 409, "radiologist", order_id="ACC-2", expected=version)
    assert late["code"] == "study_changed" and "technician" in late["detail"]
    headers = {"If-Match": f'"{version}"'}
    path, body = f"/api/v1/reconciliation/{uid}/link", {"order_id": "ACC-2", "reason": "no"}
    assert api.call("POST", path, "radiologist", json=body, headers=headers).json["code"] == "study_changed"
    headers = {"If-Match": api.get(f"/api/v1/reconciliation/{uid}", "radiologist").headers["ETag"]}
    assert api.call("POST", path, "radiologist", json=body, headers=headers).status_code == 202
    jobs(api, tmp_path).run()
    assert study(api, uid)["accession_number"] == "ACC-2"


def test_a_study_of_two_patients_is_repaired_by_linking_it(api: Api, tmp_path: Path) -> None:
    """Orthanc holds two studies with one UID, which DICOMweb cannot read; linked, it is one again."""
    api.place_order()
    uid = store(api, 2)
    store(api, 1, StudyInstanceUID=uid, PatientID="SCAN-8", PatientName="OTHER^NAME")
    assert len({api.archive.studies[i] for i in files(api)}) == 2
    item = one(api, uid)
    assert (item["why"], study(api, uid)["link_status"]) == ("contradicted", "ambiguous")
    before, seen = files(api), study(api, uid)
    asked = link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA} and len({api.archive.studies[i] for i in files(api)}) == 1
    assert study(api, uid)["link_status"] == "linked" and rows(api) == set(files(api))
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before and study(api, uid) == seen


def test_an_order_is_made_from_a_study(api: Api, tmp_path: Path) -> None:
    """With the file's own accession number, and what the images are."""
    put_patient(api, status=201)
    uid = store(api, 2, AccessionNumber="OUTSIDE-1")
    path = f"/api/v1/reconciliation/{uid}/create-order"
    made = post(api, path, {"patient_id": "MRN-1", "reason": "CD from outside"}, 202, "technician")
    jobs(api, tmp_path).run()
    shown = order(api, "OUTSIDE-1")
    assert shown["id"] == made["order"]["id"] and made["job"]["kind"] == "link"
    assert (shown["modality"], shown["description"], shown["status"], shown["number_of_images"]) == (
        "MR", "MR brain", "in_progress", 2,
    )  # fmt: skip
    assert study(api, uid)["accession_number"] == "OUTSIDE-1"
    other = store(api, 1)
    body = {"patient_id": "MRN-1", "accession_number": "OUTSIDE-1", "reason": "again"}
    taken = post(api, f"/api/v1/reconciliation/{other}/create-order", body, 409, "technician")
    assert taken["code"] == "accession_number_taken"
    made = post(
        api, f"/api/v1/reconciliation/{other}/create-order", {"patient_id": "MRN-1", "reason": "x"}, 202, "technician"
    )
    assert len(made["order"]["accession_number"]) == 16


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "x"}, 422, "invalid_request"),
        ({"order_id": "ACC-1"}, 422, "invalid_request"),
        ({"order_id": "ACC-1", "reason": " "}, 422, "invalid_request"),
        ({"order_id": "ACC-1", "reason": "x", "expected": "no version"}, 422, "invalid_request"),
        ({"order_id": "ACC-9", "reason": "x"}, 404, "order_not_found"),
        ({"patient_id": "MRN-9", "reason": "x"}, 404, "patient_not_found"),
        ({"order_id": "ACC-1", "patient_id": "MRN-2", "reason": "x"}, 409, "order_of_another_patient"),
        ({"order_id": "ACC-3", "reason": "x"}, 409, "order_cancelled"),
    ],
)
def test_a_link_that_cannot_be_is_refused_and_nothing_is_done(
    api: Api, body: dict[str, str], status: int, code: str
) -> None:
    """With the reason; and an unknown study, a study without a link, a caller without the permission."""
    api.place_order()
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-3")
    api.call("POST", "/api/v1/orders/ACC-3/cancel", "service")
    uid = store(api, 1)
    path = f"/api/v1/reconciliation/{uid}/link"
    assert post(api, path, body, status, "technician")["code"] == code
    assert one(api, uid)["job"] is None
    assert link(api, "1.2.3", 404, order_id="ACC-1")["code"] == "study_not_found"
    assert unlink(api, uid, 409)["code"] == "not_linked"
    assert link(api, uid, 403, "doctor", order_id="ACC-1")["code"] == "permission_missing"


def test_a_link_is_not_taken_back_to_an_order_that_is_gone(api: Api, tmp_path: Path) -> None:
    """Its former order was cancelled meanwhile: a person links anew."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = store(api)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    asked = link(api, uid, order_id="ACC-2", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").status_code == 200
    assert undo(api, asked["id"], 409)["code"] == "cannot_undo"


def test_a_file_that_cannot_get_the_identity_stops_the_link_before_anything_is_touched(
    api: Api, tmp_path: Path
) -> None:
    """The study stays where it was, and the job says why."""
    from tests.support.samples import unrecodable

    api.place_order()
    uid = generate_uid()
    assert api.upload(unrecodable(StudyInstanceUID=uid)).status_code == 201
    before = files(api)
    asked = link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["error_code"]) == ("failed", "cannot_recode")
    assert files(api) == before and study(api, uid)["link_status"] == "unlinked"


def test_the_history_tells_the_whole_story_in_order(api: Api, tmp_path: Path) -> None:
    """Arrival, coercion, unlinking, linking, a modification, its undoing: before and after, who and why."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = api.upload(small(), headers={"X-Order-Id": "ACC-1"}).json["studies"][0]["study_instance_uid"]
    unlink(api, uid)
    jobs(api, tmp_path).run()
    link(api, uid, order_id="ACC-2")
    jobs(api, tmp_path).run()
    dated = modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    undo(api, dated["id"])
    jobs(api, tmp_path).run()
    story = history(api, uid)
    assert [step["action"] for step in story] == audited(api, uid) == [
        "study.linked", "study.received", "study.unlink_requested", "study.unlinked", "study.link_requested",
        "study.linked", "study.modification_requested", "study.modified", "study.undo_requested",
        "study.modification_undone",
    ]  # fmt: skip
    arrived, received, _, unlinked, _, linked, _, modified, _, _ = story
    assert {"tag": "PatientID", "before": "SCAN-7", "after": "MRN-1"} in arrived["coerced"]
    assert (received["door"], received["number_of_files"], received["actor"]) == ("upload", 1, "technician")
    assert (unlinked["link_before"]["accession_number"], unlinked["link_after"]["link_status"]) == ("ACC-1", "unlinked")
    assert (linked["link_after"]["accession_number"], linked["reason"]) == (
        "ACC-2",
        "the console had the wrong patient",
    )
    assert {"tag": "PatientID", "before": "SCAN-7", "after": "MRN-1", "instances": 1} in linked["changes"]
    assert modified["changes"] == [{"tag": "StudyDate", "before": "20260115", "after": "20260201", "instances": 1}]
    assert api.get("/api/v1/dicom/studies/1.2.3/history", "nurse").status_code == 404
