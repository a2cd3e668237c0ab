"""A number that is used again: what is stored stays with whom it names until a person has decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.linking.used_again import is_another_person
from ehr_bridge.services.registry.numbers import find_patient
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from ehr_bridge.services.viewing.scope import linked_to
from tests.api.conftest import Api
from tests.api.identity_steps import linked, merge, take_back
from tests.api.link_steps import (
    ASA,
    audited,
    changes,
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
)
from tests.api.tag_steps import files, jobs, store, undo
from tests.support.messages import encoded, message, segment
from tests.support.samples import small

ZORA: dict[str, Any] = {"family_name": "Zimmer", "given_name": "Zora", "birth_date": "1999-09-09", "sex": "female"}
OF_ZORA = ("MRN-1", "Zimmer^Zora", "19990909", "F", *ASA[4:])
IMAGES_OF_ZORA = {"PatientID": "MRN-1", "PatientName": "Zimmer^Zora", "PatientBirthDate": "19990909", "PatientSex": "F"}


def work(api: Api, folder: Path, times: int = 3) -> None:
    for _ in range(times):
        jobs(api, folder).run()


def decide(api: Api, change: str, word: str, status: int = 202, role: str = "technician") -> dict[str, Any]:
    return post(api, f"/api/v1/changes/{change}/{word}", {"reason": "asked at the ward"}, status, role)


def used_again(api: Api, folder: Path) -> tuple[str, str, dict[str, bytes]]:
    """A study of Åsa whose number the EHR gives to Zora: its UID, the change, and the files before."""
    api.place_order()
    uid, before = linked(api), files(api)
    answer = put_patient(api, **ZORA)
    work(api, folder)
    return uid, answer["pending_change_id"], before


def test_the_record_follows_and_the_stored_study_does_not(api: Api, tmp_path: Path) -> None:
    """Not a byte; the list names whom the files name, nobody reads them as Zora's, and it says who must decide."""
    uid, change, before = used_again(api, tmp_path)
    assert files(api) == before and identities(api, uid) == {ASA}
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["family_name"] == "Zimmer"
    seen = study(api, uid)
    assert (seen["link_status"], seen["patient_name"], seen["mrn"]) == ("ambiguous", "Lindqvist^Åsa", "MRN-1")
    with api.services.database.read() as session:
        assert linked_to(session, [find_patient(session, "MRN-1").id]) == []
    (item,) = reconciliation(api)["items"]
    assert (item["why"], item["withheld_by"]) == ("withheld", change)
    along = {"patient_id": "MRN-1", "expected": item["version"], "is_one_of_several": True}
    assert link(api, uid, 409, **along)["code"] == "decide_alone"
    (pending,) = changes(api, "?decision=pending")
    assert (pending["id"], pending["decision"], pending["status"]) == (change, "pending", "running")
    assert pending["number_of_studies"] == 1
    assert audited(api, uid)[-1] == "study.withheld"
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["pending_change_id"] == change


def test_a_message_that_names_another_person_asks_as_a_request_does(api: Api, tmp_path: Path) -> None:
    """ADT A08 over HL7: the record follows, not a byte of the study does, and a person must decide; the message that
    says the former again withdraws the question."""
    api.place_order()
    uid, before = linked(api), files(api)

    def told(person: str, birth_date: str) -> None:
        said = segment("PID", {3: "MRN-1^^^^MR", 5: person, 7: birth_date, 8: "F"})
        content = encoded(message("ADT^A08^ADT_A01", said))
        answer = api.call("POST", "/api/v1/hl7", "service", data=content, content_type="application/hl7-v2")
        assert b"\rMSA|AA|" in answer.get_data()
        work(api, tmp_path)

    told("Zimmer^Zora", "19990909")
    assert files(api) == before and identities(api, uid) == {ASA}
    (pending,) = changes(api, "?decision=pending")
    known = api.get("/api/v1/patients/MRN-1", "nurse").json
    assert (known["family_name"], known["pending_change_id"]) == ("Zimmer", pending["id"])
    assert (study(api, uid)["link_status"], study(api, uid)["patient_name"]) == ("ambiguous", "Lindqvist^Åsa")
    assert [item["withheld_by"] for item in reconciliation(api)["items"]] == [pending["id"]]
    assert audited(api, uid)[-1] == "study.withheld"
    told("Lindqvist^Åsa", "19610314")
    assert changes(api, "?decision=pending") == [] and study(api, uid)["link_status"] == "linked"
    assert files(api) == before


