"""Of which orders a performed step is: groups, what is unscheduled, what comes late, and who may see it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.dicom.mpps import read_performed
from ehr_bridge.services.interfaces.performed import PerformedSteps
from tests.api.conftest import Api
from tests.api.link_steps import link, order, put_order, put_patient, study, unlink
from tests.api.performed_steps import MR1, STEPS, actions, change, create, place, request, send, shown, status
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs
from tests.support.mpps import begun


def test_one_step_for_two_orders_links_its_study_to_both(api: Api) -> None:
    """Group case: the images name one order, the modality names both. Both move on; the study answers both, with the
    order of the images first; a person who changes that has the last word."""
    place(api, "ACC-1", "ACC-2")
    first, second = request(api, "ACC-1"), request(api, "ACC-2")
    study_uid = first["StudyInstanceUID"]
    uid = create(api, first, second | {"StudyInstanceUID": study_uid})
    assert [status(api, number) for number in ("ACC-1", "ACC-2")] == ["in_progress"] * 2
    image = send(api, study_uid, "ACC-1")
    assert study(api, study_uid)["accession_numbers"] == ["ACC-1"]
    assert api.services.performed.look() == 1
    assert study(api, study_uid)["accession_numbers"] == ["ACC-1", "ACC-2"]
    change(api, uid, images={"1.2.9": [image]})
    assert [status(api, number) for number in ("ACC-1", "ACC-2")] == ["completed"] * 2
    assert [order(api, number)["number_of_images"] for number in ("ACC-1", "ACC-2")] == [1, 1]
    assert len(shown(api, uid)["orders"]) == 2
    assert api.services.performed.look() == 0


def test_what_a_person_changes_of_a_group_stays(api: Api, tmp_path: Path) -> None:
    place(api, "ACC-1", "ACC-2")
    first, second = request(api, "ACC-1"), request(api, "ACC-2")
    study_uid = first["StudyInstanceUID"]
    create(api, first, second | {"StudyInstanceUID": study_uid})
    send(api, study_uid, "ACC-1")
    api.services.performed.look()
    unlink(api, study_uid)
    jobs(api, tmp_path).run()
    link(api, study_uid, order_ids=["ACC-1"])
    jobs(api, tmp_path).run()
    api.services.performed.look()
    assert study(api, study_uid)["accession_numbers"] == ["ACC-1"]


def test_another_patient_moves_no_order(api: Api) -> None:
    """The wrong line of the worklist was chosen: the number is one person's, everything else another's."""
    place(api, "ACC-1")
    put_patient(
        api, "MRN-2", family_name="Ferreira", given_name="João", birth_date="1984-05-06", sex="male", status=201
    )
    other = {"PatientID": "MRN-2", "PatientName": "Ferreira^João", "PatientBirthDate": "19840506", "PatientSex": "M"}
    uid = create(api, request(api, "ACC-1"), **other)
    assert (status(api), shown(api, uid)["orders"]) == ("scheduled", [])
    assert shown(api, uid)["original_patient_id"] == "MRN-2"


def test_an_unscheduled_step_follows_the_person_who_links_its_study(api: Api, tmp_path: Path) -> None:
    place(api, "ACC-1")
    study_uid = generate_uid()
    uid = create(api, {"StudyInstanceUID": study_uid}, PatientID="X-77", PatientName="UNKNOWN", PatientBirthDate="")
    assert (shown(api, uid)["orders"], shown(api, uid)["is_waiting"]) == ([], True)
    image = send(api, study_uid, PatientID="X-77", PatientName="UNKNOWN", PatientBirthDate="")
    change(api, uid, images={"1.2.9": [image]})
    assert [one["sop_instance_uid"] for one in api.get(f"{STEPS}?study={study_uid}", "doctor").json["items"]] == [uid]
    link(api, study_uid, order_ids=["ACC-1"])
    jobs(api, tmp_path).run()
    assert api.services.performed.look() == 1
    seen = shown(api, uid)
    assert ([one["accession_number"] for one in seen["orders"]], seen["is_waiting"]) == (["ACC-1"], False)
    assert status(api) == "completed"
    assert actions(api, "performed_step.assigned") == ["performed_step.assigned"]
    put_order(api, "ACC-2")
    unlink(api, study_uid)
    jobs(api, tmp_path).run()
    assert api.services.performed.look() == 1
    assert (shown(api, uid)["orders"], shown(api, uid)["is_waiting"], status(api)) == ([], True, "scheduled")
    link(api, study_uid, order_ids=["ACC-2"])
    jobs(api, tmp_path).run()
    assert (api.services.performed.look(), api.services.performed.look()) == (1, 0)
    assert (status(api), status(api, "ACC-2")) == ("scheduled", "completed")


def test_a_step_without_any_request_finds_its_study_by_its_images(api: Api) -> None:
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    image = send(api, told["StudyInstanceUID"], "ACC-1")
    uid = create(api, PatientID="")
    change(api, uid, images={"1.2.9": [image]})
    while api.services.performed.look():
        pass
    seen = shown(api, uid)
    assert seen["study_instance_uid"] == told["StudyInstanceUID"]
    assert [one["accession_number"] for one in seen["orders"]] == ["ACC-1"]


TURNS = [
    turns for turns in permutations(["order", "create", "image", "set"]) if turns.index("create") < turns.index("set")
]
"""A step ends after it has begun; everything else comes as it likes."""


@pytest.mark.parametrize("turns", TURNS)
def test_order_report_and_images_come_in_any_order(api: Api, turns: tuple[str, ...]) -> None:
    """In the end all of them know each other, whatever came first."""
    study_uid, sop = generate_uid(), generate_uid()
    put_patient(api, status=201)
    told = {"AccessionNumber": "ACC-1", "StudyInstanceUID": study_uid, "ScheduledProcedureStepID": "ACC-1"}
    does: dict[str, Callable[[], object]] = {
        "order": lambda: put_order(api, "ACC-1", scheduled_study_instance_uid=study_uid),
        "create": lambda: create(api, told, uid="1.2.3.4"),
        "image": lambda: send(api, study_uid, "ACC-1", SOPInstanceUID=sop),
        "set": lambda: change(api, "1.2.3.4", images={"1.2.9": [sop]}),
    }
    for turn in turns:
        does[turn]()
        api.services.performed.look()
    api.services.second_looks.run()
    while api.services.performed.look():
        pass
    seen = shown(api, "1.2.3.4")
    assert [one["accession_number"] for one in seen["orders"]] == ["ACC-1"]
    assert (seen["status"], seen["number_here"], seen["is_waiting"]) == ("completed", 1, False)
    assert status(api) == "completed"


def test_nobody_sees_steps_of_a_patient_who_is_restricted_to_others(api: Api) -> None:
    place(api, "ACC-1")
    uid = create(api, request(api, "ACC-1"))
    restrict(api, "MRN-1", "somebody")
    assert api.get(STEPS, "doctor").json["total"] == 0
    hidden = api.get(f"{STEPS}/{uid}", "doctor")
    assert (hidden.status_code, hidden.json["code"]) == (403, "patient_restricted")
    closing = api.call("POST", f"{STEPS}/{uid}/close", "technician", json={"reason": "Gone"})
    assert (closing.status_code, closing.json["code"]) == (403, "patient_restricted")


def test_nor_steps_without_an_order_whose_study_is_of_such_a_patient(api: Api) -> None:
    place(api)
    study_uid = generate_uid()
    uid = create(api, {"StudyInstanceUID": study_uid})
    send(api, study_uid)
    study = api.get(f"/api/v1/dicom/studies/{study_uid}", "doctor").json
    assert (study["patient_id"] is not None, shown(api, uid)["orders"]) == (True, [])
    restrict(api, "MRN-1", "somebody")
    hidden = api.get(f"{STEPS}/{uid}", "doctor")
    assert (hidden.status_code, hidden.json["code"]) == (403, "patient_restricted")
    assert api.get(STEPS, "doctor").json["total"] == 0


def test_the_list_is_narrowed_by_order_patient_status_and_time(api: Api) -> None:
    place(api, "ACC-1", "ACC-2")
    one, other = create(api, request(api, "ACC-1")), create(api, request(api, "ACC-2"))
    change(api, other)

    def listed(query: str) -> list[str]:
        return [row["sop_instance_uid"] for row in api.get(f"{STEPS}?{query}", "doctor").json["items"]]

    assert listed("") == [other, one]
    assert listed("sort=created_at") == [one, other]
    assert listed("order=ACC-1") == [one]
    assert listed("patient=MRN-1") == [other, one]
    assert listed("status=completed") == [other]
    assert listed("waiting=false") == [other, one]
    assert listed("to=2001-01-01T00:00:00Z") == []


def test_many_that_wait_for_ever_keep_none_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes some of them, the next look the next ones."""
    monkeypatch.setattr("ehr_bridge.services.interfaces.performed.AT_ONCE", 2)
    for _ in range(5):
        create(api, {"AccessionNumber": "NONE", "StudyInstanceUID": generate_uid()})
    place(api, "ACC-1")
    told = {"AccessionNumber": "ACC-9", "StudyInstanceUID": generate_uid()}
    uid = create(api, told)
    put_order(api, "ACC-9")
    assert sum(api.services.performed.look() for _ in range(4)) == 1
    assert [one["accession_number"] for one in shown(api, uid)["orders"]] == ["ACC-9"]


def test_moments_are_those_of_the_modality_s_clock(api: Api) -> None:
    services = api.services
    vienna = PerformedSteps(services.database, services.claims.rules, services.clock, "Europe/Vienna", generate_uid)
    uid = vienna.create(None, read_performed(begun()), "MR1", MR1)
    assert shown(api, uid)["started_at"] == "2026-01-15T09:15:00.000Z"
    assert shown(api, uid)["status"] == PerformedStatus.IN_PROGRESS
    own = vienna.create(None, read_performed(begun(TimezoneOffsetFromUTC="-0330")), "MR1", MR1)
    assert shown(api, own)["started_at"] == "2026-01-15T13:45:00.000Z"
