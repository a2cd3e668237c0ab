"""Emergency patients whom nobody knows: registered at once, identified later by correcting or merging."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.desk_steps import PERSON, asked, correct, emergency, last_detail, patient, place, register
from tests.api.link_steps import audited, changes, identities, order, put_patient, study
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs
from tests.support.samples import small

CT: dict[str, Any] = {"modality": "CT", "description": "CT polytrauma", "station_ae_title": "CT2"}


def imaged(api: Api, accession_number: str) -> str:
    """A study for an order, linked on arrival; its UID."""
    answer = api.upload(small(Modality="CT"), headers={"X-Order-Id": accession_number})
    assert answer.status_code == 201, answer.json
    return str(answer.json["studies"][0]["study_instance_uid"])


def test_one_request_registers_the_patient_and_places_the_order(api: Api) -> None:
    """Who is there now, under a name that nobody has."""
    made = emergency(api, order=CT)
    who, what = made["patient"], made["order"]
    assert (who["mrn"], who["family_name"], who["given_name"]) == ("L0000001", "Unidentified", "Alfa Bravo")
    assert (who["birth_date"], who["sex"], who["approximate_age"], who["is_unidentified"]) == (None, "male", 40, True)
    assert (what["mrn"], what["priority"], what["status"], what["station_ae_title"]) == (
        "L0000001", "STAT", "arrived", "CT2",
    )  # fmt: skip
    assert what["arrived_at"] is not None and what["scheduled_at"] is not None
    assert [action for action in audited(api) if not action.startswith("study")] == [
        "patient.created", "order.created", "order.arrived",
    ]  # fmt: skip


def test_nothing_has_to_be_known(api: Api) -> None:
    """Not even sex and age, and nobody has to say yet what is to be done."""
    made = asked(api, "POST", "/api/v1/patients/emergency", {}, 201, "technician")
    assert (made["order"], made["patient"]["sex"], made["patient"]["approximate_age"]) == (None, "unknown", None)


@pytest.mark.parametrize(
    "body", [{"approximate_age": 131}, {"approximate_age": -1}, {"sex": "m"}, {"order": {"modality": "CT"}}]
)
def test_what_cannot_be_is_refused_and_nobody_is_registered(api: Api, body: dict[str, Any]) -> None:
    """With the field."""
    assert emergency(api, status=422, **body)["code"] == "invalid_request"
    assert api.get("/api/v1/patients", "nurse").json["total"] == 0


def test_two_who_come_together_cannot_be_mistaken_for_each_other(api: Api) -> None:
    """Their names differ in their first words, and a name in use is not given again."""
    names = [emergency(api)["patient"]["given_name"] for _ in range(30)]
    assert len(set(names)) == 30
    assert all(one.split()[0] != other.split()[0] for one, other in pairwise(names))


def test_whoever_is_identified_by_a_correction_takes_order_and_images_along(api: Api, tmp_path: Path) -> None:
    """No reason is needed where only the desk has spoken; undoing it makes the patient unknown again."""
    made = emergency(api, order=CT)
    number = made["order"]["accession_number"]
    uid = imaged(api, number)
    named = correct(api, "L0000001")
    assert (named["is_unidentified"], named["family_name"], named["approximate_age"]) == (False, "Berg", 40)
    assert named["pending_change_id"] is None
    jobs(api, tmp_path).run()
    assert {one[:4] for one in identities(api, uid)} == {("L0000001", "Berg^Nils", "19500102", "M")}
    assert order(api, number)["patient_name"] == "Berg^Nils"
    undo = f"/api/v1/changes/{changes(api)[0]['id']}/undo"
    asked(api, "POST", undo, {"reason": "somebody else"}, 202, "reception")
    jobs(api, tmp_path).run()
    assert patient(api, "L0000001")["is_unidentified"] is True
    assert {one[1] for one in identities(api, uid)} == {"Unidentified^Alfa Bravo"}


def test_a_correction_of_something_else_identifies_nobody(api: Api) -> None:
    """The name stays one that was given here."""
    emergency(api)
    kept: dict[str, Any] = {
        "family_name": "Unidentified",
        "given_name": "Alfa Bravo",
        "birth_date": None,
        "sex": "female",
    }
    assert correct(api, "L0000001", **kept)["is_unidentified"] is True


def test_a_guessed_sex_that_was_wrong_asks_a_person(api: Api) -> None:
    """Name and sex differ: it may be another one, so images wait until somebody agrees."""
    made = emergency(api, order=CT)
    uid = imaged(api, made["order"]["accession_number"])
    named = correct(api, "L0000001", sex="female")
    assert named["pending_change_id"] is not None
    body = {"reason": "same person, the sex was a guess"}
    asked(api, "POST", f"/api/v1/changes/{named['pending_change_id']}/agree", body, 202, "technician")
    assert study(api, uid)["patient_name"] == "Berg^Nils"


def test_whoever_is_identified_by_a_merge_takes_order_and_images_along_and_back(api: Api, tmp_path: Path) -> None:
    """What will change is shown first, and changes nothing; the EHR's record stays."""
    made = emergency(api, order=CT)
    number = made["order"]["accession_number"]
    uid = imaged(api, number)
    put_patient(api, "MRN-7", 201, **PERSON)
    before = (patient(api, "L0000001"), order(api, number), study(api, uid), audited(api))
    body: dict[str, Any] = {"into": "MRN-7"}
    preview = asked(api, "POST", "/api/v1/patients/L0000001/merge/preview", body, 200, "reception")
    assert [one["accession_number"] for one in preview["orders"]] == [number]
    assert [(one["study_instance_uid"], one["stays"]) for one in preview["studies"]] == [(uid, False)]
    assert (preview["number_of_images"], preview["number_waiting"]) == (1, 1)
    assert (preview["restriction"], preview["open_to"]) == ("none", None)
    assert (preview["merged"]["mrn"], preview["survivor"]["mrn"]) == ("L0000001", "MRN-7")
    assert (patient(api, "L0000001"), order(api, number), study(api, uid), audited(api)) == before
    asked(api, "POST", "/api/v1/patients/L0000001/merge", body | {"reason": "identity card"}, 202, "reception")
    jobs(api, tmp_path).run()
    assert {one[:2] for one in identities(api, uid)} == {("MRN-7", "Berg^Nils")}
    assert order(api, number)["mrn"] == "MRN-7"
    asked(api, "POST", "/api/v1/patients/L0000001/unmerge", {"reason": "two people"}, 202, "reception")
    jobs(api, tmp_path).run()
    assert order(api, number)["mrn"] == "L0000001"
    assert {one[1] for one in identities(api, uid)} == {"Unidentified^Alfa Bravo"}
    assert patient(api, "L0000001")["is_unidentified"] is True