def test_agreed_the_study_follows_and_taken_back_every_byte_is_what_it_was(api: Api, tmp_path: Path) -> None:
    """The same person, who was registered under another name."""
    uid, change, before = used_again(api, tmp_path)
    agreed = decide(api, change, "agree")
    assert (agreed["decision"], agreed["decided_by"], agreed["decision_reason"]) == (
        "agreed", "technician", "asked at the ward",
    )  # fmt: skip
    work(api, tmp_path)
    assert identities(api, uid) == {OF_ZORA}
    assert (study(api, uid)["link_status"], study(api, uid)["patient_name"]) == ("linked", "Zimmer^Zora")
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["pending_change_id"] is None
    assert decide(api, change, "refuse", 409)["code"] == "nothing_to_decide"
    assert "patient.correction_agreed" in audited(api)
    assert [step["action"] for step in history(api, uid)][-1] == "study.followed"
    take_back(api, change)
    work(api, tmp_path)
    assert files(api) == before and study(api, uid)["link_status"] == "linked"


def test_refused_the_study_is_taken_off_the_number_and_comes_back_when_the_change_is_taken_back(
    api: Api, tmp_path: Path
) -> None:
    """Another person; later it turns out that the EHR had written over the wrong record."""
    uid, change, before = used_again(api, tmp_path)
    decide(api, change, "refuse", role="radiologist")
    work(api, tmp_path)
    assert identities(api, uid) == {("SCAN-7", "SCANNER^NAME", "", "", "", "")}
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("unlinked", None)
    assert (order(api)["orthanc_study_id"], order(api)["status"]) == (None, "scheduled")
    assert reconciliation(api)["items"][0]["why"] == "unlinked"
    assert api.get(f"/api/v1/changes/{change}", "nurse").json["status"] == "done"
    take_back(api, change)
    work(api, tmp_path)
    assert files(api) == before
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("linked", "MRN-1")
    assert order(api)["study_instance_uid"] == uid


def test_a_refusal_that_is_taken_back_before_its_jobs_ran_changes_no_file(api: Api, tmp_path: Path) -> None:
    """The jobs wait as rows; none of them runs."""
    uid, change, before = used_again(api, tmp_path)
    decide(api, change, "refuse")
    take_back(api, change)
    work(api, tmp_path)
    assert files(api) == before and study(api, uid)["link_status"] == "linked"


def test_taken_back_or_withdrawn_by_the_ehr_nothing_has_happened(api: Api, tmp_path: Path) -> None:
    """The question is gone with what asked it."""
    uid, change, before = used_again(api, tmp_path)
    put_patient(api, family_name="Zimmermann", given_name="Zora", birth_date="1999-09-09")
    work(api, tmp_path)
    assert files(api) == before and changes(api, "?decision=pending")[0]["id"] == change
    put_patient(api, family_name="LINDQVIST")
    work(api, tmp_path)
    assert study(api, uid)["link_status"] == "linked"
    assert {identity[:2] for identity in identities(api, uid)} == {("MRN-1", "LINDQVIST^Åsa")}
    assert api.get(f"/api/v1/changes/{change}", "nurse").json["decision"] == "withdrawn"
    put_patient(api)
    work(api, tmp_path)
    before = files(api)
    again = put_patient(api, **ZORA)["pending_change_id"]
    take_back(api, again)
    work(api, tmp_path)
    assert files(api) == before and study(api, uid)["link_status"] == "linked"
    assert api.get(f"/api/v1/changes/{again}", "nurse").json["decision"] == "withdrawn"


@pytest.mark.parametrize("word", ["agree", "refuse"])
def test_images_that_wait_under_the_number_are_not_linked_until_somebody_has_decided(
    api: Api, tmp_path: Path, word: str
) -> None:
    """They say Zora, and the correction would have linked them; agreed or refused, they are judged again."""
    put_patient(api, status=201)
    waiting = store(api, 1, **IMAGES_OF_ZORA)
    assert study(api, waiting)["link_status"] == "ambiguous"
    change = put_patient(api, **ZORA)["pending_change_id"]
    work(api, tmp_path)
    late = store(api, 1, **IMAGES_OF_ZORA)
    assert {study(api, uid)["link_status"] for uid in (waiting, late)} == {"unlinked"}
    by_hand = store(api, 1)
    link(api, by_hand, patient_id="MRN-1")
    decide(api, change, word)
    work(api, tmp_path)
    assert {study(api, uid)["mrn"] for uid in (waiting, late, by_hand)} == {"MRN-1"}


