"""Images whose Request Attributes Sequence names several orders: linked to all on arrival, or left to a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.api.conftest import Api
from tests.api.identity_steps import take_back
from tests.api.late_steps import c_store, catch_up, kept
from tests.api.link_steps import changes, identities, one, order, post, put_order, put_patient, study
from tests.api.order_steps import judged, line, place
from tests.api.tag_steps import jobs
from tests.support.samples import small

ASA = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
FIELD = "RequestAttributesSequence"
BOTH = ["ACC-1", "ACC-2"]


def items(*said: dict[str, str]) -> dict[str, Any]:
    found = []
    for one_item in said:
        item = Dataset()
        for keyword, value in one_item.items():
            setattr(item, keyword, value)
        found.append(item)
    return {FIELD: found}


def of(*numbers: str) -> dict[str, Any]:
    """Items that name orders by their accession numbers."""
    return items(*({"AccessionNumber": number} for number in numbers))


def sent(api: Api, **said: Any) -> dict[str, Any]:
    """The study of an image that a modality sends, as it is listed."""
    data = small(**{"AccessionNumber": "", "Modality": "CR", **ASA, **said})
    answer = api.upload(data)
    assert answer.status_code == 201, answer.json
    uid = answer.json["studies"][0]["study_instance_uid"]
    return study(api, uid)


def placed(api: Api, **more: Any) -> list[str]:
    return [place(api, number, **more)["id"] for number in BOTH]


@pytest.mark.parametrize("own", ["", "ACC-1"])
def test_a_study_answers_each_order_that_its_header_names(api: Api, own: str) -> None:
    """Its own accession number is empty or the first one's; the file then says the first one's, the sequence stays."""
    ids = placed(api)
    seen = sent(api, AccessionNumber=own, **of(*BOTH))
    assert (seen["link_status"], seen["order_ids"], seen["accession_numbers"]) == ("linked", ids, BOTH)
    uid = seen["study_instance_uid"]
    assert {said[4] for said in identities(api, uid)} == {"ACC-1"}
    for number in BOTH:
        told = order(api, number)
        assert (told["status"], told["study_instance_uid"], told["number_of_images"]) == ("in_progress", uid, 1)
    (event,) = api.get(f"/api/v1/audit?action=study.linked&study_instance_uid={uid}", "admin").json["items"]
    assert (event["order_id"], event["detail"]["order_ids"]) == (ids[0], ids)


def test_the_primary_order_is_the_one_whose_number_the_study_has(api: Api) -> None:
    """Also where it is the second item's."""
    ids = placed(api)
    assert sent(api, AccessionNumber="ACC-2", **of(*BOTH))["order_ids"] == ids[::-1]


def test_step_ids_name_the_orders_where_the_items_have_no_numbers(api: Api) -> None:
    """And two steps of one order are one order."""
    ids = [place(api, number, scheduled_procedure_step_id=f"S-{number}")["id"] for number in BOTH]
    steps = [{"ScheduledProcedureStepID": f"S-{number}"} for number in BOTH]
    assert sent(api, **items(*steps))["order_ids"] == ids
    more = {"scheduled_procedure_step_id": "T-2", "modality": "CR"}
    third = place(api, "ACC-3", scheduled_procedure_step_id="T-1", further_steps=[more])["id"]
    steps = [{"ScheduledProcedureStepID": step} for step in ("T-1", "T-2")]
    assert sent(api, **items(*steps))["order_ids"] == [third]


def test_images_of_one_part_of_the_body_answer_both_orders(api: Api) -> None:
    """Each order asks for a part of its own, and each image is of one; a part that none asks for names neither."""
    ids = [place(api, number, body_part=part)["id"] for number, part in zip(BOTH, ("CHEST", "ABDOMEN"), strict=True)]
    assert sent(api, BodyPartExamined="ABDOMEN", **of(*BOTH))["order_ids"] == ids
    seen = sent(api, BodyPartExamined="KNEE", **of(*BOTH))
    assert (seen["link_status"], seen["order_ids"]) == ("linked", []), "to the patient by number, as before"


def test_later_images_join_whichever_order_they_name(api: Api) -> None:
    """The second series has a number of its own, and no sequence."""
    placed(api)
    seen = sent(api, **of(*BOTH))
    again = sent(api, StudyInstanceUID=seen["study_instance_uid"], AccessionNumber="ACC-2")
    assert (again["order_ids"], again["link_status"]) == (seen["order_ids"], "linked")
    assert {said[4] for said in identities(api, seen["study_instance_uid"])} == {"ACC-1"}