def test_a_preview_says_who_may_see_the_patient_afterwards(api: Api) -> None:
    """When one of the two is restricted, both will be; whoever may not see one of them is shown nothing."""
    mrn = register(api)["mrn"]
    put_patient(api, "MRN-7", 201, **PERSON)
    restrict(api, "MRN-7", "reception", "dora")
    path, body = f"/api/v1/patients/{mrn}/merge/preview", {"into": "MRN-7"}
    preview = asked(api, "POST", path, body, 200, "reception")
    assert (preview["restriction"], preview["open_to"]) == ("survivor", 2)
    assert asked(api, "POST", path, body, 403, "technician")["code"] == "patient_restricted"
    put_patient(api, "MRN-8", 201)
    restrict(api, "MRN-8", "reception")
    preview = asked(api, "POST", "/api/v1/patients/MRN-8/merge/preview", body, 200, "reception")
    assert (preview["restriction"], preview["open_to"]) == ("both", 1)


@pytest.mark.parametrize(
    ("merged", "into", "status", "code"),
    [("MRN-9", "MRN-1", 404, "patient_not_found"), ("MRN-1", "MRN-1", 422, "invalid_request")],
)
def test_a_preview_refuses_what_the_merge_would(api: Api, merged: str, into: str, status: int, code: str) -> None:
    """With the same words."""
    put_patient(api, "MRN-1", 201)
    path = f"/api/v1/patients/{merged}/merge"
    preview = asked(api, "POST", f"{path}/preview", {"into": into}, status, "reception")
    merge = asked(api, "POST", path, {"into": into, "reason": "x"}, status, "reception")
    assert (preview["code"], preview["detail"]) == (merge["code"], merge["detail"]) == (code, merge["detail"])


def test_the_ehr_that_tells_the_number_identifies_the_patient(api: Api) -> None:
    """It has read the event, and says who that is."""
    emergency(api)
    told = put_patient(api, "L0000001", 200, **PERSON)
    assert (told["is_unidentified"], told["registered_here"], told["differs_from_ehr"]) == (False, False, False)
    assert last_detail(api, "patient.updated")["settled"] == ["registered_here"]


def test_an_unidentified_patient_may_have_further_orders(api: Api) -> None:
    """As any other."""
    emergency(api)
    assert place(api, "L0000001")["patient_name"] == "Unidentified^Alfa Bravo"