def test_images_that_come_for_a_study_that_waits_name_whom_its_others_name(api: Api, tmp_path: Path) -> None:
    """The rest of a series, under the decision of its first images; a person's own word ends the waiting."""
    uid, change, _ = used_again(api, tmp_path)
    assert api.upload(small(StudyInstanceUID=uid)).status_code == 201
    work(api, tmp_path)
    assert identities(api, uid) == {ASA}
    link(api, uid, order_id="ACC-1", expected=one(api, uid)["version"])
    work(api, tmp_path)
    assert identities(api, uid) == {OF_ZORA} and study(api, uid)["link_status"] == "linked"
    decide(api, change, "refuse")
    work(api, tmp_path)
    assert study(api, uid)["mrn"] == "MRN-1"


def test_a_study_that_is_on_its_way_waits_too(api: Api, tmp_path: Path) -> None:
    """Coerced to Åsa before the correction, recorded after it."""
    api.place_order()
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    data = small(PatientID="MRN-1", PatientName="LINDQVIST^ASA", PatientBirthDate="19610314", AccessionNumber="ACC-1")
    judged, coerced = api.services.intake.coerce(api.services.intake.judge(data, delivery), "MR1")
    change = put_patient(api, **ZORA)["pending_change_id"]
    api.services.claims.forget()
    api.services.recorder.record(AtDoor(judged, api.archive.store(coerced)))
    api.services.recorder.settle()
    work(api, tmp_path)
    uid = judged.header.study_instance_uid
    assert identities(api, uid) == {ASA} and study(api, uid)["link_status"] == "ambiguous"
    decide(api, change, "agree")
    work(api, tmp_path)
    assert identities(api, uid) == {OF_ZORA} and study(api, uid)["link_status"] == "linked"


def test_a_correction_while_a_study_is_linked_leaves_it_as_it_is(api: Api, tmp_path: Path) -> None:
    """The job was asked for Åsa and ends with Zora in the record: the study waits for the decision."""
    api.place_order()
    uid = store(api, 1)
    link(api, uid, order_id="ACC-1")
    store(api, 1, PatientID="MRN-1")
    put_patient(api, **ZORA)
    work(api, tmp_path)
    assert identities(api, uid) == {ASA}
    assert (study(api, uid)["link_status"], one(api, uid)["why"]) == ("ambiguous", "withheld")


def test_what_one_side_does_not_say_and_what_is_form_is_no_other_person(api: Api, tmp_path: Path) -> None:
    """An emergency patient gets a name; a name is written otherwise; one of the two alone."""
    api.place_order(birth_date=None, sex="unknown", family_name="Unknown", given_name="Woman")
    uid = linked(api, 1)
    assert put_patient(api)["pending_change_id"] is None
    work(api, tmp_path)
    assert {identity[:3] for identity in identities(api, uid)} == {ASA[:3]}
    told: tuple[dict[str, Any], ...] = (
        {"family_name": "LINDQVIST", "given_name": "ASA", "birth_date": "1990-01-01"},
        {"family_name": "Berg", "given_name": "Eva", "birth_date": "1990-01-01"},
        {"family_name": "Berg", "given_name": "Eva", "birth_date": "1990-01-02", "sex": "male"},
    )
    for said in told:
        assert put_patient(api, **said)["pending_change_id"] is None
        work(api, tmp_path)
        assert study(api, uid)["link_status"] == "linked"


def test_a_number_without_images_asks_nobody(api: Api) -> None:
    """There is nothing that could be on the wrong person; a batch says of each item what it asked."""
    put_patient(api, status=201)
    assert put_patient(api, **ZORA)["pending_change_id"] is None
    store(api, 1, PatientID="MRN-1", PatientName="X^Y")
    body = {"items": [{"mrn": "MRN-1", "family_name": "Okafor", "given_name": "Chidi", "birth_date": "1970-01-01"}]}
    answer = api.call("POST", "/api/v1/patients/batch", "service", json=body).json
    assert answer["items"][0]["pending_change_id"] == changes(api)[0]["id"]


def test_who_may_decide(api: Api, tmp_path: Path) -> None:
    """Who reconciles; a reason is asked for; a change that asked nothing has nothing to decide."""
    _, change, _ = used_again(api, tmp_path)
    assert decide(api, change, "agree", 403, "nurse")["code"] == "permission_missing"
    assert post(api, f"/api/v1/changes/{change}/agree", {}, 422, "technician")
    nobody = "00000000-0000-4000-8000-000000000000"
    assert decide(api, nobody, "agree", 404)["code"] == "change_not_found"
    put_order(api, ordered_by="Other^Doctor")
    assert decide(api, changes(api, "?kind=order_updated")[0]["id"], "agree", 409)["code"] == "nothing_to_decide"


