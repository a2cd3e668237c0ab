"""Links, undoings, merges and orders in sequences after which a study could be on the wrong patient; both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.linking.following import set_off
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from tests.api.conftest import Api
from tests.api.identity_steps import linked, merge, take_back
from tests.api.late_steps import catch_up, kept
from tests.api.link_steps import (
    ASA,
    changes,
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
from tests.api.tag_steps import jobs, store, undo
from tests.support.samples import small

CHIDI = ("MRN-2", "Okafor^Chidi")
RENAMED = ("MRN-1", "Lindqvist-Berg^Åsa")


def two_people(api: Api) -> None:
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi")


def unmerge(api: Api, mrn: str = "MRN-1") -> None:
    post(api, f"/api/v1/patients/{mrn}/unmerge", {"reason": "two people"}, 202, "service")


def work(api: Api, folder: Path, times: int = 3) -> None:
    for _ in range(times):
        jobs(api, folder).run()


def names(api: Api, uid: str) -> set[tuple[str, ...]]:
    return {identity[:2] for identity in identities(api, uid)}


def test_a_rename_that_nobody_carried_out_before_an_unlink_is_carried_out_after_its_undoing(
    api: Api, tmp_path: Path
) -> None:
    """The study is unlinked before its files could follow; linked again, they say the new name."""
    api.place_order()
    uid = linked(api, 1)
    put_patient(api, family_name="Lindqvist-Berg")
    taken_away = unlink(api, uid)["id"]
    work(api, tmp_path)
    undo(api, taken_away)
    work(api, tmp_path)
    assert study(api, uid)["link_status"] == "linked"
    assert names(api, uid) == {RENAMED}


def test_a_merge_that_nobody_carried_out_before_an_unlink_is_carried_out_after_its_undoing(
    api: Api, tmp_path: Path
) -> None:
    """Row and files name the same record."""
    two_people(api)
    uid = linked(api, 1)
    merge(api, "MRN-1", "MRN-2")
    taken_away = unlink(api, uid)["id"]
    work(api, tmp_path)
    undo(api, taken_away)
    work(api, tmp_path)
    assert study(api, uid)["mrn"] == "MRN-2"
    assert names(api, uid) == {CHIDI}


def test_a_rename_that_nobody_carried_out_before_another_link_is_carried_out_after_its_undoing(
    api: Api, tmp_path: Path
) -> None:
    """Linked to somebody else meanwhile, and back."""
    two_people(api)
    uid = linked(api, 1)
    put_patient(api, family_name="Lindqvist-Berg")
    made = link(api, uid, patient_id="MRN-2", expected=one(api, uid)["version"])["id"]
    work(api, tmp_path)
    assert names(api, uid) == {CHIDI}
    undo(api, made)
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], names(api, uid)) == ("MRN-1", {RENAMED})


def test_an_order_never_shows_a_study_that_went_to_somebody_else(api: Api, tmp_path: Path) -> None:
    """Two studies answered it; the first goes to another patient, then the link of the second is taken back."""
    two_people(api)
    first = linked(api, 1)
    second = store(api, 1)
    made = link(api, second, order_id="ACC-1")["id"]
    work(api, tmp_path)
    assert order(api)["study_instance_uid"] == first
    link(api, first, patient_id="MRN-2", expected=one(api, first)["version"])
    work(api, tmp_path)
    assert order(api)["study_instance_uid"] == second
    undo(api, made)
    work(api, tmp_path)
    seen = order(api)
    assert (seen["study_instance_uid"], seen["orthanc_study_id"]) == (seen["scheduled_study_instance_uid"], None)
    assert (seen["status"], seen["number_of_images"]) == ("scheduled", None)


def test_undoing_a_link_after_an_unmerge_does_not_go_to_the_record_that_survived(api: Api, tmp_path: Path) -> None:
    """It came to that record by the merge alone; where it belongs now, a person says."""
    two_people(api)
    put_patient(api, "MRN-3", 201, family_name="Third", given_name="Tove")
    uid = store(api, 1)
    link(api, uid, patient_id="MRN-1")
    work(api, tmp_path)
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path)
    ways: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: unlink(api, uid),
        lambda: link(api, uid, patient_id="MRN-3", expected=one(api, uid)["version"]),
    )
    for away in ways:
        assert study(api, uid)["mrn"] == "MRN-2"
        made = away()["id"]
        work(api, tmp_path)
        unmerge(api)
        work(api, tmp_path)
        assert undo(api, made, 409)["code"] == "cannot_undo"
        assert study(api, uid)["mrn"] in (None, "MRN-3")
        link(api, uid, patient_id="MRN-1", role="radiologist", expected=one(api, uid)["version"])
        work(api, tmp_path)
        merge(api, "MRN-1", "MRN-2")
        work(api, tmp_path)


def test_an_unmerge_while_a_link_is_taken_back_leaves_the_study_to_a_person(api: Api, tmp_path: Path) -> None:
    """Asked for while both were one, carried out when they are two again."""
    two_people(api)
    uid = store(api, 1)
    link(api, uid, patient_id="MRN-1")
    work(api, tmp_path)
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path)
    taken_away = unlink(api, uid)["id"]
    work(api, tmp_path)
    undo(api, taken_away)
    unmerge(api)
    work(api, tmp_path)
    assert study(api, uid)["link_status"] == "ambiguous"
    assert [item["study"]["study_instance_uid"] for item in reconciliation(api)["items"]] == [uid]


def test_a_link_made_while_its_patient_was_merged_away_comes_back_with_the_unmerge(api: Api, tmp_path: Path) -> None:
    """A person said MRN-1 against what the file says; the merge came while the job waited, and was wrong."""
    two_people(api)
    uid = store(api, 1, PatientID="MRN-2", PatientName="Okafor^Chidi")
    link(api, uid, patient_id="MRN-1", expected=one(api, uid)["version"])
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path)
    assert study(api, uid)["mrn"] == "MRN-2"
    unmerge(api)
    work(api, tmp_path)
    assert study(api, uid)["mrn"] == "MRN-1"
    assert names(api, uid) == {ASA[:2]}


def test_a_link_is_taken_back_while_the_order_moves_and_the_study_goes_along(api: Api, tmp_path: Path) -> None:
    """The EHR says at last whose the order was; files and rows agree with it."""
    two_people(api)
    uid = linked(api, 1)
    taken_away = unlink(api, uid)["id"]
    work(api, tmp_path)
    undo(api, taken_away)
    put_order(api, mrn="MRN-2")
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], order(api)["mrn"]) == ("MRN-2", "MRN-2")
    assert names(api, uid) == {CHIDI}
    assert changes(api, "?kind=order_updated")[0]["after"]["patient_id"] == study(api, uid)["patient_id"]


def test_an_order_that_went_to_another_patient_is_not_linked_unseen(api: Api, tmp_path: Path) -> None:
    """Whoever says with whom they saw the order hears that it is somebody else's now; nothing is changed or stored."""
    two_people(api)
    uid, seen = store(api, 1), order(api)
    looked_at = one(api, uid)["version"]
    put_order(api, mrn="MRN-2")
    both = {"order_id": seen["id"], "patient_id": seen["patient_id"]}
    assert link(api, uid, 409, expected=looked_at, **both)["code"] == "order_of_another_patient"
    headers = {"X-Order-Id": seen["id"], "X-Patient-Id": seen["patient_id"]}
    answer = api.upload(small(), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, "order_of_another_patient")
    assert (study(api, uid)["link_status"], len(api.archive.instances)) == ("unlinked", 1)


