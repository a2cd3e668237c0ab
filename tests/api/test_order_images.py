"""Orders with ids of their own, and the images that answer them: stored, asked for, linked, completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.order_steps import judged, line, place, requested
from tests.api.tag_steps import jobs, store
from tests.support.samples import small

MORE = {
    "requested_procedure_id": "RP-1026",
    "scheduled_procedure_step_id": "SPS-2032",
    "procedure_code": "MRBRAIN",
    "station_ae_title": "MR1",
    "body_part": "HEAD",
    "laterality": "L",
    "priority": "STAT",
    "placer_order_number": "PLC-1",
}


def work(api: Api, folder: Path) -> None:
    for _ in range(2):
        jobs(api, folder).run()


def test_an_order_says_all_that_was_told_of_it(api: Api) -> None:
    """Written, read, changed and taken away again; the accession number stands for ids that were not told."""
    assert place(api, "ACC-1", **MORE).items() >= MORE.items()
    assert api.get("/api/v1/orders/ACC-1", "doctor").json.items() >= MORE.items()
    empty = place(api, "ACC-1")
    own = {"requested_procedure_id": "ACC-1", "scheduled_procedure_step_id": "ACC-1"}
    assert empty.items() >= (dict.fromkeys(MORE) | own).items()


@pytest.mark.parametrize(
    ("field", "said", "kept"),
    [
        ("priority", "S", "STAT"),
        ("priority", "routine", "ROUTINE"),
        ("priority", "asap", "HIGH"),
        ("priority", "Medium", "MEDIUM"),
        ("laterality", "left", "L"),
        ("laterality", "r", "R"),
        ("laterality", "bilateral", "B"),
        ("laterality", "", None),
        ("priority", "soon", 422),
        ("laterality", "top", 422),
        ("scheduled_procedure_step_id", "x" * 17, 422),
        ("requested_procedure_id", "a\\b", 422),
    ],
)
def test_words_of_others_are_understood_or_refused(api: Api, field: str, said: str, kept: Any) -> None:
    """HL7 and FHIR say it otherwise; what nobody knows is an error by name."""
    place(api, "ACC-1")
    body = {"mrn": "MRN-1", "modality": "CR", "description": "x", field: said}
    answer = api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body)
    told = answer.status_code if answer.status_code != 200 else answer.json[field]
    assert told == kept


def test_a_step_of_another_systems_worklist_does_not_stop_the_link(api: Api) -> None:
    """Accession number, MRN, name and birth date agree, and the modality's worklist was a RIS's: linked on arrival."""
    order = place(api, "ACC-1")
    data = small(
        AccessionNumber="ACC-1", PatientID="MRN-1", PatientName="LINDQVIST^ASA", PatientBirthDate="19610314",
        Modality="CR", **requested(ScheduledProcedureStepID="SPS2032", RequestedProcedureID="RP1026"),
    )  # fmt: skip
    study = api.upload(data).json["studies"][0]
    assert (study["match"]["kind"], study["match"]["order_id"]) == ("exact", order["id"])
    assert line(study["match"], "ScheduledProcedureStepID")["agrees"] is None
    assert line(study["match"], "RequestedProcedureID")["grade"] == "silent"


def test_the_step_and_procedure_that_the_ehr_told_lead_to_the_order(api: Api) -> None:
    """Each by itself, where it is one order's; case and blanks apart."""
    order = place(api, "ACC-1", **MORE)
    other = place(api, "ACC-2", scheduled_procedure_step_id="SPS-1")
    for said in ({"scheduled_procedure_step_id": "sps-2032 "}, {"requested_procedure_id": "RP-1026"}):
        assert judged(api, **said)["order_id"] == order["id"]
    assert judged(api, scheduled_procedure_step_id="ACC-2")["order_id"] is None
    assert judged(api, requested_procedure_id="ACC-2")["order_id"] == other["id"]


def test_the_step_of_another_order_of_ours_contradicts(api: Api) -> None:
    """Accession number of one, step of the other: a person looks."""
    place(api, "ACC-1", **MORE)
    place(api, "ACC-2", scheduled_procedure_step_id="SPS-1")
    for said in ({"scheduled_procedure_step_id": "SPS-1"}, {"requested_procedure_id": "ACC-2"}):
        match = judged(api, accession_number="ACC-1", **said)
        assert (match["kind"], match["automatic"]) == ("ambiguous", False)


def test_an_mr_for_a_chest_x_ray_waits_and_says_so(api: Api) -> None:
    """Everything agrees but what was asked for."""
    place(api, "ACC-1", body_part="CHEST", laterality="L")
    fits = judged(api, accession_number="ACC-1", modality="DX", body_part="chest", laterality="L")
    assert (fits["kind"], fits["automatic"], line(fits, "Modality")["grade"]) == ("exact", True, "form")
    for field, said in (
        ("Modality", {"modality": "MR"}),
        ("BodyPartExamined", {"body_part": "KNEE"}),
        ("Laterality", {"laterality": "R"}),
    ):
        match = judged(api, accession_number="ACC-1", **said)
        assert (match["kind"], match["automatic"]) == ("probable", False)
        assert (line(match, field)["agrees"], line(match, field)["grade"]) == (False, "other")


