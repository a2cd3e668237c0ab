"""A study is purged and sent again under another name: nothing of the former one is found, shown or put back."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from ehr_bridge.db.tables.match_keys import StudyName
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.db.tables.second_looks import SecondLook, StudyMatchKey
from ehr_bridge.db.tables.studies import Study
from tests.api.conftest import Api
from tests.api.deletion_steps import (
    DELETIONS,
    STUDIES,
    decide,
    modality_sends,
    purged,
    requested,
    sent_again,
    stored,
)
from tests.api.tag_steps import job, jobs, modify, store, undo
from tests.support.samples import small

OTHER = {
    "PatientName": "Berg^Nils",
    "PatientID": "SCAN-9",
    "StudyDate": "20260220",
    "StudyDescription": "MR knee",
}


def found(api: Api, query: str) -> list[str]:
    return [study["study_instance_uid"] for study in api.get(f"{STUDIES}?{query}", "nurse").json["items"]]


def test_a_purged_study_that_is_sent_again_is_found_under_no_former_name(api: Api) -> None:
    """Uploaded to an order, purged, sent again as somebody else: it is that other one's, and the order waits again."""
    uid = stored(api)
    api.services.recorder.settle()
    api.services.completion.run()
    purged(api, uid)
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["status"], order["orthanc_study_id"], order["number_of_images"]) == ("scheduled", None, None)

    study = sent_again(api, uid, **OTHER)
    assert (study["patient_name"], study["mrn"], study["accession_number"]) == ("Berg^Nils", None, None)
    assert (study["study_date"], study["study_description"]) == ("2026-02-20", "MR knee")
    assert (study["link_status"], study["order_id"], study["number_of_instances"]) == ("unlinked", None, 1)
    assert [found(api, f"patient_name={name}") for name in ("berg", "lindqvist", "scanner")] == [[uid], [], []]
    assert found(api, "accession_number=ACC-1") == found(api, "mrn=MRN-1") == []
    assert api.get(f"{STUDIES}/order/ACC-1", "nurse").json["items"] == []
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["status"], order["orthanc_study_id"]) == ("scheduled", None)
    (waiting,) = api.get("/api/v1/reconciliation", "technician").json["items"]
    assert "Lindqvist" not in str(waiting) and "ACC-1" not in str(waiting), "no opinion is left of the former images"


def test_an_old_request_keeps_what_it_was_about(api: Api) -> None:
    """Three images of nobody's study are purged and one is sent again as somebody else's; a refused one likewise."""
    uid = store(api, 3)
    refused = decide(api, requested(api, uid), "reject").json
    assert (refused["number_of_instances"], refused["patient_name"]) == (3, "SCANNER^NAME")
    purged(api, uid)
    sent_again(api, uid, **OTHER)
    newest, *old = api.get(f"{DELETIONS}?study_instance_uid={uid}", "manager").json["items"]
    assert (newest["number_of_instances"], newest["patient_name"]) == (1, "Berg^Nils")
    assert [request["status"] for request in old] == ["purged", "rejected"]
    about = ("number_of_instances", "number_of_series", "patient_name", "study_date", "study_description", "modalities")
    assert [[request[name] for name in about] for request in old] == [[refused[name] for name in about]] * 2


def test_a_purged_study_is_found_by_nothing(api: Api) -> None:
    """Neither by names nor by the keys of second looks, when a patient or an order changes."""
    api.place_order()
    uid = api.upload(small(PatientName="Lindqvist^Asa")).json["studies"][0]["study_instance_uid"]
    api.services.recorder.settle()
    api.place_order("ACC-2")
    purged(api, uid)
    with api.services.database.read() as session:
        for table in (StudyName, StudyMatchKey, SecondLook):
            assert session.scalars(select(table)).all() == [], table
        study = session.scalars(select(Study)).one()
        assert study.patient_name_key == study.accession_key == study.patient_id_key == ""
        assert study.match_patient_id is study.match_order_id is None and study.match_evidence == []


def test_a_change_of_purged_images_cannot_be_undone_and_leaves_no_bytes(api: Api, tmp_path: Path) -> None:
    """The former bytes of what a job changed are the purged images': they go with them, and so does the undo."""
    uid = store(api, 1)
    former = modify(api, uid, PatientName="Lindqvist^Anna")["id"]
    jobs(api, tmp_path).run()
    assert job(api, former)["status"] == "succeeded"
    purged(api, uid)
    with api.services.database.read() as session:
        assert session.scalars(select(Modification)).all() != []
        assert session.scalars(select(ModificationInstance)).all() == []
    study = sent_again(api, uid, **OTHER)
    assert study["patient_name"] == "Berg^Nils", "what was corrected in the former images is not said of these"
    undo(api, former, 409)


def test_the_upload_log_tells_former_and_new_images_apart(api: Api) -> None:
    """A modality has one entry per study: the new images begin it anew, and it says what they said."""
    order = api.place_order()
    uid = api.upload(small(), headers={"X-Order-Id": "ACC-1"}).json["studies"][0]["study_instance_uid"]
    modality_sends(api, small(StudyInstanceUID=uid))
    purged(api, uid)
    sent_again(api, uid, **OTHER)
    entries = api.get("/api/v1/dicom/uploads", "technician").json["items"]
    by_sender = {entry["uploaded_by"]: entry for entry in entries}
    assert by_sender["technician"]["is_deleted"] and by_sender["technician"]["patient_id"] == order["patient_id"]
    modality = by_sender["ae:CT1"]
    assert (modality["is_deleted"], modality["number_of_files"], modality["patient_id"]) == (False, 1, None)
    assert modality["original_patient_name"] == "Berg^Nils"


def test_images_of_two_patients_for_a_purged_study_are_two_patients(api: Api) -> None:
    """The second one is judged by the first, as with any other study."""
    uid = stored(api)
    purged(api, uid)
    modality_sends(api, small(StudyInstanceUID=uid, **OTHER))
    modality_sends(api, small(StudyInstanceUID=uid, PatientID="SCAN-10", PatientName="Dahl^Eva"))
    with api.services.database.read() as session:
        study = session.scalars(select(Study)).one()
        assert (study.link_status, study.is_contradicted) == ("ambiguous", True)
        assert study.received_identity["PatientID"] == "SCAN-9"


def test_a_token_made_for_the_former_images_opens_none_of_the_new_ones(api: Api) -> None:
    """It names the UID; a link that names other studies stays good."""
    uid, other = stored(api), stored(api, "ACC-2", "MRN-2")
    tokens = [
        api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json={"study_instance_uids": [one]}).json["token_id"]
        for one in (uid, other)
    ]
    purged(api, uid)
    api.services.revocations.refresh()
    assert [token in api.services.revocations for token in tokens] == [True, False]