def test_what_a_person_said_again_while_a_merge_stood_is_not_taken_along_by_its_undoing(
    api: Api, tmp_path: Path
) -> None:
    """Both were one when it was said: whom they meant, nobody but a person knows."""
    two_people(api)
    again, silent = (store(api, 1) for _ in range(2))
    for uid in (again, silent):
        link(api, uid, patient_id="MRN-1")
    work(api, tmp_path)
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path)
    unlink(api, again)
    work(api, tmp_path)
    link(api, again, patient_id="MRN-2", role="radiologist")
    work(api, tmp_path)
    unmerge(api)
    work(api, tmp_path)
    assert (study(api, silent)["mrn"], study(api, silent)["link_status"]) == ("MRN-1", "linked")
    assert study(api, again)["link_status"] == "ambiguous"
    assert [item["study"]["study_instance_uid"] for item in reconciliation(api)["items"]] == [again]


WITHOUT_NUMBER = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
"""As a modality without a worklist writes it: the patient is certain, no order is named."""


def an_order_of_the_day(api: Api) -> None:
    api.place_order()
    put_order(api, scheduled_at="2026-01-15T09:00:00Z")


def test_of_two_studies_that_come_at_once_only_one_takes_the_only_open_order(api: Api) -> None:
    """Both are judged before either is stored; the second is the patient's, without an order, as it would be later."""
    an_order_of_the_day(api)
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    judged = [api.services.intake.judge(small(**WITHOUT_NUMBER), delivery).decision for _ in range(2)]
    patient = order(api)["patient_id"]
    assert [str(decision.patient_id) for decision in judged] == [patient, patient]
    assert [str(decision.order_id) for decision in judged] == [order(api)["id"], "None"]


