"""upload-multiple, validate and read-tags; duplicates by content; failed files in the log."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta

import pydicom
import pytest
from pydicom.uid import generate_uid

from ehr_bridge.dicom.reading import header
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.nodes.naming import node_name
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from ehr_bridge.services.uploads.settling import settle_leftovers
from tests.api.conftest import Api
from tests.api.upload_steps import assert_nothing_is_left, related
from tests.support.samples import crowded, encoded, nested, small


def changed(data: bytes, **values: object) -> bytes:
    """The same instance with other content."""
    ds = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return encoded(ds)


def test_upload_multiple_takes_options_and_files(api: Api) -> None:
    """The same answers as upload."""
    order = api.place_order()
    options = ("application/json", json.dumps({"order_id": order["id"]}).encode())
    files = [("application/dicom", small()), ("application/dicom", b"no image " * 50), ("application/dicom", small())]
    answer = api.call("POST", "/api/v1/dicom/upload-multiple", "technician", **related(options, *files))
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    assert [i["status"] for i in answer.json["instances"]] == ["stored", "failed", "stored"]
    assert {study["match"]["order_id"] for study in answer.json["studies"]} == {order["id"]}


def test_upload_multiple_refuses_other_bodies(api: Api) -> None:
    """A raw file, a broken body, none, too many."""
    part = ("application/dicom", small())
    for body, status, code in (
        ({"data": small(), "content_type": "application/dicom"}, 415, "unsupported_media_type"),
        ({"data": b"x", "content_type": "multipart/related; boundary=b"}, 400, "malformed_multipart"),
        (related(("application/json", b"{}")), 422, "no_files"),
        (related(*[part] * 6), 413, "too_many_files"),
        (related(("application/dicom", bytes(1_000_001))), 413, "too_large"),
    ):
        answer = api.call("POST", "/api/v1/dicom/upload-multiple", "technician", **body)
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert_nothing_is_left(api)


def test_validate_says_what_is_wrong_and_stores_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good file, one with warnings, and ones that cannot be stored."""

    def validate(data: bytes) -> tuple[bool, set[tuple[str, str, str | None]]]:
        answer = api.call("POST", "/api/v1/dicom/validate", "doctor", data=data, content_type="application/dicom")
        assert answer.status_code == 200, answer.json
        assert all(f["message"] for f in answer.json["findings"])
        return answer.json["valid"], {(f["level"], f["code"], f["tag"]) for f in answer.json["findings"]}

    assert validate(small()) == (True, set())
    assert validate(small(PatientID="")) == (True, {("warning", "missing_patient_id", "(0010,0020)")})
    assert validate(small(SOPInstanceUID=None)) == (False, {("error", "missing_uid", "(0008,0018)")})
    assert validate(b"a letter " * 50) == (False, {("error", "not_dicom", None)})
    assert validate(b"") == (False, {("error", "empty_file", None)})
    assert validate(small()[:-10]) == (False, {("error", "truncated", None)})
    assert validate(nested(17)) == (False, {("error", "nested_too_deep", None)})
    monkeypatch.setattr(header, "_ALWAYS_ELEMENTS", 10_000)
    assert validate(crowded(9_990))[0]
    assert validate(crowded(20_000)) == (False, {("error", "too_many_elements", None)})
    assert_nothing_is_left(api)


def test_read_tags_shows_the_elements_and_stores_nothing(api: Api) -> None:
    """Decoded, nested, binary as a size."""
    data = small(PatientName="Lindqvist^Åsa")
    answer = api.call("POST", "/api/v1/dicom/read-tags", "doctor", data=data, content_type="application/dicom")
    assert (answer.status_code, answer.json["complete"]) == (200, True)
    elements = {element["keyword"]: element for element in answer.json["elements"]}
    assert elements["PatientName"] == {
        "tag": "(0010,0010)",
        "keyword": "PatientName",
        "vr": "PN",
        "size_bytes": 14,
        "value": ["Lindqvist^Åsa"],
        "items": None,
    }
    assert (elements["PixelData"]["value"], elements["PixelData"]["size_bytes"]) == (None, 128)
    assert_nothing_is_left(api)


