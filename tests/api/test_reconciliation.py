"""Reconciliation: the list, two people at once, the missing order, refusals, the history; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.late_steps import other_patients_image
from tests.api.link_steps import (
    audited,
    history,
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
from tests.api.tag_steps import jobs, modify, store, undo
from tests.support.samples import small


def test_a_study_is_compared_with_whoever_somebody_thinks_of(api: Api) -> None:
    """Beside a stranger every line says so; beside an order too, and what a link would change; refusals in words."""
    placed = api.place_order()
    put_patient(api, "MRN-9", 201, family_name="Berg", given_name="Nils", birth_date="1950-01-01", sex="male")
    said = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314", "PatientSex": "F"}
    uid = store(api, 1, AccessionNumber="NOBODYS", **said)
    path = f"/api/v1/reconciliation/{uid}/compare"
    stranger = api.get(f"{path}?patient_id=MRN-9", "technician").json
    assert (stranger["mrn"], stranger["birth_date"], stranger["sex"]) == ("MRN-9", "1950-01-01", "male")
    assert {e["field"] for e in stranger["evidence"] if e["agrees"] is False} == {
        "PatientID", "PatientName", "PatientBirthDate", "PatientSex"
    }  # fmt: skip
    assert {d["tag"]: d["ehr"] for d in stranger["differences"]}["PatientName"] == "Berg^Nils"
    own = api.get(f"{path}?order_id={placed['id']}&patient_id=MRN-1", "technician").json
    assert (own["order_id"], own["patient_id"]) == (placed["id"], placed["patient_id"])
    assert {e["field"]: e["grade"] for e in own["evidence"]}["PatientName"] == "form"
    for query, status in (("", 422), ("?patient_id=MRN-8", 404), (f"?order_id={placed['id']}&patient_id=MRN-9", 409)):
        assert api.get(f"{path}{query}", "technician").status_code == status
    assert api.get(f"{path}?patient_id=MRN-9", "nurse").status_code == 403


def test_whoever_is_named_is_named_with_birth_date_and_sex(api: Api) -> None:
    """Orders and studies; of a study without a link it is what its file says, and of one that is linked the EHR's."""
    placed = api.place_order()
    assert (placed["patient_birth_date"], placed["patient_sex"]) == ("1961-03-14", "female")
    uid = store(api, 1, PatientID="SCAN-7", PatientBirthDate="19450102", PatientSex="M")
    assert [study(api, uid)[name] for name in ("patient_birth_date", "patient_sex")] == ["1945-01-02", "male"]
    odd = store(api, 1, PatientID="SCAN-8", PatientBirthDate="", PatientSex="")
    assert [study(api, odd)[name] for name in ("patient_birth_date", "patient_sex")] == [None, "unknown"]
    data = small(PatientSex="M")
    linked = api.upload(data, headers={"X-Order-Id": placed["id"]}).json["studies"][0]["study_instance_uid"]
    assert [study(api, linked)[name] for name in ("patient_birth_date", "patient_sex")] == ["1961-03-14", "female"]


def test_the_list_shows_whom_a_study_could_belong_to_and_what_would_change(api: Api) -> None:
    """A misread patient ID: the order is found, with evidence and differences field by field."""
    placed = api.place_order()
    uid = store(api, 1, AccessionNumber="ACC-1", PatientID="MRN-X", PatientName="Lindqvist^Asa", PatientSex="F")
    (item,) = reconciliation(api)["items"]
    assert (item["study"]["study_instance_uid"], item["why"], item["job"]) == (uid, "ambiguous", None)
    (candidate,) = item["candidates"]
    assert (candidate["order_id"], candidate["mrn"], candidate["kind"]) == (placed["id"], "MRN-1", "ambiguous")
    assert {e["field"]: e["agrees"] for e in candidate["evidence"]}["PatientID"] is False
    assert {d["tag"]: (d["file"], d["ehr"], d["differs"]) for d in candidate["differences"]} == {
        "PatientID": ("MRN-X", "MRN-1", True),
        "IssuerOfPatientID": ("", None, False),
        "PatientName": ("Lindqvist^Asa", "Lindqvist^Åsa", True),
        "PatientBirthDate": ("", "19610314", True),
        "PatientSex": ("F", "F", False),
        "AccessionNumber": ("ACC-1", "ACC-1", False),
    }
    assert one(api, uid) == item