def test_two_late_studies_that_want_one_order_are_both_left_to_people(api: Api, tmp_path: Path) -> None:
    """Neither wins because the other one was refused first."""
    an_order_of_the_day(api)
    for _ in range(2):
        kept(api, small(**WITHOUT_NUMBER))
    assert catch_up(api) == 2
    work(api, tmp_path)
    assert order(api)["orthanc_study_id"] is None
    assert [item["study"]["link_status"] for item in reconciliation(api)["items"]] == ["unlinked", "unlinked"]


def test_an_order_made_here_that_the_ehr_places_for_somebody_else_takes_no_study_along(
    api: Api, tmp_path: Path
) -> None:
    """A mistyped number, taken from the file, was the number of another patient's order. A person said whose it is."""
    two_people(api)
    uid = store(api, 1, AccessionNumber="ACC-9")
    body = {"patient_id": "MRN-1", "reason": "never ordered"}
    made = post(api, f"/api/v1/reconciliation/{uid}/create-order", body, 202, "technician")["order"]
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], made["accession_number"]) == ("MRN-1", "ACC-9")
    put_order(api, "ACC-9", "MRN-2")
    work(api, tmp_path)
    assert (order(api, "ACC-9")["mrn"], order(api, "ACC-9")["orthanc_study_id"]) == ("MRN-2", None)
    seen = study(api, uid)
    assert (seen["mrn"], seen["order_id"], seen["link_status"]) == ("MRN-1", None, "ambiguous")
    assert names(api, uid) == {ASA[:2]}


def test_an_order_made_here_that_the_ehr_places_for_the_same_patient_keeps_its_study(api: Api, tmp_path: Path) -> None:
    """And is the EHR's from then on: where it moves it later, the study goes along."""
    two_people(api)
    uid = store(api, 1, AccessionNumber="ACC-9")
    body = {"patient_id": "MRN-1", "reason": "never ordered"}
    post(api, f"/api/v1/reconciliation/{uid}/create-order", body, 202, "technician")
    work(api, tmp_path)
    put_order(api, "ACC-9", "MRN-1")
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], study(api, uid)["link_status"]) == ("MRN-1", "linked")
    put_order(api, "ACC-9", "MRN-2")
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], names(api, uid)) == ("MRN-2", {CHIDI})


