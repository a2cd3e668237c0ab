"""Linking, unlinking and undoing: every file, the study, its order; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.studies import StudyLink
from tests.api.conftest import Api
from tests.api.late_steps import other_patients_image
from tests.api.link_steps import (
    ASA,
    SCANNER,
    audited,
    identities,
    link,
    one,
    order,
    put_order,
    put_patient,
    reconciliation,
    study,
    unlink,
)
from tests.api.tag_steps import files, job, jobs, modify, rows, store, undo
from tests.support.samples import small, unrecodable


def facts(api: Api) -> list[tuple[Any, ...]]:
    with api.services.database.read() as session:
        links = session.scalars(select(StudyLink).order_by(StudyLink.linked_at)).all()
        return [(fact.linked_by, fact.unlinked_at is None) for fact in links]


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


def test_a_study_of_two_patients_is_repaired_by_linking_it(api: Api, tmp_path: Path) -> None:
    """Orthanc holds two studies with one UID, which DICOMweb cannot read; linked, it is one again."""
    api.place_order()
    uid = store(api, 2)
    other_patients_image(api, uid)
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
    api.place_order()
    uid = generate_uid()
    assert api.upload(unrecodable(StudyInstanceUID=uid)).status_code == 201
    before = files(api)
    asked = link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["error_code"]) == ("failed", "cannot_recode")
    assert files(api) == before and study(api, uid)["link_status"] == "unlinked"