def test_a_refusal_can_be_undone_for_one_study(api: Api, tmp_path: Path) -> None:
    """By the job that took it off; a person looks, for it is linked to whoever has the number now."""
    uid, change, _ = used_again(api, tmp_path)
    decide(api, change, "refuse")
    work(api, tmp_path)
    taken = next(step["job_id"] for step in history(api, uid) if step["action"] == "study.unlinked")
    undo(api, taken)
    work(api, tmp_path)
    assert (study(api, uid)["mrn"], study(api, uid)["link_status"]) == ("MRN-1", "ambiguous")


def person(family: str | None, given: str | None, born: str | None = None, sex: str = "unknown") -> Patient:
    from datetime import date

    return Patient(
        mrn="1", family_name=family, given_name=given, birth_date=date.fromisoformat(born) if born else None, sex=sex
    )


@pytest.mark.parametrize(
    ("before", "after", "is_other"),
    [
        (("Müller", "Eva", "1980-01-01"), ("MUELLER", "EVA", "1990-01-01"), False),
        (("Eva", "Müller", "1980-01-01"), ("Müller", "Eva", "1990-01-01"), False),
        (("Müller", "Eva", "1980-01-01"), ("Möller", "Eva", "1980-01-02"), True),
        (("Müller", "Eva", "1980-01-01"), ("Berg", "Ada", None), False),
        (("Müller", "Eva", "1980-01-01", "female"), ("Berg", "Ada", "1980-01-01", "male"), True),
        (("Müller", "Eva", "1980-01-01", "female"), ("Berg", "Ada", "1980-01-01", "unknown"), False),
        (("Müller", None, "1980-01-01"), (None, "Ada", "1990-01-01"), False),
        (("Müller", "Eva", "1980-01-01"), ("Müller-Berg", "Eva", "1990-01-01"), True),
    ],
)
def test_which_corrections_may_be_another_person(before: Any, after: Any, is_other: bool) -> None:
    """Name beyond form, and birth date or sex; case, transliteration and order of names are form."""
    assert is_another_person(person(*before), person(*after)) is is_other


def test_an_order_told_under_a_merged_number_goes_home_with_its_study(api: Api, tmp_path: Path) -> None:
    """The EHR went on with the old number while the merge stood, which was wrong."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi")
    merge(api, "MRN-1", "MRN-2")
    for number, mrn in (("ACC-1", "MRN-1"), ("ACC-2", "MRN-2"), ("ACC-3", "MRN-1"), ("ACC-4", "MRN-1")):
        assert put_order(api, number, mrn)["mrn"] == "MRN-2"
    put_order(api, "ACC-3", "MRN-2")
    uid = linked(api, 1)
    work(api, tmp_path)
    assert {identity[0] for identity in identities(api, uid)} == {"MRN-2"}
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}, 202, "service")
    work(api, tmp_path)
    assert [order(api, f"ACC-{n}")["mrn"] for n in (1, 2, 3, 4)] == ["MRN-1", "MRN-2", "MRN-2", "MRN-1"]
    assert identities(api, uid) == {ASA} and study(api, uid)["mrn"] == "MRN-1"
    assert order(api)["study_instance_uid"] == uid


def test_an_order_told_under_a_chain_of_merges_goes_home_link_by_link(api: Api, tmp_path: Path) -> None:
    """One into two into three; and one that was moved to another patient since stays there."""
    for number in (1, 2, 3, 4):
        put_patient(api, f"MRN-{number}", 201, family_name=f"Name{number}")
    merge(api, "MRN-1", "MRN-2")
    merge(api, "MRN-2", "MRN-3")
    put_order(api, "ACC-1", "MRN-1")
    put_order(api, "ACC-2", "MRN-1")
    put_order(api, "ACC-2", "MRN-4")
    uid = linked(api, 1)
    body = {"reason": "two people"}
    post(api, "/api/v1/patients/MRN-2/unmerge", body, 202, "service")
    work(api, tmp_path)
    assert (order(api)["mrn"], study(api, uid)["mrn"]) == ("MRN-2", "MRN-2")
    post(api, "/api/v1/patients/MRN-1/unmerge", body, 202, "service")
    work(api, tmp_path)
    assert (order(api)["mrn"], study(api, uid)["mrn"]) == ("MRN-1", "MRN-1")
    assert order(api, "ACC-2")["mrn"] == "MRN-4"