def test_the_list_filters_sorts_and_pages(api: Api) -> None:
    """Linked studies are not on it."""
    api.place_order()
    older = store(api, 1, StudyDate="20260101", PatientName="Aalto^Bo")
    newer = store(api, 1, StudyDate="20260201", PatientName="Zorn^Ida", Modality="CT")
    api.upload(small(), headers={"X-Order-Id": "ACC-1"})

    def uids(query: str) -> list[str]:
        return [item["study"]["study_instance_uid"] for item in reconciliation(api, query)["items"]]

    assert uids("") == [newer, older] and reconciliation(api)["total"] == 2
    assert uids("?sort=patient_name&limit=1") == [older]
    assert uids("?modality=CT") == uids("?study_date_from=2026-01-15") == uids("?patient_name=ida") == [newer]
    assert uids("?link_status=ambiguous") == []
    assert api.get("/api/v1/reconciliation?link_status=linked", "technician").status_code == 422
    assert api.get("/api/v1/reconciliation", "doctor").status_code == 403


def test_two_people_at_once_one_wins_and_the_other_hears_who(api: Api, tmp_path: Path) -> None:
    """While the job runs, and after it, with the version that both had looked at."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = store(api)
    version = one(api, uid)["version"]
    link(api, uid, order_id="ACC-1", expected=version)
    late = link(api, uid, 409, "radiologist", order_id="ACC-2", expected=version)
    assert late["code"] == "modification_running" and "technician" in late["detail"]
    jobs(api, tmp_path).run()
    late = link(api, uid, 409, "radiologist", order_id="ACC-2", expected=version)
    assert late["code"] == "study_changed" and "technician" in late["detail"]
    headers = {"If-Match": f'"{version}"'}
    path, body = f"/api/v1/reconciliation/{uid}/link", {"order_id": "ACC-2", "reason": "no"}
    assert api.call("POST", path, "radiologist", json=body, headers=headers).json["code"] == "version_changed"
    headers = {"If-Match": api.get(f"/api/v1/reconciliation/{uid}", "radiologist").headers["ETag"]}
    assert api.call("POST", path, "radiologist", json=body, headers=headers).status_code == 202
    jobs(api, tmp_path).run()
    assert study(api, uid)["accession_number"] == "ACC-2"


def test_what_was_looked_at_before_another_persons_image_came_is_no_basis_for_a_link(api: Api) -> None:
    """The study waits as ambiguous already; its link would have given that image the patient's name."""
    api.place_order()
    uid = store(api, 1, AccessionNumber="ACC-1", PatientID="MRN-X", PatientName="Lindqvist^Asa", PatientSex="F")
    seen = one(api, uid)
    other_patients_image(api, uid)
    now = one(api, uid)
    assert (seen["why"], now["why"]) == ("ambiguous", "contradicted")
    assert link(api, uid, 409, order_id="ACC-1", expected=seen["version"])["code"] == "study_changed"
    link(api, uid, order_id="ACC-1", expected=now["version"])


def test_a_study_with_another_persons_image_is_not_linked_along_with_others(api: Api) -> None:
    """Whoever compared one study has not seen what another one's images say; looked at by itself, it is linked."""
    api.place_order()
    fine, doubted = store(api, 1), store(api, 1)
    other_patients_image(api, doubted)
    several: dict[str, Any] = {"order_id": "ACC-1", "is_one_of_several": True}
    version = one(api, doubted)["version"]
    assert link(api, doubted, 409, expected=version, **several)["code"] == "decide_alone"
    assert (one(api, doubted)["why"], one(api, doubted)["version"]) == ("contradicted", version)
    link(api, fine, expected=one(api, fine)["version"], **several)
    link(api, doubted, order_id="ACC-1", expected=version)


