"""One study for several orders (group case): linked, shown, found, moved, cancelled, purged, taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, grace_is_over
from tests.api.identity_steps import linked, merge, take_back
from tests.api.link_steps import (
    ASA,
    changes,
    history,
    identities,
    link,
    one,
    order,
    post,
    put_order,
    put_patient,
    study,
    unlink,
)
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import files, jobs, store, undo
from tests.support.samples import small

BOTH = ["ACC-1", "ACC-2"]


def placed(api: Api, *numbers: str) -> list[str]:
    """The ids of new orders of patient MRN-1."""
    put_patient(api, status=201)
    return [put_order(api, number)["id"] for number in numbers or BOTH]


def grouped(api: Api, tmp_path: Path, *numbers: str) -> str:
    """A study that a person linked to these orders; its UID."""
    uid = store(api)
    link(api, uid, order_ids=list(numbers or BOTH))
    jobs(api, tmp_path).run()
    return uid


def answered(api: Api, uid: str) -> list[str]:
    """The accession numbers of a study; the row of the primary order and the table never differ."""
    with api.services.database.read() as session:
        row = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
        rows = session.scalars(
            select(StudyOrder.order_id).where(StudyOrder.study_id == row.id, StudyOrder.position == 0)
        )
        assert rows.all() == ([row.order_id] if row.order_id else [])
        assert {session.get_one(Order, key).patient_id for key in row.order_ids} <= {row.patient_id}
    return list(study(api, uid)["accession_numbers"])


def waits(api: Api, number: str) -> bool:
    told = order(api, number)
    return (told["status"], told["orthanc_study_id"], told["number_of_images"]) == ("scheduled", None, None)


def shows(api: Api, number: str, uid: str) -> bool:
    told = order(api, number)
    return (told["status"], told["study_instance_uid"], told["number_of_images"]) == ("in_progress", uid, 3)


def test_a_person_links_a_study_to_two_orders(api: Api, tmp_path: Path) -> None:
    """Both show it; the files say the first one's accession number; every answer lists both."""
    ids = placed(api)
    uid = grouped(api, tmp_path)
    seen = study(api, uid)
    assert (seen["order_id"], seen["order_ids"], seen["accession_numbers"]) == (ids[0], ids, BOTH)
    assert identities(api, uid) == {ASA}
    assert shows(api, "ACC-1", uid) and shows(api, "ACC-2", uid)
    for number in BOTH:
        for path in (f"studies/order/{number}", f"studies/accession/{number}", f"studies?accession_number={number}"):
            found = api.get(f"/api/v1/dicom/{path}", "nurse").json
            assert [item["study_instance_uid"] for item in found["items"]] == [uid], path
    assert one(api, uid)["study"]["order_ids"] == ids
    (entry, *_) = api.get(f"/api/v1/dicom/uploads?study_instance_uid={uid}", "technician").json["items"]
    assert (entry["order_id"], entry["order_ids"]) == (ids[0], ids)
    told = next(step for step in history(api, uid) if step["action"] == "study.linked")
    assert (told["link_after"]["accession_numbers"], told["link_before"]["accession_numbers"]) == (BOTH, [])
    assert told["detail"]["after"]["order_ids"] == ids


