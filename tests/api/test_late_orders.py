"""Order after images: what is certain is linked when the EHR tells it, the rest is left to people."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.linking import late_links
from ehr_bridge.services.linking.links import new_fact
from tests.api.conftest import Api
from tests.api.late_steps import other_patients_image
from tests.api.link_steps import (
    ASA,
    audited,
    identities,
    link,
    order,
    post,
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
    api.place_order(birth_date="1950-07-01")
    uid = store(api, 2, **GOOD)
    assert study(api, uid)["link_status"] == "unlinked"
    put_patient(api)
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "linked" and identities(api, uid) == {ASA}


def test_a_study_that_was_ambiguous_is_linked_once_the_ehr_says_what_was_missing(api: Api, tmp_path: Path) -> None:
    """The EHR did not know the birth date; its correction takes the doubt away. Nobody waits for a person."""
    api.place_order(birth_date=None)
    uid = store(api, 1, **{**GOOD, "PatientID": ""})
    assert study(api, uid)["link_status"] == "ambiguous"
    put_patient(api)
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "linked" and identities(api, uid) == {ASA}


def test_a_study_that_says_two_patients_is_left_to_people(api: Api, tmp_path: Path) -> None:
    """No later fact links it by itself, also where it was ambiguous before the other image came."""
    api.place_order(birth_date=None)
    uid = store(api, 1, **{**GOOD, "PatientID": ""})
    other_patients_image(api, uid)
    put_patient(api)
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "ambiguous"
    seen = reconciliation(api)["items"][0]
    assert (seen["why"], seen["candidates"][0]["kind"]) == ("contradicted", "exact")


def test_a_late_order_that_is_not_certain_links_nothing(api: Api, tmp_path: Path) -> None:
    """Another birth date; a study that a person unlinked; one that is being modified is linked later."""
    other = store(api, 1, **{**GOOD, "PatientBirthDate": "19700101", "PatientName": "Other^Name"})
    api.place_order()
    jobs(api, tmp_path).run()
    assert study(api, other)["link_status"] == "ambiguous"
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Eva", birth_date="1970-02-02")
    eva = {"PatientID": "MRN-2", "PatientName": "Berg^Eva", "PatientBirthDate": "19700202"}
    by_hand = store(api, 1, **eva | {"PatientID": ""}, AccessionNumber="ACC-2")
    link(api, by_hand, order_id="ACC-1")
    jobs(api, tmp_path).run()
    unlink(api, by_hand)
    jobs(api, tmp_path).run()
    busy = store(api, 1, **eva, AccessionNumber="ACC-3")
    modify(api, busy, StudyDate="20260201")
    put_order(api, "ACC-2", "MRN-2")
    put_order(api, "ACC-3", "MRN-2")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, by_hand)["link_status"] == "unlinked"
    assert (study(api, busy)["accession_number"], study(api, busy)["study_date"]) == ("ACC-3", "2026-02-01")
    assert study(api, busy)["link_status"] == "linked"


def test_images_with_a_number_that_no_order_has_are_their_patients_until_the_order_comes(
    api: Api, tmp_path: Path
) -> None:
    """Right MRN, name, birth date and sex: nothing is missing but an order, and none is guessed."""
    put_patient(api, status=201)
    put_order(api, "ACC-9", modality="MR", scheduled_at="2026-03-02T09:00:00Z")
    uid = store(api, 2, **GOOD | {"PatientSex": "F", "AccessionNumber": "ris-17"}, Modality="MR", StudyDate="20260302")
    seen = study(api, uid)
    assert (seen["link_status"], seen["mrn"], seen["order_id"], seen["accession_number"]) == (
        "linked", "MRN-1", None, "ris-17",
    )  # fmt: skip
    assert reconciliation(api)["total"] == 0
    put_order(api, "RIS-17", modality="MR")
    for _ in range(2):
        jobs(api, tmp_path).run()
    seen = study(api, uid)
    assert (seen["link_status"], seen["accession_number"]) == ("linked", "RIS-17")
    assert identities(api, uid) == {(*ASA[:4], "RIS-17", ASA[5])}


@pytest.mark.parametrize(
    ("said", "ours"),
    [("17", "00017"), ("00017", "17"), ("acc-17", "ACC-17"), ("ACC-17", "acc-17"), ("ACC-17", "Acc-17")],
)
def test_a_number_of_ours_in_another_form_is_not_nobodys(api: Api, said: str, ours: str) -> None:
    """Padded, in capitals: it is the order of somebody else, so the images of a certain patient wait."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Eva", birth_date="1970-02-02")
    put_order(api, ours, "MRN-2")
    uid = store(api, 1, **GOOD | {"AccessionNumber": said})
    assert study(api, uid)["link_status"] == "ambiguous"
    own = {"PatientID": "MRN-2", "PatientName": "Berg^Eva", "PatientBirthDate": "19700202"}
    theirs = store(api, 1, **own, AccessionNumber=said)
    assert (study(api, theirs)["link_status"], study(api, theirs)["accession_number"]) == ("linked", ours)


