"""What an event of the audit trail is about, by the names that patient, study and order have now."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.api.deletion_steps import purged
from tests.api.link_steps import put_order, put_patient
from tests.support.samples import small

UNNAMED = {"patient": None, "study": None, "accession_number": None}


def linked(api: Api, *roles: str) -> tuple[str, dict[str, Any]]:
    """A study that was linked; its UID, and what the trail's page says of that."""
    put_patient(api, "MRN-77", 201)
    order = put_order(api, "ACC-77", "MRN-77")
    sent = api.upload(small(), headers={"X-Order-Id": order["id"]})
    return str(sent.json["studies"][0]["study_instance_uid"]), named(api, *roles)


def named(api: Api, *roles: str) -> dict[str, Any]:
    event = api.get("/api/v1/audit?action=study.linked", *(roles or ("admin",))).json["items"][0]
    patient = event["patient"] and event["patient"]["mrn"]
    return {"patient": patient, "study": event["study"], "accession_number": event["accession_number"]}


def test_an_auditor_reads_what_study_and_which_order_it_was(api: Api) -> None:
    """Instead of a UID of sixty digits."""
    _, event = linked(api)
    study = {"study_description": "MR brain", "study_date": "2026-01-15", "modalities": ["MR"]}
    assert event == {"patient": "MRN-77", "study": study, "accession_number": "ACC-77"}


def test_a_study_whose_deletion_was_asked_for_has_no_name(api: Api) -> None:
    """It is hidden from everybody; the patient and the order are not."""
    uid, _ = linked(api)
    asked = api.call("DELETE", f"/api/v1/dicom/studies/{uid}", "radiologist", headers={"X-Reason": "a phantom"})
    assert asked.json["status"] == "pending"
    assert named(api) == {"patient": "MRN-77", "study": None, "accession_number": "ACC-77"}


def test_nothing_of_a_restricted_patient_has_a_name(api: Api) -> None:
    """For an auditor who is not on the list."""
    linked(api)
    body = {"reason": "a colleague", "staff": ["somebody"]}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-77", "admin", json=body).status_code in {200, 201}
    assert named(api) == UNNAMED


def test_a_purged_study_has_no_name_whoever_its_patient_was(api: Api) -> None:
    """It is here no more, and nothing tells any longer that it was a restricted patient's."""
    uid, _ = linked(api)
    purged(api, uid)
    body = {"reason": "a colleague", "staff": ["somebody"]}
    assert named(api)["study"] is None
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-77", "admin", json=body).status_code in {200, 201}
    assert named(api) == UNNAMED