def test_images_that_come_later_join_the_study_under_either_order(api: Api, tmp_path: Path) -> None:
    """And get the identity of the primary one; counts of both orders grow. Another order is refused."""
    placed(api, *BOTH, "ACC-3")
    uid = grouped(api, tmp_path)
    for number, status in (("ACC-2", 201), ("ACC-3", 409)):
        answer = api.upload(small(StudyInstanceUID=uid), headers={"X-Order-Id": number})
        assert answer.status_code == status, answer.json
    assert identities(api, uid) == {ASA}
    assert order(api, "ACC-1")["number_of_images"] == order(api, "ACC-2")["number_of_images"] == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"order_ids": ["ACC-1", "ACC-9"]}, 409, "order_of_another_patient"),
        ({"order_ids": ["ACC-1", "ACC-8"]}, 409, "order_cancelled"),
        ({"order_ids": ["ACC-1", "NONE"]}, 404, "order_not_found"),
        ({"order_ids": []}, 422, "invalid_request"),
        ({"order_ids": ["ACC-1"], "order_id": "ACC-2"}, 422, "invalid_request"),
        ({"order_ids": BOTH, "patient_id": "MRN-2"}, 409, "order_of_another_patient"),
    ],
)
def test_a_study_is_linked_to_open_orders_of_one_patient_only(
    api: Api, body: dict[str, Any], status: int, code: str
) -> None:
    """Otherwise nothing is asked for."""
    placed(api, *BOTH, "ACC-8")
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-9", "MRN-2")
    post(api, "/api/v1/orders/ACC-8/cancel", {}, 200, "service")
    uid = store(api)
    assert link(api, uid, status, **body)["code"] == code
    assert one(api, uid)["job"] is None


def test_orders_are_added_and_left_and_each_step_is_taken_back(api: Api, tmp_path: Path) -> None:
    """One order, both, the other one alone, none; and back again to the byte."""
    placed(api)
    uid = store(api)
    steps: list[tuple[str, list[str], dict[str, bytes]]] = []
    for numbers in (["ACC-1"], BOTH, ["ACC-2"]):
        before = files(api)
        asked = link(api, uid, order_ids=numbers, expected=one(api, uid)["version"])
        jobs(api, tmp_path).run()
        assert answered(api, uid) == numbers
        assert [shows(api, number, uid) for number in BOTH] == [number in numbers for number in BOTH]
        assert [waits(api, number) for number in BOTH] == [number not in numbers for number in BOTH]
        assert {said[4] for said in identities(api, uid)} == {numbers[0]}
        steps.append((asked["id"], numbers, before))
    assert link(api, uid, 409, order_ids=["ACC-2"], expected=one(api, uid)["version"])["code"] == "study_is_linked"
    (last, _, before_last), (middle, _, before_middle) = steps[2], steps[1]
    undo(api, last)
    jobs(api, tmp_path).run()
    assert (answered(api, uid), files(api)) == (BOTH, before_last)
    assert shows(api, "ACC-1", uid) and shows(api, "ACC-2", uid)
    undo(api, middle)
    jobs(api, tmp_path).run()
    assert (answered(api, uid), files(api)) == (["ACC-1"], before_middle)
    assert shows(api, "ACC-1", uid) and waits(api, "ACC-2")