@pytest.mark.parametrize("own", ["", "ACC-1"])
def test_orders_of_two_patients_are_left_to_a_person(api: Api, own: str) -> None:
    """Nothing is linked, although the first item alone would be certain; the list offers both."""
    placed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Nils", birth_date="1950-01-02")
    put_order(api, "ACC-9", "MRN-2", modality="CR")
    seen = sent(api, AccessionNumber=own, **of("ACC-1", "ACC-9"))
    assert (seen["link_status"], seen["order_ids"]) == ("ambiguous", [])
    shown = one(api, seen["study_instance_uid"])
    assert {"ACC-1", "ACC-9"} <= {candidate["accession_number"] for candidate in shown["candidates"]}
    match = judged(api, modality="CR", requests=[{"accession_number": number} for number in ("ACC-1", "ACC-9")])
    assert line(match, FIELD)["reasons"] == ["requests_of_several_patients"]


def test_one_order_that_is_not_certain_leaves_what_the_first_item_says(api: Api) -> None:
    """A cancelled one, or one for other images: the study answers the first order, as without further items."""
    ids = placed(api)
    post(api, "/api/v1/orders/ACC-2/cancel", {}, 200, "service")
    place(api, "ACC-3", modality="US")
    for second in ("ACC-2", "ACC-3"):
        seen = sent(api, AccessionNumber="ACC-1", **of("ACC-1", second))
        assert (seen["link_status"], seen["order_ids"]) == ("linked", ids[:1])
        offered = one(api, seen["study_instance_uid"])["candidates"]
        assert second in {candidate["accession_number"] for candidate in offered}
        seen = sent(api, **of("ACC-1", second))
        assert (seen["link_status"], seen["order_ids"]) == ("linked", []), "to the patient by number, as before"


def test_an_order_that_is_not_here_is_no_contradiction(api: Api) -> None:
    """Of another system, or still to come: the others are answered, and the verdict says so."""
    ids = placed(api)
    seen = sent(api, **of("ACC-1", "ELSEWHERE-1", "ACC-2"))
    assert seen["order_ids"] == ids
    match = judged(
        api, modality="CR", accession_number="ACC-1", requests=[{"accession_number": one} for one in ("ACC-1", "X-1")]
    )
    assert (match["automatic"], match["order_ids"], line(match, FIELD)["agrees"]) == (True, ids[:1], None)


def test_what_is_foretold_is_what_happens(api: Api) -> None:
    """`/match` with the items of the sequence gives the verdict of the arrival."""
    ids = placed(api)
    match = judged(api, modality="CR", requests=[{"accession_number": number} for number in BOTH])
    assert (match["kind"], match["automatic"], match["order_id"], match["order_ids"]) == ("exact", True, ids[0], ids)
    assert line(match, FIELD)["values"] == {"ehr": "ACC-1, ACC-2"}
    data = small(**{"AccessionNumber": "", "Modality": "CR", **ASA, **of(*BOTH)})
    arrived = api.upload(data).json["studies"][0]["match"]
    assert {name: arrived[name] for name in ("kind", "order_ids", "evidence")} == {
        name: match[name] for name in ("kind", "order_ids", "evidence")
    }


def test_a_modality_that_sends_while_the_database_is_away(api: Api, tmp_path: Path) -> None:
    """Found later, its study is linked to both by a job; a retried job finds it linked."""
    ids = placed(api)
    data = small(**{"AccessionNumber": "", "Modality": "CR", **ASA, **of(*BOTH)})
    kept(api, data)
    assert catch_up(api) == 1
    for _ in range(3):
        jobs(api, tmp_path).run()
    (seen,) = api.get("/api/v1/dicom/studies", "nurse").json["items"]
    assert (seen["link_status"], seen["order_ids"]) == ("linked", ids)
    c_store(api, data)
    assert study(api, seen["study_instance_uid"])["order_ids"] == ids


def test_images_that_wait_are_linked_to_both_orders_when_they_are_placed(api: Api, tmp_path: Path) -> None:
    """Both are told before the study is judged again; the patient is not named by the file."""
    nobody = {**ASA, "PatientID": ""}
    seen = sent(api, **{**nobody, **of(*BOTH)})
    assert seen["link_status"] == "unlinked"
    ids = placed(api)
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert study(api, seen["study_instance_uid"])["order_ids"] == ids


def test_an_order_cancelled_while_the_late_link_waits_is_left_out(api: Api, tmp_path: Path) -> None:
    """The verdict is found again at its turn."""
    seen = sent(api, **{**ASA, "PatientID": "", **of(*BOTH)})
    ids = placed(api)
    post(api, "/api/v1/orders/ACC-2/cancel", {}, 200, "service")
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert "ACC-2" not in study(api, seen["study_instance_uid"])["accession_numbers"]
    take_back(api, changes(api, "?order_id=ACC-2")[0]["id"])
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert set(study(api, seen["study_instance_uid"])["order_ids"]) <= set(ids)
