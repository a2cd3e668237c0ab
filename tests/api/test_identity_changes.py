"""Changed facts: renamed and merged patients, moved, cancelled and renumbered orders; on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.services.deletion.purge import Purge
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved
from tests.api.identity_steps import linked, merge, take_back
from tests.api.late_steps import other_patients_image
from tests.api.link_steps import (
    ASA,
    audited,
    changes,
    history,
    identities,
    one,
    order,
    post,
    put_order,
    put_patient,
    study,
)
from tests.api.tag_steps import files, job, jobs, modify, undo
from tests.support.samples import small, unrecodable


def test_studies_follow_a_patient_who_is_renamed_and_the_list_says_how_far(api: Api, tmp_path: Path) -> None:
    """Every file, DICOMweb fresh; images that come meanwhile; and back to the byte."""
    api.place_order()
    uids = [linked(api), linked(api)]
    before = files(api)
    put_patient(api, family_name="Berg")
    change = changes(api)[0]
    assert (change["kind"], change["before"], change["after"], change["status"]) == (
        "patient_updated", {"family_name": "Lindqvist"}, {"family_name": "Berg"}, "running",
    )  # fmt: skip
    assert (change["number_of_studies"], change["number_done"], change["mrn"]) == (2, 0, "MRN-1")
    assert study(api, uids[0])["patient_name"] == "Berg^Åsa"
    for _ in range(2):
        jobs(api, tmp_path).run()
    berg = (ASA[0], "Berg^Åsa", *ASA[2:])
    assert all(identities(api, uid) == {berg} for uid in uids)
    assert set(api.archive.refreshed) == set(uids)
    done = api.get(f"/api/v1/changes/{change['id']}", "nurse").json
    assert (done["status"], done["number_done"]) == ("done", 2)
    assert audited(api, uids[0])[-1] == "study.followed"
    story = history(api, uids[0])
    assert [step["action"] for step in story[-2:]] == ["patient.updated", "study.followed"]
    assert (story[-2]["before"], story[-2]["after"]) == ({"family_name": "Lindqvist"}, {"family_name": "Berg"})
    assert story[-1]["change_id"] == change["id"] and story[-1]["changes"][0]["after"] == "Berg^Åsa"
    back = take_back(api, change["id"])
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert files(api) == before
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["family_name"] == "Lindqvist"
    assert [c["undone_by"] for c in changes(api)] == [None, back["id"]]
    assert take_back(api, change["id"], 409)["code"] == "cannot_undo"


def test_a_rename_that_was_followed_by_another_is_not_taken_back(api: Api, tmp_path: Path) -> None:
    """Undo backwards; and a follow by itself cannot be undone against the EHR."""
    api.place_order()
    uid = linked(api, 1)
    put_patient(api, family_name="Berg")
    put_patient(api, family_name="Dahl")
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert {identity[1] for identity in identities(api, uid)} == {"Dahl^Åsa"}
    latest, first = changes(api)
    assert take_back(api, first["id"], 409)["code"] == "cannot_undo"
    follow = next(step["job_id"] for step in history(api, uid) if step["action"] == "study.followed")
    assert undo(api, follow, 409)["code"] == "cannot_undo"
    take_back(api, latest["id"])
    take_back(api, first["id"])
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA}


def test_a_study_that_is_busy_or_hidden_follows_when_it_can(api: Api, tmp_path: Path) -> None:
    """A job under way ends first; a study whose deletion is requested waits until it is back."""
    api.place_order()
    busy, hidden = linked(api, 1), linked(api, 1)
    asked = modify(api, busy, StudyDate="20260201")
    headers = {"X-Reason": "wrong patient"}
    deletion = api.call("DELETE", f"/api/v1/dicom/studies/{hidden}", "radiologist", headers=headers).json["id"]
    put_patient(api, family_name="Berg")
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    assert {identity[1] for identity in identities(api, busy)} == {"Berg^Åsa"}
    assert identities(api, hidden) == {ASA} and changes(api)[0]["status"] == "running"
    assert api.call("POST", f"/api/v1/deletions/{deletion}/reject", "manager").status_code == 200
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert {identity[1] for identity in identities(api, hidden)} == {"Berg^Åsa"}
    assert changes(api)[0]["status"] == "done"


def test_a_study_that_is_deleted_for_good_needs_to_follow_nobody(api: Api, tmp_path: Path) -> None:
    """It was renamed during the days of grace; after the purge the change is done."""
    api.place_order()
    uid = linked(api, 1)
    approved(api, uid)
    put_patient(api, family_name="Berg")
    jobs(api, tmp_path).run()
    assert changes(api)[0]["status"] == "running"
    services = api.services
    Purge(
        services.database,
        services.hidden,
        services.thumbnails,
        lambda: services.clock() + timedelta(days=400),
        lambda: "node",
    ).run(Purging())
    jobs(api, tmp_path).run()
    assert (changes(api)[0]["status"], identities(api, uid)) == ("done", {ASA})


def test_a_merge_moves_studies_and_orders_and_taking_it_back_restores_every_byte(api: Api, tmp_path: Path) -> None:
    """The old number answers with a pointer, and means the survivor wherever it is named."""
    api.place_order()
    survivor = put_patient(api, "MRN-2", 201, family_name="Lindqvist", given_name="Åsa Maria")
    put_order(api, "ACC-2", "MRN-2")
    uid = linked(api)
    before, seen, shown = files(api), study(api, uid), order(api)
    change = merge(api, "MRN-1", "MRN-2")
    assert (change["kind"], change["number_of_studies"], change["status"]) == ("patient_merged", 1, "running")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {("MRN-2", "Lindqvist^Åsa Maria", *ASA[2:])}
    assert (study(api, uid)["mrn"], order(api)["mrn"]) == ("MRN-2", "MRN-2")
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["merged_into_id"] == survivor["id"]
    assert api.get("/api/v1/dicom/studies/patient/MRN-1", "nurse").json["total"] == 1
    assert put_patient(api, "MRN-1", 409)["code"] == "patient_merged"
    assert put_order(api, "ACC-3", "MRN-1")["mrn"] == "MRN-2"
    late = api.upload(small(PatientID="MRN-1", PatientName="Lindqvist^Asa", AccessionNumber="ACC-3")).json
    assert late["studies"][0]["match"]["kind"] == "exact"
    assert merge(api, "MRN-1", "MRN-2", 409)["code"] == "patient_merged"
    assert audited(api).count("patient.merged") == 2
    path, body = "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}
    post(api, path, body, 202, "service")
    jobs(api, tmp_path).run()
    assert {key: data for key, data in files(api).items() if key in before} == before
    assert study(api, uid) == {**seen, "linked_by": "service"}
    assert {**order(api), "updated_at": 0} == {**shown, "updated_at": 0}
    assert order(api, "ACC-3")["mrn"] == "MRN-1"
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["merged_into_id"] is None
    assert post(api, path, body, 409, "service")["code"] == "not_merged"
    assert merge(api, "MRN-1", "MRN-1", 422)["errors"][0]["field"] == "into"
    assert merge(api, "MRN-1", "MRN-404", 404)["code"] == "patient_not_found"
    assert post(api, path, body, 403, "radiologist")["code"] == "permission_missing"


def test_a_chain_of_merges_is_taken_back_from_its_end(api: Api, tmp_path: Path) -> None:
    """One into two, two into three: two cannot give one back before it stands itself."""
    api.place_order()
    put_patient(api, "MRN-2", 201)
    put_patient(api, "MRN-3", 201)
    uid = linked(api, 1)
    first = merge(api, "MRN-1", "MRN-2")
    merge(api, "MRN-2", "MRN-3")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert {identity[0] for identity in identities(api, uid)} == {"MRN-3"}
    assert take_back(api, first["id"], 409)["code"] == "cannot_undo"
    post(api, "/api/v1/patients/MRN-2/unmerge", {"reason": "x"}, 202, "service")
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "x"}, 202, "service")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA} and order(api)["mrn"] == "MRN-1"


def test_an_order_that_moves_to_another_patient_takes_its_studies_along(api: Api, tmp_path: Path) -> None:
    """Nothing of the wrong patient is left in the files; and back."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi", birth_date=None, sex="unknown")
    uid = linked(api)
    before, seen = files(api), study(api, uid)
    assert put_order(api, mrn="MRN-2")["mrn"] == "MRN-2"
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {("MRN-2", "Okafor^Chidi", "", "", "ACC-1", "Ekström^Maria")}
    assert study(api, uid)["mrn"] == "MRN-2" and order(api)["study_instance_uid"] == uid
    take_back(api, changes(api, "?kind=order_updated")[0]["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before and study(api, uid) == {**seen, "linked_by": "service"}


def test_a_cancelled_order_leaves_its_images_with_the_patient(api: Api, tmp_path: Path) -> None:
    """Without its accession number; taken back, the order shows them again."""
    api.place_order()
    uid = linked(api, 2, AccessionNumber="OLD-1")
    before, shown = files(api), order(api)
    assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").json["status"] == "cancelled"
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {(*ASA[:4], "OLD-1", "")}
    assert (study(api, uid)["mrn"], study(api, uid)["order_id"]) == ("MRN-1", None)
    assert order(api)["orthanc_study_id"] is None
    take_back(api, changes(api, "?order_id=ACC-1")[0]["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before and study(api, uid)["accession_number"] == "ACC-1"
    assert {**order(api), "updated_at": 0} == {**shown, "updated_at": 0}
    assert "order.reinstated" in audited(api)


def test_a_corrected_accession_number_is_carried_by_the_studies(api: Api, tmp_path: Path) -> None:
    """One that another order has is refused; the former one is free again after."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = linked(api, 1)
    before = files(api)
    path = "/api/v1/orders/ACC-1/accession-number"
    taken = post(api, path, {"accession_number": "ACC-2", "reason": "x"}, 409, "service")
    assert taken["code"] == "accession_number_taken"
    change = post(api, path, {"accession_number": "ACC-11", "reason": "digit lost"}, 202, "service")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {(*ASA[:4], "ACC-11", ASA[5])}
    assert api.get("/api/v1/dicom/studies/accession/ACC-11", "nurse").json["total"] == 1
    take_back(api, change["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before and order(api)["study_instance_uid"] == uid
    assert post(api, "/api/v1/orders/NONE/accession-number", {"accession_number": "A", "reason": "x"}, 404, "service")


def test_following_goes_on_after_a_restart_and_a_failure_is_told(api: Api, tmp_path: Path) -> None:
    """A name that one file cannot hold: that study stays, the change is incomplete, the others follow."""
    api.place_order(family_name="Lindqvist", given_name="Asa")
    put_order(api, ordered_by="Ekstrom^Maria")
    uid = linked(api, 1)
    stubborn = generate_uid()
    assert api.upload(unrecodable(StudyInstanceUID=stubborn), headers={"X-Order-Id": "ACC-1"}).status_code == 201
    put_patient(api, given_name="Åsa")
    for _ in range(3):
        jobs(api, tmp_path).run()
    change = changes(api)[0]
    assert (change["status"], change["number_done"], change["number_failed"]) == ("incomplete", 1, 1)
    assert {identity[1] for identity in identities(api, uid)} == {"Lindqvist^Åsa"}
    assert {identity[1] for identity in identities(api, stubborn)} == {"Lindqvist^Asa"}
    assert one(api, str(stubborn))["why"] == "linked"


def test_files_of_a_study_that_may_hold_two_people_are_not_renamed(api: Api, tmp_path: Path) -> None:
    """An image of somebody else came: a person looks first, the change says that a study stayed behind."""
    api.place_order()
    uid = linked(api)
    other_patients_image(api, uid)
    before = files(api)
    put_patient(api, family_name="Berg")
    jobs(api, tmp_path).run()
    assert changes(api)[0]["status"] == "incomplete"
    with api.services.database.read() as session:
        codes = list(session.scalars(select(Modification.error_code).where(Modification.kind == "follow")))
    assert codes == ["study_contradicted"]
    assert files(api) == before


def test_a_change_that_nobody_made_is_not_found(api: Api) -> None:
    """Looked at or taken back."""
    nobody = "00000000-0000-4000-8000-000000000000"
    assert api.get(f"/api/v1/changes/{nobody}", "nurse").json["code"] == "change_not_found"
    assert take_back(api, nobody, 404)["code"] == "change_not_found"