def test_a_number_that_turns_out_to_be_of_another_patients_order_is_a_question(api: Api, tmp_path: Path) -> None:
    """Images of a certain patient were linked; then the EHR tells that their number is somebody else's."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Eva", birth_date="1970-02-02")
    uid, other = (store(api, 1, **GOOD | {"AccessionNumber": number}) for number in ("RIS-17", "RIS-18"))
    assert [study(api, each)["link_status"] for each in (uid, other)] == ["linked", "linked"]
    put_order(api, "ris-17", "MRN-2")
    put_order(api, "ACC-3", "MRN-2", scheduled_procedure_step_id="RIS-18")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("ambiguous", "MRN-1")
    assert audited(api, uid).count("study.contradicted") == 1
    assert study(api, other)["link_status"] == "linked", "a step says too little"
    (seen,) = reconciliation(api)["items"]
    assert (seen["why"], {one["accession_number"] for one in seen["candidates"]}) == ("contradicted", {"ris-17", None})
    (of_patient,) = [one for one in seen["candidates"] if one["accession_number"] is None]
    details = {line["field"]: line["detail"] for line in of_patient["evidence"] if line["agrees"] is False}
    assert (of_patient["mrn"], of_patient["kind"], details) == (
        "MRN-1", "probable", {"AccessionNumber": "belongs to an order of another patient"},
    )  # fmt: skip


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


def test_a_study_linked_to_its_patient_alone_gets_the_order_that_comes_later(api: Api, tmp_path: Path) -> None:
    """A walk-in: linked by the MRN on arrival; the order of that day and modality follows. A person's word stays."""
    put_patient(api, status=201)
    walk_in = {**GOOD, "AccessionNumber": "", "Modality": "MR", "StudyDate": "20260302"}
    uid, by_hand = store(api, 2, **walk_in), store(api, 1, **{**walk_in, "PatientID": "", "PatientName": "X^Y"})
    link(api, by_hand, patient_id="MRN-1")
    jobs(api, tmp_path).run()
    assert (study(api, uid)["link_status"], study(api, uid)["order_id"]) == ("linked", None)
    put_order(api, scheduled_at="2026-03-03T09:00:00Z")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert (study(api, uid)["accession_number"], study(api, by_hand)["accession_number"]) == ("ACC-1", None)
    assert study(api, uid)["order_id"] == order(api)["id"]
    assert identities(api, uid) == {ASA}
    unlink(api, uid)
    jobs(api, tmp_path).run()
    put_order(api, "ACC-2", scheduled_at="2026-03-02T10:00:00Z")
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "unlinked"