def test_an_order_is_made_from_a_study(api: Api, tmp_path: Path) -> None:
    """With the file's own accession number, and what the images are."""
    put_patient(api, status=201)
    uid = store(api, 2, AccessionNumber="OUTSIDE-1")
    path = f"/api/v1/reconciliation/{uid}/create-order"
    made = post(api, path, {"patient_id": "MRN-1", "reason": "CD from outside"}, 202, "technician")
    jobs(api, tmp_path).run()
    shown = order(api, "OUTSIDE-1")
    assert shown["id"] == made["order"]["id"] and made["job"]["kind"] == "link"
    assert (shown["modality"], shown["description"], shown["status"], shown["number_of_images"]) == (
        "MR", "MR brain", "in_progress", 2,
    )  # fmt: skip
    assert study(api, uid)["accession_number"] == "OUTSIDE-1"
    other = store(api, 1)
    body = {"patient_id": "MRN-1", "accession_number": "OUTSIDE-1", "reason": "again"}
    taken = post(api, f"/api/v1/reconciliation/{other}/create-order", body, 409, "technician")
    assert taken["code"] == "accession_number_taken"
    made = post(
        api, f"/api/v1/reconciliation/{other}/create-order", {"patient_id": "MRN-1", "reason": "x"}, 202, "technician"
    )
    assert len(made["order"]["accession_number"]) == 16


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "x"}, 422, "invalid_request"),
        ({"order_id": "ACC-1"}, 422, "invalid_request"),
        ({"order_id": "ACC-1", "reason": " "}, 422, "invalid_request"),
        ({"order_id": "ACC-1", "reason": "x", "expected": "no version"}, 422, "invalid_request"),
        ({"order_id": "ACC-9", "reason": "x"}, 404, "order_not_found"),
        ({"patient_id": "MRN-9", "reason": "x"}, 404, "patient_not_found"),
        ({"order_id": "ACC-1", "patient_id": "MRN-2", "reason": "x"}, 409, "order_of_another_patient"),
        ({"order_id": "ACC-3", "reason": "x"}, 409, "order_cancelled"),
    ],
)
def test_a_link_that_cannot_be_is_refused_and_nothing_is_done(
    api: Api, body: dict[str, str], status: int, code: str
) -> None:
    """With the reason; and an unknown study, a study without a link, a caller without the permission."""
    api.place_order()
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-3")
    api.call("POST", "/api/v1/orders/ACC-3/cancel", "service")
    uid = store(api, 1)
    path = f"/api/v1/reconciliation/{uid}/link"
    assert post(api, path, body, status, "technician")["code"] == code
    assert one(api, uid)["job"] is None
    assert link(api, "1.2.3", 404, order_id="ACC-1")["code"] == "study_not_found"
    assert unlink(api, uid, 409)["code"] == "not_linked"
    assert link(api, uid, 403, "doctor", order_id="ACC-1")["code"] == "permission_missing"


def test_the_history_tells_the_whole_story_in_order(api: Api, tmp_path: Path) -> None:
    """Arrival, coercion, unlinking, linking, a modification, its undoing: before and after, who and why."""
    api.place_order()
    put_order(api, "ACC-2")
    uid = api.upload(small(), headers={"X-Order-Id": "ACC-1"}).json["studies"][0]["study_instance_uid"]
    unlink(api, uid)
    jobs(api, tmp_path).run()
    link(api, uid, order_id="ACC-2")
    jobs(api, tmp_path).run()
    dated = modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    undo(api, dated["id"])
    jobs(api, tmp_path).run()
    story = history(api, uid)
    assert [step["action"] for step in story] == audited(api, uid) == [
        "study.linked", "study.received", "study.unlink_requested", "study.unlinked", "study.link_requested",
        "study.linked", "study.modification_requested", "study.modified", "study.undo_requested",
        "study.modification_undone",
    ]  # fmt: skip
    arrived, received, _, unlinked, _, linked, _, modified, _, _ = story
    assert {"tag": "PatientID", "before": "SCAN-7", "after": "MRN-1"} in arrived["coerced"]
    assert (received["door"], received["number_of_files"], received["actor"]) == ("upload", 1, "technician")
    assert {"tag": "PatientName", "before": "SCANNER^NAME", "after": "Lindqvist^Åsa"} in received["coerced"]
    assert (unlinked["link_before"]["accession_number"], unlinked["link_after"]["link_status"]) == ("ACC-1", "unlinked")
    assert (linked["link_after"]["accession_number"], linked["reason"]) == (
        "ACC-2",
        "the console had the wrong patient",
    )
    assert {"tag": "PatientID", "before": "SCAN-7", "after": "MRN-1", "instances": 1} in linked["changes"]
    assert modified["changes"] == [{"tag": "StudyDate", "before": "20260115", "after": "20260201", "instances": 1}]
    assert api.get("/api/v1/dicom/studies/1.2.3/history", "nurse").status_code == 404
