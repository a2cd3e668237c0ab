"""Order after images: what is certain is linked when the EHR tells it, the rest is left to people."""

from __future__ import annotations

from pathlib import Path

from tests.api.conftest import Api
from tests.api.link_steps import (
    ASA,
    audited,
    identities,
    link,
    order,
    put_order,
    put_patient,
    reconciliation,
    study,
    unlink,
)
from tests.api.tag_steps import jobs, modify, store

GOOD = {
    "PatientID": "MRN-1",
    "PatientName": "Lindqvist^Asa",
    "PatientBirthDate": "19610314",
    "AccessionNumber": "ACC-1",
}


def test_images_before_their_order_are_linked_when_it_comes(api: Api, tmp_path: Path) -> None:
    """Found by accession number; the files get what the EHR says."""
    uid = store(api, 2, **GOOD)
    assert study(api, uid)["link_status"] == "unlinked"
    api.place_order()
    assert reconciliation(api)["total"] == 1
    jobs(api, tmp_path).run()
    seen = study(api, uid)
    assert (seen["link_status"], seen["accession_number"], seen["linked_by"]) == ("linked", "ACC-1", "ehr-bridge")
    assert identities(api, uid) == {ASA}
    assert (order(api)["study_instance_uid"], order(api)["number_of_images"]) == (uid, 2)


def test_images_are_linked_when_the_ehr_corrects_the_person(api: Api, tmp_path: Path) -> None:
    """The EHR had another birth date, so the verdict was only probable; then it says the file's."""
    api.place_order(birth_date="1961-03-15")
    uid = store(api, 2, **GOOD)
    assert study(api, uid)["link_status"] == "unlinked"
    put_patient(api)
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "linked" and identities(api, uid) == {ASA}


def test_a_study_that_was_doubted_is_left_to_people(api: Api, tmp_path: Path) -> None:
    """An ambiguous study may hold images of two patients: no later fact links it by itself."""
    api.place_order(birth_date=None)
    uid = store(api, 1, **{**GOOD, "PatientID": ""})
    assert study(api, uid)["link_status"] == "ambiguous"
    put_patient(api)
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "ambiguous"
    assert reconciliation(api)["items"][0]["candidates"][0]["kind"] == "exact"


def test_a_late_order_that_is_not_certain_links_nothing(api: Api, tmp_path: Path) -> None:
    """Another birth date; a study that a person unlinked; one that is being modified is linked later."""
    other = store(api, 1, **{**GOOD, "PatientBirthDate": "19700101", "PatientName": "Other^Name"})
    api.place_order()
    jobs(api, tmp_path).run()
    assert study(api, other)["link_status"] == "unlinked"
    put_patient(api, "MRN-2", 201)
    by_hand = store(api, 1, **{**GOOD, "PatientID": "MRN-2", "AccessionNumber": "ACC-2"})
    link(api, by_hand, order_id="ACC-1")
    jobs(api, tmp_path).run()
    unlink(api, by_hand)
    jobs(api, tmp_path).run()
    busy = store(api, 1, **{**GOOD, "PatientID": "MRN-2", "AccessionNumber": "ACC-3"})
    modify(api, busy, StudyDate="20260201")
    put_order(api, "ACC-2", "MRN-2")
    put_order(api, "ACC-3", "MRN-2")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, by_hand)["link_status"] == "unlinked"
    assert (study(api, busy)["accession_number"], study(api, busy)["study_date"]) == ("ACC-3", "2026-02-01")
    assert study(api, busy)["link_status"] == "linked"


def test_an_automatic_link_is_not_made_when_a_person_was_faster(api: Api, tmp_path: Path) -> None:
    """The job that waits sees that the study is linked, and leaves it."""
    api.place_order("ACC-9", "MRN-9")
    uid = store(api, 1, **GOOD)
    link(api, uid, order_id="ACC-9")
    api.place_order()
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, uid)["accession_number"] == "ACC-9"
    assert audited(api, uid).count("study.linked") == 1