def test_a_record_that_was_merged_draws_no_study_to_itself(api: Api, tmp_path: Path) -> None:
    """Its number and its name stand for the record that survived."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201)
    assert post(api, "/api/v1/patients/MRN-2/merge", {"into": "MRN-1", "reason": "twice"}, 202, "service")
    question = {"ref": "1", "patient_id": "MRN-2", "patient_name": "Lindqvist^Asa", "patient_birth_date": "19610314"}
    survivor = api.get("/api/v1/patients/MRN-1", "nurse").json["id"]
    for asked in (question, question | {"patient_id": ""}):
        match = post(api, "/api/v1/match", {"items": [asked]}, 200, "nurse")["items"][0]["match"]
        assert match["patient_id"] == survivor, match
    uid = store(api, 1, **{**GOOD, "PatientID": "MRN-2", "AccessionNumber": ""})
    assert study(api, uid)["mrn"] == "MRN-1"


WALK_IN = {**GOOD, "AccessionNumber": "", "Modality": "MR", "StudyDate": "20260302"}


def test_an_order_that_two_studies_would_answer_is_left_to_people(api: Api, tmp_path: Path) -> None:
    """Two walk-ins of one week and one order: each stays with its patient."""
    put_patient(api, status=201)
    uids = [store(api, 1, **{**WALK_IN, "StudyDate": day}) for day in ("20260302", "20260304")]
    put_order(api, scheduled_at="2026-03-06T09:00:00Z")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert [(study(api, uid)["link_status"], study(api, uid)["order_id"]) for uid in uids] == [("linked", None)] * 2


def test_patient_and_order_told_in_one_breath_link_the_study_to_both(api: Api, tmp_path: Path) -> None:
    """The job made for the patient finds the order at its turn."""
    uid = store(api, 1, **WALK_IN)
    put_patient(api, status=201)
    put_order(api, scheduled_at="2026-03-02T09:00:00Z")
    jobs(api, tmp_path).run()
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", "ACC-1")


def test_an_order_told_after_its_patients_job_still_finds_the_study(api: Api, tmp_path: Path) -> None:
    """What we linked ourselves to the patient alone, we link further."""
    uid = store(api, 1, **WALK_IN)
    put_patient(api, status=201)
    jobs(api, tmp_path).run()
    assert (study(api, uid)["link_status"], study(api, uid)["order_id"]) == ("linked", None)
    put_order(api, scheduled_at="2026-03-02T09:00:00Z")
    jobs(api, tmp_path).run()
    assert study(api, uid)["accession_number"] == "ACC-1"


def test_a_second_series_with_another_spelling_joins_the_order_of_the_first(api: Api) -> None:
    """The order was found by date and modality, and is not open any more."""
    put_patient(api, status=201)
    put_order(api, scheduled_at="2026-03-02T09:00:00Z")
    uid = store(api, 1, **WALK_IN)
    store(api, 1, **{**WALK_IN, "StudyInstanceUID": uid, "PatientName": "LINDQVIST^ASA"})
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", "ACC-1")
    assert identities(api, uid) == {ASA}


def test_a_merge_does_not_make_another_hospitals_number_count(api: Api) -> None:
    """12345 of hospital A was merged; 12345 of hospital B is still somebody else's."""
    put_patient(api, "12345", 201, issuer="A")
    put_patient(api, "67890", 201)
    post(api, "/api/v1/patients/12345/merge", {"into": "67890", "reason": "twice"}, 202, "service")
    header = {"ref": "1", "patient_id": "12345", "patient_birth_date": "19610314"}
    own, other = ({**header, "issuer_of_patient_id": issuer} for issuer in ("A", "B"))
    answers = post(api, "/api/v1/match", {"items": [own, other]}, 200, "nurse")["items"]
    assert [one["match"]["automatic"] for one in answers] == [True, False]


def test_many_studies_that_people_spoke_about_hide_none_that_waits(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them under one number than are looked at together, and more that are not certain: it is found."""
    monkeypatch.setattr(late_links, "AT_ONCE", 2)
    uid = store(api, 1, **GOOD)
    unsure = [store(api, 1, **GOOD | {"AccessionNumber": "", "PatientBirthDate": "19990101"}) for _ in range(5)]
    spoken = [store(api, 1, **GOOD) for _ in range(5)]
    put_patient(api, "MRN-9", 201)
    with api.services.database.write() as session:
        patient = session.scalars(select(Patient).where(Patient.mrn == "MRN-9")).one()
        for one in session.scalars(select(Study).where(Study.study_instance_uid.in_(spoken))):
            one.patient_id = patient.id
            fact = new_fact(one, "rita", one.created_at)
            fact.unlinked_at, one.patient_id = one.created_at, None
            session.add(fact)
    api.place_order()
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "linked"
    assert {study(api, other)["link_status"] for other in unsure + spoken} == {"unlinked"}