def test_unlinking_leaves_both_orders_waiting(api: Api, tmp_path: Path) -> None:
    """And undoing that links the study to both again."""
    placed(api)
    uid = grouped(api, tmp_path, "ACC-1")
    link(api, uid, order_ids=BOTH, expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    asked = unlink(api, uid)
    jobs(api, tmp_path).run()
    assert (answered(api, uid), study(api, uid)["link_status"]) == ([], "unlinked")
    assert waits(api, "ACC-1") and waits(api, "ACC-2")
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert answered(api, uid) == BOTH
    assert shows(api, "ACC-1", uid) and shows(api, "ACC-2", uid)


@pytest.mark.parametrize(("gone", "left"), [("ACC-1", "ACC-2"), ("ACC-2", "ACC-1")])
def test_one_of_two_orders_is_cancelled_and_reinstated(api: Api, tmp_path: Path, gone: str, left: str) -> None:
    """The study answers the other one, whose number the files then say; afterwards both again, in the former order."""
    placed(api)
    uid = grouped(api, tmp_path)
    post(api, f"/api/v1/orders/{gone}/cancel", {}, 200, "service")
    jobs(api, tmp_path).run()
    assert (answered(api, uid), study(api, uid)["link_status"]) == ([left], "linked")
    assert {said[4] for said in identities(api, uid)} == {left}
    assert shows(api, left, uid) and order(api, gone)["orthanc_study_id"] is None
    take_back(api, changes(api, f"?order_id={gone}")[0]["id"])
    jobs(api, tmp_path).run()
    assert answered(api, uid) == BOTH
    assert identities(api, uid) == {ASA}
    assert shows(api, "ACC-1", uid) and shows(api, "ACC-2", uid)


@pytest.mark.parametrize(("gone", "left"), [("ACC-1", "ACC-2"), ("ACC-2", "ACC-1")])
def test_one_of_two_orders_moves_to_another_patient(api: Api, tmp_path: Path, gone: str, left: str) -> None:
    """The study stays with the patient in its files and the other order, and a person decides; never is it linked to
    orders of two patients. When the EHR takes it back, the study answers both again, and a person still decides."""
    placed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Nils")
    uid = grouped(api, tmp_path)
    before = files(api)
    put_order(api, gone, "MRN-2")
    jobs(api, tmp_path).run()
    seen = one(api, uid)
    assert (answered(api, uid), seen["study"]["mrn"], seen["why"]) == ([left], "MRN-1", "contradicted")
    assert files(api) == before
    assert shows(api, left, uid) and waits(api, gone)
    take_back(api, changes(api, f"?order_id={gone}")[0]["id"])
    jobs(api, tmp_path).run()
    assert (answered(api, uid), one(api, uid)["why"]) == (BOTH, "contradicted")


def test_both_orders_move_one_after_the_other(api: Api, tmp_path: Path) -> None:
    """The second one takes the study along, as an only order does."""
    placed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Nils")
    uid = grouped(api, tmp_path)
    for number in BOTH:
        put_order(api, number, "MRN-2")
    jobs(api, tmp_path).run()
    assert (answered(api, uid), study(api, uid)["mrn"], one(api, uid)["why"]) == (["ACC-2"], "MRN-2", "contradicted")


def test_a_study_goes_along_with_both_orders_in_a_merge_and_back(api: Api, tmp_path: Path) -> None:
    """Merged: both are the survivor's; parted: both are the former record's again."""
    placed(api)
    put_patient(api, "MRN-2", 201)
    uid = grouped(api, tmp_path)
    change = merge(api, "MRN-1", "MRN-2")["id"]
    assert (answered(api, uid), study(api, uid)["mrn"]) == (BOTH, "MRN-2")
    take_back(api, change)
    jobs(api, tmp_path).run()
    assert (answered(api, uid), study(api, uid)["mrn"], study(api, uid)["link_status"]) == (BOTH, "MRN-1", "linked")


def test_orders_that_a_merge_brought_together_part_again(api: Api, tmp_path: Path) -> None:
    """A study that was linked to both meanwhile stays with the survivor's, and a person decides."""
    placed(api, "ACC-1")
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-2", "MRN-2")
    change = merge(api, "MRN-2", "MRN-1")["id"]
    uid = grouped(api, tmp_path)
    take_back(api, change)
    jobs(api, tmp_path).run()
    seen = one(api, uid)
    assert (answered(api, uid), seen["study"]["mrn"], seen["why"]) == (["ACC-1"], "MRN-1", "contradicted")
    assert order(api, "ACC-2")["mrn"] == "MRN-2" and waits(api, "ACC-2")


def test_an_order_moves_while_the_job_that_links_it_waits(api: Api, tmp_path: Path) -> None:
    """What is still the patient's is linked, and a person decides; a cancelled one is left out without a doubt."""
    placed(api, *BOTH, "ACC-3")
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Nils")
    uid = store(api)
    link(api, uid, order_ids=[*BOTH, "ACC-3"])
    post(api, "/api/v1/orders/ACC-3/cancel", {}, 200, "service")
    put_order(api, "ACC-2", "MRN-2")
    jobs(api, tmp_path).run()
    assert (answered(api, uid), one(api, uid)["why"]) == (["ACC-1"], "contradicted")
    assert waits(api, "ACC-2")


def test_a_renumbered_second_order_leaves_the_files_alone(api: Api, tmp_path: Path) -> None:
    """They say the first one's number; the study is found under the new one."""
    placed(api)
    uid = grouped(api, tmp_path)
    before = files(api)
    body = {"accession_number": "ACC-7", "reason": "digits swapped"}
    post(api, "/api/v1/orders/ACC-2/accession-number", body, 202, "service")
    jobs(api, tmp_path).run()
    assert (answered(api, uid), files(api)) == (["ACC-1", "ACC-7"], before)
    found = api.get("/api/v1/dicom/studies?accession_number=ACC-7", "nurse").json["items"]
    assert [item["study_instance_uid"] for item in found] == [uid]


def test_each_order_waits_for_images_again_when_the_study_is_purged(api: Api, tmp_path: Path) -> None:
    """And one that another study answers too shows that one."""
    placed(api)
    uid = grouped(api, tmp_path)
    other = linked(api, 3)
    approved(api, uid)
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 1
    assert shows(api, "ACC-1", other) and waits(api, "ACC-2")
    assert api.get("/api/v1/dicom/studies/order/ACC-2", "nurse").json["total"] == 0


def test_each_order_is_completed_by_images_of_its_kind(api: Api, tmp_path: Path) -> None:
    """MR images complete the MR order, and not the CT order that they were linked to as well."""
    put_patient(api, status=201)
    put_order(api, "ACC-1")
    put_order(api, "ACC-2", modality="CT")
    put_order(api, "ACC-3")
    grouped(api, tmp_path, "ACC-1", "ACC-2", "ACC-3")
    completion = Completion(api.services.database, lambda: datetime.now(UTC) + timedelta(hours=1), timedelta())
    assert completion.run() == 2
    states = [order(api, number)["status"] for number in ("ACC-1", "ACC-2", "ACC-3")]
    assert states == ["completed", "in_progress", "completed"]


def test_a_viewer_token_for_the_second_order_opens_the_study_and_nothing_else(api: Api, tmp_path: Path) -> None:
    """With its priors by the body part of any of its orders; a study that leaves the order leaves the token."""
    put_patient(api, status=201)
    put_order(api, "ACC-1", body_part="CHEST")
    put_order(api, "ACC-2", body_part="ABDOMEN")
    put_order(api, "ACC-3")
    uid = grouped(api, tmp_path)
    api.upload(small(), headers={"X-Order-Id": "ACC-3"})
    token = api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json={"order_id": "ACC-2"}).json
    assert token["studies"] == [uid]
    authenticator = api.services.authenticator
    assert authenticator.authenticate(f"Bearer {token['token']}").studies == frozenset({uid})
    link(api, uid, order_ids=["ACC-1"], expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    api.services.grants.refresh()
    assert authenticator.authenticate(f"Bearer {token['token']}").studies == frozenset()


def test_a_restricted_patients_orders_are_named_to_nobody_else(api: Api) -> None:
    """Neither the first nor a further one, and in no answer."""
    placed(api)
    uid = store(api)
    restrict(api, "MRN-1", "somebody")
    for numbers in (BOTH, ["ACC-2"]):
        assert link(api, uid, 403, order_ids=numbers)["code"] == "patient_restricted"


def test_the_feed_tells_of_an_order_that_came_to_a_study_or_left_it(api: Api, tmp_path: Path) -> None:
    """The primary order stays the same both times."""
    ids = placed(api)
    uid = store(api)
    for numbers in (BOTH, ["ACC-1"]):
        seq = api.get("/api/v1/events", "service").json["next"]
        link(api, uid, order_ids=numbers, expected=one(api, uid)["version"])
        jobs(api, tmp_path).run()
        told = [
            fact["type"].removeprefix("org.ehr-bridge.")
            for fact in api.get(f"/api/v1/events?after={seq}", "service").json["items"]
            if fact["data"].get("study_instance_uid") == uid
        ]
        assert "study.linked" in told, (numbers, told)
    assert study(api, uid)["order_ids"] == ids[:1]