def test_the_number_of_an_order_made_here_turns_out_to_be_anothers_while_its_job_waits(
    api: Api, tmp_path: Path
) -> None:
    """As above, seconds earlier."""
    two_people(api)
    uid = store(api, 1, AccessionNumber="ACC-9")
    body = {"patient_id": "MRN-1", "reason": "never ordered"}
    post(api, f"/api/v1/reconciliation/{uid}/create-order", body, 202, "technician")
    put_order(api, "ACC-9", "MRN-2")
    work(api, tmp_path)
    assert (order(api, "ACC-9")["mrn"], order(api, "ACC-9")["orthanc_study_id"]) == ("MRN-2", None)
    seen = study(api, uid)
    assert (seen["mrn"], seen["order_id"], seen["link_status"]) == ("MRN-1", None, "ambiguous")


def test_an_order_that_a_late_study_is_about_to_get_is_not_given_away(api: Api, tmp_path: Path) -> None:
    """Its job has begun; the next study without a number is the patient's, without an order."""
    an_order_of_the_day(api)
    kept(api, small(**WITHOUT_NUMBER))
    assert catch_up(api) == 1
    assert api.services.second_looks.run() == 1
    set_off(api.services.database, api.services.claims.rules, api.services.clock())
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    decision = api.services.intake.judge(small(**WITHOUT_NUMBER), delivery).decision
    assert (str(decision.patient_id), decision.order_id) == (order(api)["patient_id"], None)
    work(api, tmp_path)
    assert order(api)["number_of_images"] == 1


def test_an_order_made_while_two_were_one_needs_a_look_when_the_files_name_the_other(api: Api, tmp_path: Path) -> None:
    """However far its job was when they were parted."""
    two_people(api)
    early, late = (store(api, 1, PatientID="MRN-1", PatientName="SOMEBODY^ELSE") for _ in range(2))
    merge(api, "MRN-1", "MRN-2")
    body = {"patient_id": "MRN-2", "reason": "never ordered"}
    for uid in (early, late):
        said = body | {"expected": one(api, uid)["version"]}
        post(api, f"/api/v1/reconciliation/{uid}/create-order", said, 202, "technician")
        if uid == early:
            work(api, tmp_path)
    unmerge(api)
    work(api, tmp_path)
    assert [(study(api, uid)["mrn"], study(api, uid)["link_status"]) for uid in (early, late)] == [
        ("MRN-2", "ambiguous"),
        ("MRN-2", "ambiguous"),
    ]


def test_a_link_made_while_two_were_one_does_not_come_back_unseen(api: Api, tmp_path: Path) -> None:
    """To an order of the survivor, where the files name the one that is back."""
    two_people(api)
    put_order(api, "ACC-2", "MRN-2")
    merge(api, "MRN-1", "MRN-2")
    data = small(PatientID="MRN-1", PatientName="SOMEBODY^ELSE")
    answer = api.upload(data, headers={"X-Order-Id": "ACC-2"})
    uid = answer.json["studies"][0]["study_instance_uid"]
    taken_away = unlink(api, uid)["id"]
    work(api, tmp_path)
    unmerge(api)
    work(api, tmp_path)
    assert undo(api, taken_away, 409)["code"] == "cannot_undo"
    assert study(api, uid)["link_status"] == "unlinked"


def test_undoing_a_link_reaches_what_came_between_a_merge_and_its_following(api: Api, tmp_path: Path) -> None:
    """The image came under the number of the record that survived, which the other files do not say yet."""
    two_people(api)
    uid = store(api, 1)
    made = link(api, uid, patient_id="MRN-1")["id"]
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path, 1)
    assert api.upload(small(StudyInstanceUID=uid)).status_code == 201
    assert names(api, uid) == {ASA[:2], CHIDI}
    undo(api, made)
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], names(api, uid)) == ("unlinked", {("SCAN-7", "SCANNER^NAME")})


def test_what_takes_a_cancellation_back_is_not_taken_back(api: Api) -> None:
    """409, like everything that takes back itself."""
    api.place_order()
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    take_back(api, changes(api)[0]["id"])
    assert take_back(api, changes(api)[0]["id"], 409)["code"] == "cannot_undo"