def test_looking_at_a_file_refuses_what_upload_refuses(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large, another media type; tags of what is no DICOM."""
    monkeypatch.setattr(header, "_ALWAYS_ELEMENTS", 10_000)
    for path in ("validate", "read-tags"):
        for data, media_type, status, code in (
            (bytes(1_000_001), "application/dicom", 413, "too_large"),
            (small(), "image/png", 415, "unsupported_media_type"),
        ):
            answer = api.call("POST", f"/api/v1/dicom/{path}", "technician", data=data, content_type=media_type)
            assert (answer.status_code, answer.json["code"]) == (status, code)
    for data, code in (
        (b"", "empty_file"),
        (b"letter " * 50, "not_dicom"),
        (nested(30), "nested_too_deep"),
        (crowded(20_000), "too_many_elements"),
    ):
        answer = api.call("POST", "/api/v1/dicom/read-tags", "technician", data=data, content_type="application/dicom")
        assert (answer.status_code, answer.json["code"]) == (422, code)


def test_another_image_under_a_known_uid_is_refused_and_the_first_is_kept(api: Api) -> None:
    """Not called a duplicate: the sender would believe it is safe here."""
    order = api.place_order()
    data = small()
    headers = {"X-Order-Id": order["id"], "X-Upload-Id": str(uuid.uuid4())}
    assert api.upload(data, headers=headers).status_code == 201
    kept = dict(api.archive.instances)
    answer = api.upload(changed(data, PixelData=bytes(128)), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, "same_uid_other_content")
    assert api.archive.instances == kept
    assert api.upload(data, headers=headers).json["instances"][0]["status"] == "duplicate"
    stored = next(iter(kept.values()))
    assert api.upload(stored, headers=headers).json["instances"][0]["status"] == "duplicate"
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert (entry["number_of_duplicates"], entry["upload_status"]) == (2, "partial")
    assert entry["error_message"] == "same_uid_other_content (1)"


def test_a_failed_file_is_counted_in_the_entry_of_its_upload(api: Api) -> None:
    """Sent one by one with one id: before and after the good one; twice the same counts once."""
    upload_id = str(uuid.uuid4())
    study = generate_uid()
    headers = {"X-Upload-Id": upload_id}
    broken = small(StudyInstanceUID=study)[:-20]
    assert api.upload(broken, headers=headers | {"X-File-Name": "1.dcm"}).status_code == 422
    assert api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").status_code == 404
    assert api.upload(small(StudyInstanceUID=study), headers=headers).status_code == 201
    for _ in range(2):
        assert api.upload(b"a letter " * 60, headers=headers | {"X-File-Name": "2.txt"}).status_code == 422
    detail = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json
    assert {(f["file_name"], f["status"], f["error_code"]) for f in detail["files"]} == {
        (None, "stored", None),
        ("1.dcm", "failed", "truncated"),
        ("2.txt", "failed", "not_dicom"),
    }
    (entry,) = detail["entries"]
    assert (entry["upload_status"], entry["number_of_files"]) == ("partial", 3)
    assert entry["error_message"] == "not_dicom (1), truncated (1)"


def test_a_failed_file_that_is_stored_later_is_no_failure_any_more(api: Api) -> None:
    """The sender repaired it and sent it again."""
    upload_id = str(uuid.uuid4())
    headers = {"X-Upload-Id": upload_id}
    study, instance = generate_uid(), generate_uid()
    api.upload(small(StudyInstanceUID=study), headers=headers)
    bad = small(StudyInstanceUID=study, SOPInstanceUID=instance, SeriesInstanceUID=None)
    assert api.upload(bad, headers=headers).json["code"] == "missing_uid"
    entry = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"][0]
    assert entry["upload_status"] == "partial"
    assert api.upload(small(StudyInstanceUID=study, SOPInstanceUID=instance), headers=headers).status_code == 201
    entry = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"][0]
    assert (entry["upload_status"], entry["error_message"]) == ("success", None)


def test_a_failed_file_of_another_sender_with_the_same_id_is_not_counted(api: Api) -> None:
    """Nobody writes into somebody else's entry."""
    headers = {"X-Upload-Id": str(uuid.uuid4())}
    api.upload(small(), headers=headers)
    assert api.upload(b"a letter " * 60, "doctor", headers=headers).status_code == 422
    assert api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]["upload_status"] == "success"


def test_failures_survive_a_process_that_dies_before_settling(api: Api) -> None:
    """The next one settles them."""
    headers = {"X-Upload-Id": str(uuid.uuid4())}
    api.upload(small(), headers=headers)
    api.services.recorder.settle()
    api.upload(b"a letter " * 60, headers=headers)
    with api.services.database.write() as session:
        assert settle_leftovers(session) == 1
    assert api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]["upload_status"] == "partial"


def test_a_request_whose_process_dies_is_closed_as_partial(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What did arrive is kept and counted; nothing is closed while files may still come, or while its node runs."""
    under_way = api.services.recorder.under_way
    monkeypatch.setattr(under_way, "finish", lambda delivery: None)  # as after kill -9
    body = related(("application/dicom", small()), ("application/dicom", small()))
    answer = api.call("POST", "/api/v1/dicom/upload-multiple", "technician", **body)
    path = f"/api/v1/dicom/uploads/{answer.json['upload_id']}"
    assert {e["upload_status"] for e in api.get(path, "nurse").json["entries"]} == {"success"}
    assert under_way.close_interrupted() == 0
    assert under_way.close_interrupted(timedelta(0), {node_name(api.services.settings), "b"}) == 0
    assert under_way.close_interrupted(timedelta(0), {"b"}) == 2
    with api.services.database.write() as session:
        settle_leftovers(session)
    for entry in api.get(path, "nurse").json["entries"]:
        assert (entry["upload_status"], entry["error_message"]) == ("partial", "interrupted")
        assert (entry["number_of_files"], bool(entry["interrupted_at"])) == (1, True)
    assert under_way.close_interrupted(timedelta(0)) == 0


def test_a_request_that_ends_is_never_closed_as_interrupted(api: Api) -> None:
    """Nor one of a single file; a request that lives after all takes the mark back."""
    under_way = api.services.recorder.under_way
    upload_id = str(uuid.uuid4())
    study = generate_uid()
    api.upload(small(StudyInstanceUID=study), headers={"X-Upload-Id": upload_id})
    options = ("application/json", json.dumps({"upload_id": upload_id}).encode())
    files = [("application/dicom", small(StudyInstanceUID=study)) for _ in range(2)]
    delivery = Delivery(uuid.UUID(upload_id), Door.UPLOAD, "api", Origin("technician"), is_batch=True)
    under_way.begin(delivery)
    assert under_way.close_interrupted(timedelta(0)) == 1
    api.call("POST", "/api/v1/dicom/upload-multiple", "technician", **related(options, *files))
    assert under_way.close_interrupted(timedelta(0)) == 0
    (entry,) = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"]
    assert (entry["upload_status"], entry["interrupted_at"]) == ("success", None)
