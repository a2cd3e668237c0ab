"""Documents of patients and orders: attached, found, opened; and what they must never do."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image
from sqlalchemy import func, select

from ehr_bridge.db.tables.results.attached import AttachedDocument
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.deletion_steps import approved
from tests.api.document_steps import BY_ORDER, BY_PATIENT, OF_PATIENT, attach, attached, listed
from tests.api.late_steps import catch_up
from tests.api.link_steps import ASA, audited, identities, link, order, put_order, put_patient, study, unlink
from tests.api.tag_steps import jobs
from tests.support.samples import small
from tests.unit.document_steps import jpeg, pdf, phone_photo, png

HERS = {
    "PatientID": "MRN-1",
    "PatientName": "LINDQVIST^ASA",
    "PatientBirthDate": "19610314",
    "AccessionNumber": "ACC-1",
}


def content(api: Api, document: dict[str, Any], query: str = "", role: str = "doctor") -> Any:
    return api.get(f"/api/v1/documents/{document['id']}/content{query}", role)


def rows(api: Api) -> int:
    with api.services.database.read() as session:
        return session.scalar(select(func.count()).select_from(AttachedDocument)) or 0


def test_the_reception_attaches_a_referral_to_an_order(api: Api) -> None:
    """It is linked to order and patient, found from both, says both in its file, and opens as it came."""
    placed = api.place_order()
    document = attached(api, title="Überweisung Dr. Müller", kind="referral", date="2026-01-02")
    said = {name: document[name] for name in ("title", "kind", "content_type", "dated", "attached_by", "link_status")}
    assert said == {
        "title": "Überweisung Dr. Müller",
        "kind": "referral",
        "content_type": "application/pdf",
        "dated": "2026-01-02",
        "attached_by": "reception",
        "link_status": "linked",
    }
    assert (document["order_id"], document["patient_id"]) == (placed["id"], placed["patient_id"])
    assert listed(api) == listed(api, BY_PATIENT) == [document]
    uid = document["study_instance_uid"]
    assert identities(api, uid) == {ASA}
    seen = study(api, uid)
    assert (seen["link_status"], seen["accession_number"], seen["modalities"]) == ("linked", "ACC-1", ["DOC"])
    assert seen["is_document"] and seen["study_description"] == "Überweisung Dr. Müller"
    assert audited(api, uid) == ["study.linked", "study.received", "document.attached"]
    opened = content(api, document)
    assert (opened.status_code, opened.data, opened.content_type) == (200, pdf(), "application/pdf")
    assert opened.headers["X-Content-Type-Options"] == "nosniff"
    assert audited(api, uid)[-1] == "document.opened"


def test_a_document_is_no_image_of_its_order(api: Api) -> None:
    """The order waits for its images as before; a letter is neither counted among them nor waits for a report."""
    before = put_patient_and_order(api)
    document = attached(api)
    assert {**order(api), "updated_at": None} == {**before, "updated_at": None}
    assert api.get("/api/v1/reading-list", "radiologist").json["items"] == []
    photo = attached(api, data=jpeg(), media_type="image/jpeg", kind="photo")
    arrived = api.upload(small(**HERS)).json["studies"][0]
    assert arrived["match"]["kind"] == "exact"
    shown = order(api)
    assert (shown["status"], shown["number_of_images"]) == ("in_progress", 1)
    assert shown["study_instance_uid"] == arrived["study_instance_uid"]
    assert arrived["study_instance_uid"] not in (document["study_instance_uid"], photo["study_instance_uid"])
    (waiting,) = api.get("/api/v1/reading-list", "radiologist").json["items"]
    assert waiting["study_instance_uid"] == arrived["study_instance_uid"]


def put_patient_and_order(api: Api) -> dict[str, Any]:
    put_patient(api, status=201)
    put_order(api)
    return order(api)


def test_images_without_an_accession_number_still_find_the_order_of_a_letter(api: Api) -> None:
    """The only open order of the day, by modality and date: a letter has not answered it."""
    put_patient(api, status=201)
    put_order(api, scheduled_at="2026-01-15T09:00:00Z")
    attached(api)
    arrived = api.upload(small(**{**HERS, "AccessionNumber": ""})).json["studies"][0]
    assert arrived["match"]["order_id"] == order(api)["id"]


def test_a_letter_completes_no_order_and_opens_none_again(api: Api) -> None:
    """Neither while the images come, nor after; nor does a photograph, for an order of photographs."""
    put_patient(api, status=201)
    put_order(api, modality="XC")
    late = Completion(api.services.database, lambda: datetime.now(UTC) + timedelta(hours=1), timedelta(seconds=60))
    attached(api, data=jpeg(), media_type="image/jpeg", kind="photo")
    assert (late.run(), order(api)["status"]) == (0, "scheduled")
    api.upload(small(**HERS, Modality="XC"))
    assert (late.run(), order(api)["status"]) == (1, "completed")
    shown = order(api)
    attached(api)
    assert order(api) == shown


def test_a_document_of_a_patient_needs_no_order(api: Api) -> None:
    """A consent form, by MRN or by id."""
    patient = put_patient(api, status=201)
    document = attached(api, kind="consent", path=OF_PATIENT)
    assert (document["patient_id"], document["order_id"], document["title"]) == (patient["id"], None, "Consent")
    assert listed(api, f"/api/v1/documents?patient={patient['id']}&to={datetime.now(UTC):%Y-%m-%d}") == [document]
    assert listed(api, f"{BY_PATIENT}&kind=referral") == []


def test_the_same_bytes_again_are_the_same_document(api: Api) -> None:
    """Pressed twice, or sent again after a timeout; for another order it is another document."""
    put_patient_and_order(api)
    put_order(api, "ACC-2")
    first = attached(api)
    again = attach(api)
    assert (again.status_code, again.json) == (200, first) and listed(api) == [first]
    assert attached(api, "/api/v1/orders/ACC-2/documents")["id"] != first["id"]
    assert rows(api) == 2 == len(api.archive.instances)


def test_a_key_hears_the_first_answer_and_stands_for_one_document(api: Api) -> None:
    """Idempotency-Key, as on every other write."""
    put_patient_and_order(api)
    first = attach(api, key="k-1")
    again = attach(api, key="k-1")
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = attach(api, data=png(), media_type="image/png", key="k-1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_whatever_was_interrupted_is_finished_by_sending_it_again(api: Api) -> None:
    """Killed before the archive has it, or before it was written down: one document in the end."""
    put_patient_and_order(api)
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    assert attach(api).status_code == 503 and listed(api) == []
    api.archive.refuses = None
    document = attached(api)
    with api.services.database.write() as session:  # as if killed after the archive had it
        session.get_one(AttachedDocument, uuid.UUID(document["id"])).stored_at = None
    assert attached(api)["id"] == document["id"] and len(api.archive.instances) == 1
    assert catch_up(api) == 0


def test_a_photograph_from_a_phone(api: Api) -> None:
    """Upright, without the place where it was made; shown as a picture."""
    put_patient_and_order(api)
    document = attached(api, data=phone_photo(6), media_type="image/jpeg", kind="photo")
    (file,) = api.archive.instances.values()
    assert b"Secret" not in file
    dataset = pydicom.dcmread(io.BytesIO(file))
    assert (dataset.SOPClassUID.name, dataset.Rows, dataset.Columns) == ("VL Photographic Image Storage", 61, 40)
    assert Image.open(io.BytesIO(content(api, document).data)).size == (40, 61)
    scan = attached(api, data=jpeg(), media_type="image/jpeg", kind="referral")
    assert content(api, scan).content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("data", "media_type", "said", "status", "code"),
    [
        (b"", "application/pdf", {}, 422, "document_unreadable"),
        (b"%PDF-1.7 x", "application/pdf", {}, 422, "document_unreadable"),
        (jpeg(), "application/pdf", {}, 422, "document_unreadable"),
        (b"x", "application/msword", {}, 415, "unsupported_media_type"),
        (b"x", "application/json", {}, 415, "unsupported_media_type"),
        (jpeg(), "image/jpeg", {"kind": "selfie"}, 422, "invalid_request"),
        (jpeg(), "image/jpeg", {"date": "yesterday"}, 422, "invalid_request"),
        (jpeg(), "image/jpeg", {"title": "x" * 65}, 422, "invalid_request"),
        (pdf()[:-6] + b" " * 1_200_000 + pdf()[-600:], "application/pdf", {}, 413, "too_large"),
        (png(Image.new("RGB", (700, 700))), "image/png", {}, 413, "too_large"),
    ],
)
def test_what_is_no_document_is_refused_and_leaves_nothing(
    api: Api, data: bytes, media_type: str, said: dict[str, str], status: int, code: str
) -> None:
    """With words for the sender; no row, no study, no file."""
    put_patient_and_order(api)
    answer = attach(api, data=data, media_type=media_type, **said)
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert rows(api) == 0 and not api.archive.instances
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 0


def test_nobody_and_no_order_and_a_cancelled_one(api: Api) -> None:
    """A typing error in the number attaches nothing to anybody."""
    put_patient_and_order(api)
    assert attach(api, "/api/v1/orders/ACC-9/documents").json["code"] == "order_not_found"
    assert attach(api, "/api/v1/patients/MRN-9/documents").json["code"] == "patient_not_found"
    assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").status_code == 200
    assert attach(api).json["code"] == "order_cancelled" and rows(api) == 0


def test_a_letter_does_not_follow_an_order_to_another_patient(api: Api) -> None:
    """The EHR gives the order to Bo while the letter of Åsa waits to be sent: refused, as her images are."""
    hers = put_patient_and_order(api)["patient_id"]
    bo = put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Bo", sex="male")
    assert attach(api, patient="MRN-2").json["code"] == "order_of_another_patient"
    assert attached(api, patient=hers)["patient_id"] == hers
    put_order(api, mrn="MRN-2")
    for said in (hers, "MRN-1"):
        refused = attach(api, data=png(), media_type="image/png", patient=said)
        assert (refused.status_code, refused.json["code"]) == (409, "order_of_another_patient")
    assert rows(api) == 1 == len(api.archive.instances)
    assert attached(api, data=png(), media_type="image/png", patient=bo["id"])["patient_id"] == bo["id"]


def test_who_may_attach_open_and_keep(api: Api) -> None:
    """Attaching is for those who upload or register; opening for those who view; keeping needs download."""
    put_patient_and_order(api)
    for role in ("nurse", "radiologist", "manager"):
        assert attach(api, role=role).status_code == 403
    document = attached(api, role="doctor")
    assert content(api, document, role="reception").status_code == 403
    assert content(api, document, role="nurse").status_code == 200
    assert content(api, document, "?download=true", "nurse").status_code == 403
    kept = content(api, document, "?download=true")
    assert kept.status_code == 200 and kept.headers["Content-Disposition"].startswith("attachment; ")
    assert audited(api, document["study_instance_uid"])[-1] == "document.downloaded"


def test_documents_of_a_restricted_patient_are_hidden(api: Api) -> None:
    """From lists and by their ids, and nobody else attaches one."""
    put_patient_and_order(api)
    document = attached(api)
    body = {"staff": ["doctor"], "reason": "a colleague"}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body).status_code == 200
    for path in (BY_ORDER, BY_PATIENT, f"/api/v1/documents/{document['id']}"):
        assert api.get(path, "nurse").json["code"] == "patient_restricted"
    assert content(api, document, role="nurse").json["code"] == "patient_restricted"
    assert attach(api).json["code"] == "patient_restricted"
    assert content(api, document).status_code == 200


def test_a_document_is_deleted_by_two_people_alone(api: Api) -> None:
    """Its images stay; afterwards the same letter can be attached again."""
    put_patient_and_order(api)
    images = api.upload(small(**HERS)).json["studies"][0]["study_instance_uid"]
    document = attached(api)
    approved(api, document["study_instance_uid"])
    assert listed(api) == []
    assert content(api, document).json["code"] == "document_not_found"
    assert study(api, images)["link_status"] == "linked"
    assert attached(api)["id"] != document["id"]


def test_a_document_of_the_wrong_patient_is_moved_like_any_study(api: Api, tmp_path: Path) -> None:
    """Its file then names the right one, and it is in that patient's list alone."""
    put_patient_and_order(api)
    bela = put_patient(api, "MRN-2", 201, family_name="Bela", given_name="Bo")
    document = attached(api)
    unlink(api, document["study_instance_uid"])
    jobs(api, tmp_path).run()
    link(api, document["study_instance_uid"], patient_id="MRN-2")
    jobs(api, tmp_path).run()
    assert listed(api) == listed(api, BY_PATIENT) == []
    (moved,) = listed(api, "/api/v1/documents?patient=MRN-2")
    assert (moved["patient_id"], moved["order_id"]) == (bela["id"], None)
    assert {one[0] for one in identities(api, document["study_instance_uid"])} == {"MRN-2"}
    assert order(api)["status"] == "scheduled"