def test_an_order_is_completed_by_images_of_its_kind_only(api: Api) -> None:
    """A person gave an MR to a CR order: it stays in progress until a DX comes."""
    order, uid = place(api, "ACC-1"), generate_uid()
    chore = Completion(api.services.database, lambda: datetime.now(UTC) + timedelta(minutes=5), timedelta(seconds=60))

    def send(modality: str) -> str:
        data = small(StudyInstanceUID=uid, SeriesInstanceUID=generate_uid(), Modality=modality)
        assert api.upload(data, headers={"X-Order-Id": order["id"]}).status_code == 201
        chore.run()
        api.get("/api/v1/orders", "doctor")  # settles
        chore.run()
        return str(api.get("/api/v1/orders/ACC-1", "doctor").json["status"])

    assert [send("MR"), send("SR"), send("OT"), send("DX")] == ["in_progress"] * 3 + ["completed"]


def test_series_of_another_part_or_kind_do_not_contradict_their_study(api: Api) -> None:
    """What is said of images is not said of a person: both knees in one study, and a report beside them."""
    place(api, "ACC-1")
    uid = generate_uid()
    whose = {
        "AccessionNumber": "ACC-1",
        "PatientID": "mrn-1",
        "PatientName": "LINDQVIST^ASA",
        "PatientBirthDate": "19610314",
    }
    for more in (
        {"Modality": "CR", "BodyPartExamined": "KNEE", "Laterality": "L"},
        {"Modality": "CR", "BodyPartExamined": "FOOT", "Laterality": "R"},
        {"Modality": "MR", "BodyPartExamined": "HEAD"},
        {"Modality": "SR"},
    ):
        study = api.upload(small(StudyInstanceUID=uid, **whose, **more)).json["studies"][0]
        assert study["match"]["kind"] == "exact", study
    row = api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json
    assert (row["link_status"], row["mrn"]) == ("linked", "MRN-1")


def test_images_under_the_uid_of_the_worklist_of_a_ris_find_their_order(api: Api) -> None:
    """The EHR tells the Study Instance UID that another system's worklist gives; without a word it stays."""
    uid = generate_uid()
    order = place(api, "ACC-1", scheduled_study_instance_uid=uid)
    assert (order["scheduled_study_instance_uid"], order["study_instance_uid"]) == (uid, uid)
    assert place(api, "ACC-1")["scheduled_study_instance_uid"] == uid
    seen = line(judged(api, study_instance_uid=uid), "StudyInstanceUID")
    assert seen["agrees"] is True


def test_images_that_wait_find_their_order_when_its_uid_is_told(api: Api, tmp_path: Path) -> None:
    """An order that is here already is told the UID under which its images came, with a RIS's number: it gets them."""
    order = place(api, "ACC-1", modality="MR")
    ours = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
    uid = store(api, 1, **ours, AccessionNumber="OF-THE-RIS")
    work(api, tmp_path)
    seen = api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json
    assert (seen["link_status"], seen["mrn"], seen["order_id"]) == ("linked", "MRN-1", None)
    place(api, "ACC-1", modality="MR", scheduled_study_instance_uid=uid)
    work(api, tmp_path)
    assert api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["order_id"] == order["id"]


def test_a_uid_is_one_orders_and_stays_once_there_are_images(api: Api) -> None:
    """Another order's is refused, what is no UID too, and nothing changes."""
    first, second = place(api, "ACC-1", modality="MR"), place(api, "ACC-2", modality="MR")
    taken = {"scheduled_study_instance_uid": first["scheduled_study_instance_uid"]}
    body = {"mrn": "MRN-1", "modality": "MR", "description": "x"}
    answer = api.call("PUT", "/api/v1/orders/ACC-2", "service", json=body | taken)
    assert (answer.status_code, answer.json["code"]) == (409, "study_uid_of_another_order")
    wrong = api.call("PUT", "/api/v1/orders/ACC-2", "service", json=body | {"scheduled_study_instance_uid": "1.2.ABC"})
    assert wrong.status_code == 422
    assert api.upload(small(), headers={"X-Order-Id": second["id"]}).status_code == 201
    late = api.call(
        "PUT", "/api/v1/orders/ACC-2", "service", json=body | {"scheduled_study_instance_uid": generate_uid()}
    )
    assert (late.status_code, late.json["code"]) == (409, "study_uid_too_late")
    kept = api.get("/api/v1/orders/ACC-2", "doctor").json
    assert kept["scheduled_study_instance_uid"] == second["scheduled_study_instance_uid"]
