"""Middle name, prefix and suffix of a patient, from the EHR's words to the files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from tests.api.conftest import Api
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
    put_patient,
    reconciliation,
    study,
)
from tests.api.tag_steps import files, jobs, store
from tests.support.samples import small

PARTS: dict[str, Any] = {"middle_name": "Maria", "prefix": "Dr.", "suffix": "MD, PhD"}
WHOLE = "Lindqvist^Åsa^Maria^Dr.^MD, PhD"
NAMED = (ASA[0], WHOLE, *ASA[2:])


def linked(api: Api) -> str:
    """A study of one image for order ACC-1; its UID."""
    uid = str(generate_uid())
    answer = api.upload(small(StudyInstanceUID=uid), headers={"X-Order-Id": "ACC-1"})
    assert answer.status_code == 201, answer.json
    return uid


def put(api: Api, mrn: str = "MRN-1", **body: Any) -> Any:
    return api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body)


def test_a_patient_has_all_parts_of_a_name(api: Api) -> None:
    """Told one by one or in a batch, and answered wherever the patient is named."""
    told = put_patient(api, status=201, **PARTS)
    assert {part: told[part] for part in PARTS} == PARTS
    batch = {"items": [{"mrn": "MRN-2", "family_name": "Berg", **PARTS}, {"mrn": "MRN-3", "family_name": "Dahl"}]}
    assert api.call("POST", "/api/v1/patients/batch", "service", json=batch).json["created"] == 2
    for mrn, parts in (("MRN-1", PARTS), ("MRN-2", PARTS), ("MRN-3", dict.fromkeys(PARTS))):
        answer = api.get(f"/api/v1/patients/{mrn}", "nurse").json
        assert {part: answer[part] for part in PARTS} == parts
    body = {"mrn": "MRN-1", "modality": "MR", "description": "MR brain"}
    assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body).json["patient_name"] == WHOLE
    assert order(api)["patient_name"] == WHOLE


def test_what_is_left_out_is_not_known_any_more(api: Api) -> None:
    """As with birth date and given name: a message says all that the EHR knows."""
    put_patient(api, status=201, **PARTS)
    told = put_patient(api, middle_name=" ")
    assert {part: told[part] for part in PARTS} == dict.fromkeys(PARTS)


@pytest.mark.parametrize("field", PARTS)
@pytest.mark.parametrize("given", ["A^B", "A=B", "A\\B", "A\nB", "A\x85B", "x" * 65])
def test_what_cannot_stand_in_a_name_is_refused(api: Api, field: str, given: str) -> None:
    """The field is named, alone and in a batch, and nothing is left."""
    answer = put(api, **{field: given})
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    items = {"items": [{"mrn": "MRN-1", field: given}]}
    batch = api.call("POST", "/api/v1/patients/batch", "service", json=items).json
    assert [error["field"] for error in batch["items"][0]["error"]["errors"]] == [field]
    assert api.get("/api/v1/patients", "nurse").json["total"] == 0


def test_a_comma_stays_in_prefix_and_suffix_only(api: Api) -> None:
    """`MD, PhD` is a suffix; a middle name with a comma is not one name."""
    assert put(api, prefix="Prof., Dr.", suffix="MD, PhD").status_code == 201
    refused = put(api, middle_name="Maria, Anna")
    assert [error["field"] for error in refused.json["errors"]] == ["middle_name"]
    assert "comma" in refused.json["errors"][0]["message"]


def test_a_whole_name_fits_what_dicom_has_for_it(api: Api) -> None:
    """64 characters with what separates the parts (PS3.5 section 6.2); the part with which it is too long is named."""
    half = {"family_name": "F" * 31, "given_name": "Ж" * 30}
    assert put(api, **half, middle_name="M").status_code == 201
    for field, parts in (
        ("middle_name", half | {"middle_name": "MM"}),
        ("prefix", half | {"prefix": "P"}),
        ("suffix", {"family_name": "F" * 31, "given_name": "G" * 28, "suffix": "SS"}),
    ):
        answer = put(api, **parts)
        assert [error["field"] for error in answer.json["errors"]] == [field]
        assert "64" in answer.json["errors"][0]["message"]
    assert put(api, suffix="S" * 60).status_code == 200


def test_a_patient_is_found_by_the_middle_name(api: Api) -> None:
    """Beside the other parts; and so are the studies."""
    api.place_order()
    put_patient(api, **PARTS)
    uid = linked(api)
    for words in ("maria", "lindqvist maria", "Lindqvist, Åsa Maria"):
        assert api.get(f"/api/v1/patients?q={words}", "nurse").json["total"] == 1, words
        found = api.get(f"/api/v1/dicom/studies?patient_name={words}", "nurse").json["items"]
        assert [item["study_instance_uid"] for item in found] == [uid], words
        assert found[0]["patient_name"] == WHOLE
    assert api.get("/api/v1/patients?q=maria berg", "nurse").json["total"] == 0


def test_files_get_the_whole_name(api: Api, tmp_path: Path) -> None:
    """What a correction reaches, what is confirmed on arrival, what a person links later; and back to the byte."""
    api.place_order()
    first = linked(api)
    before = files(api)
    assert identities(api, first) == {ASA}
    put_patient(api, **PARTS)
    change = changes(api)[0]
    assert (change["before"], change["after"]) == (dict.fromkeys(PARTS), PARTS)
    jobs(api, tmp_path).run()
    assert identities(api, first) == {NAMED}
    assert study(api, first)["patient_name"] == WHOLE
    step = history(api, first)[-1]["changes"][0]
    assert (step["tag"], step["before"], step["after"]) == ("PatientName", "Lindqvist^Åsa", WHOLE)
    events = api.get("/api/v1/audit?action=patient.updated", "admin").json["items"]
    assert sorted(events[0]["detail"]["fields"]) == sorted(PARTS)
    second = linked(api)
    assert identities(api, second) == {NAMED}
    waiting = store(api, 1)
    link(api, waiting, patient_id="MRN-1")
    jobs(api, tmp_path).run()
    assert {found[1] for found in identities(api, waiting)} == {WHOLE}
    undone = post(api, f"/api/v1/changes/{change['id']}/undo", {"reason": "it was right"}, 202, "service")
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert undone["after"] == dict.fromkeys(PARTS)
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["suffix"] is None
    assert before.items() <= files(api).items()
    assert {found[1] for uid in (second, waiting) for found in identities(api, uid)} == {"Lindqvist^Åsa"}
    assert "study.followed" in audited(api, first)


def test_after_a_merge_files_say_the_survivors_whole_name(api: Api, tmp_path: Path) -> None:
    """And their own again when it is undone."""
    api.place_order()
    uid = linked(api)
    put_patient(api, "MRN-2", 201, **PARTS)
    post(api, "/api/v1/patients/MRN-1/merge", {"into": "MRN-2", "reason": "registered twice"}, 202, "service")
    jobs(api, tmp_path).run()
    assert {found[:2] for found in identities(api, uid)} == {("MRN-2", WHOLE)}
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}, 202, "service")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA}


def test_images_that_leave_the_middle_name_out_link(api: Api) -> None:
    """Or have only its initial, or a title; a brother with another middle name waits for a person, who sees whose."""
    put_patient(api, status=201, **PARTS)
    for said in ("LINDQVIST^ASA", "LINDQVIST^ASA^M", "LINDQVIST^ASA^MARIA^DR"):
        uid = store(api, 1, PatientID="MRN-1", PatientName=said, PatientBirthDate="", PatientSex="")
        assert study(api, uid)["link_status"] == "linked", said
    put_patient(api, "MRN-2", 201, family_name="Smith", given_name="John", sex="male", birth_date=None, suffix="Jr.")
    uid = store(api, 1, PatientID="MRN-2", PatientName="Smith^John^^^Sr.", PatientBirthDate="", PatientSex="M")
    assert study(api, uid)["link_status"] != "linked"
    assert reconciliation(api)["total"] == 1
    assert [candidate["patient_name"] for candidate in one(api, uid)["candidates"]] == ["Smith^John^^^Jr."]


def test_a_name_that_only_gets_a_middle_name_is_the_same_persons(api: Api) -> None:
    """A correction that changes the birth date too asks nobody; another middle name and another birth date do."""
    api.place_order()
    linked(api)
    assert put_patient(api, **PARTS, birth_date="1961-03-15")["pending_change_id"] is None
    told = put_patient(api, **PARTS | {"middle_name": "Kerstin"}, birth_date="1990-07-01")
    assert told["pending_change_id"] is not None
