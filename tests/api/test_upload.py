"""Uploading through the application: match, coerce, link, record, and what the sender hears."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta

import pydicom
import pytest
from pydicom.uid import generate_uid

from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.structure.inflating import BUDGET, MAX_INFLATED
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.identity.attributes import read_identity
from ehr_bridge.services.intake.claims import ABANDONED_AFTER, Claims
from ehr_bridge.services.verdict.judge import Confirmation
from tests.api.conftest import Api
from tests.api.upload_steps import assert_nothing_is_left, related
from tests.support.bombs import deflated
from tests.support.samples import nested, pixels, small, unrecodable


def stored(api: Api) -> list[pydicom.FileDataset]:
    return [pydicom.dcmread(io.BytesIO(data)) for data in api.archive.instances.values()]


def test_order_named_by_the_uploader_decides_identity(api: Api) -> None:
    """The file says somebody else; the person at the page confirmed; the disagreement is kept as evidence."""
    order = api.place_order()
    data = small()
    answer = api.upload(data, headers={"X-Order-Id": order["id"], "X-Upload-Source": "manual"})
    assert answer.status_code == 201, answer.json
    study = answer.json["studies"][0]
    assert study["match"]["kind"] == "exact"
    assert (study["match"]["order_id"], study["match"]["patient_id"]) == (order["id"], order["patient_id"])
    assert {e["field"]: e["agrees"] for e in study["match"]["evidence"]}["PatientID"] is False
    assert {"tag": "PatientID", "before": "SCAN-7", "after": "MRN-1"} in study["coerced"]
    ds = stored(api)[0]
    assert (ds.PatientID, str(ds.PatientName), ds.PatientBirthDate, ds.PatientSex) == (
        "MRN-1",
        "Lindqvist^Åsa",
        "19610314",
        "F",
    )
    assert (ds.AccessionNumber, str(ds.ReferringPhysicianName)) == ("ACC-1", "Ekström^Maria")
    before = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert (before.PatientID, str(before.PatientName)) == ("SCAN-7", "SCANNER^NAME")
    assert pixels(data) == bytes(ds.PixelData)


def test_upload_link_log_and_audit_are_there_at_once(api: Api) -> None:
    """What a reader sees right after the answer."""
    order = api.place_order()
    upload = api.upload(small(), headers={"X-Order-Id": order["id"], "X-File-Name": "k%C3%B6pf.dcm"}).json
    uid = upload["studies"][0]["study_instance_uid"]
    study = api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json
    assert (study["link_status"], study["mrn"], study["linked_by"]) == ("linked", "MRN-1", "technician")
    assert (study["number_of_series"], study["number_of_instances"], study["modalities"]) == (1, 1, ["MR"])
    seen = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (seen["status"], seen["study_instance_uid"], seen["number_of_images"]) == ("in_progress", uid, 1)
    detail = api.get(f"/api/v1/dicom/uploads/{upload['upload_id']}", "nurse").json
    entry = detail["entries"][0]
    assert (entry["original_patient_id"], entry["modified_patient_id"]) == ("SCAN-7", "MRN-1")
    assert (entry["number_of_files"], entry["upload_status"], entry["tags_modified"]) == (1, "success", True)
    assert detail["files"][0]["file_name"] == "köpf.dcm"
    events = api.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json["items"]
    assert [e["action"] for e in events] == ["study.received", "study.linked"]
    assert api.get("/api/v1/audit/verify", "admin").json["ok"] is True


def test_accession_number_and_patient_in_the_file_link_by_themselves(api: Api) -> None:
    """A well-formed file needs nobody."""
    api.place_order()
    data = small(AccessionNumber="ACC-1", PatientID="MRN-1", PatientName="LINDQVIST^ASA", PatientBirthDate="19610314")
    answer = api.upload(data).json
    assert answer["studies"][0]["match"]["kind"] == "exact"
    assert stored(api)[0].PatientSex == "F"


def test_study_uid_given_to_the_order_links_by_itself(api: Api) -> None:
    """A modality that used the worklist."""
    order = api.place_order()
    data = small(StudyInstanceUID=order["study_instance_uid"], PatientID="MRN-1", PatientName="Lindqvist^Asa")
    assert api.upload(data).json["studies"][0]["match"]["kind"] == "exact"


def test_accession_number_of_somebody_else_links_nothing_and_changes_nothing(api: Api) -> None:
    """The worst failure this product can have, not had."""
    api.place_order()
    data = small(AccessionNumber="ACC-1", PatientID="MRN-77", PatientName="OTHER^PERSON", PatientBirthDate="19900101")
    answer = api.upload(data)
    assert answer.status_code == 201
    study = answer.json["studies"][0]
    assert (study["match"]["kind"], study["coerced"]) == ("ambiguous", [])
    assert list(api.archive.instances.values()) == [data]
    assert api.get("/api/v1/orders/ACC-1", "nurse").json["status"] == "scheduled"
    listed = api.get("/api/v1/dicom/studies?link_status=ambiguous", "nurse").json["items"][0]
    assert (listed["patient_id"], listed["order_id"]) == (None, None)


def test_unknown_study_is_kept_as_it_is(api: Api) -> None:
    """Nothing points anywhere: stored, unlinked, waiting for a person."""
    data = small()
    answer = api.upload(data).json
    assert (answer["status"], answer["studies"][0]["match"]["kind"]) == ("success", "none")
    assert list(api.archive.instances.values()) == [data]


def test_files_sent_one_by_one_with_one_id_are_one_entry(api: Api) -> None:
    """500 requests, one line in the log."""
    order = api.place_order()
    study, upload_id = generate_uid(), str(uuid.uuid4())
    for number in range(6):
        headers = {"X-Order-Id": order["id"], "X-Upload-Id": upload_id, "X-File-Name": f"{number}.dcm"}
        assert api.upload(small(StudyInstanceUID=study), headers=headers).json["upload_id"] == upload_id
    log = api.get("/api/v1/dicom/uploads", "nurse").json
    assert (log["total"], log["items"][0]["number_of_files"]) == (1, 6)
    assert len(api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["files"]) == 6
    actions = [e["action"] for e in api.get("/api/v1/audit", "admin").json["items"]]
    assert (actions.count("study.linked"), actions.count("study.received")) == (1, 1)


def test_the_same_file_twice_is_a_duplicate_not_a_second_image(api: Api) -> None:
    """Sent again after a lost answer: said so, counted, not stored twice."""
    order = api.place_order()
    data = small()
    headers = {"X-Order-Id": order["id"], "X-Upload-Id": str(uuid.uuid4())}
    api.upload(data, headers=headers)
    again = api.upload(data, headers=headers)
    assert (again.status_code, again.json["instances"][0]["status"]) == (201, "duplicate")
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert (entry["number_of_files"], entry["number_of_duplicates"], len(api.archive.instances)) == (2, 1, 1)


def test_multipart_takes_options_first_and_many_files(api: Api) -> None:
    """One bad file never sinks the others."""
    order = api.place_order()
    study = generate_uid()
    options = json.dumps({"order_id": order["accession_number"], "source": "cd_import"}).encode()
    body = related(
        ("application/json", options),
        ("application/dicom", small(StudyInstanceUID=study)),
        ("application/dicom", b"this is no image, but long enough to be one" * 10),
        ("application/dicom", small(StudyInstanceUID=study)),
    )
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **body)
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    assert [i["status"] for i in answer.json["instances"]] == ["stored", "failed", "stored"]
    assert answer.json["instances"][1]["error"]["code"] == "not_dicom"
    assert api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]["upload_source"] == "cd_import"


def test_a_name_typed_with_a_comma_is_family_and_given_name(api: Api) -> None:
    """Days may be ISO 8601. What the file itself says with a comma stays: nobody typed it here."""
    tags = {"PatientName": "Schmidt, Anne", "PatientBirthDate": "1984-05-06", "StudyDescription": "Knee"}
    options = ("application/json", json.dumps({"tags": tags}).encode())
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **related(options, ("application/dicom", small())))
    assert answer.status_code == 201
    (ds,) = stored(api)
    assert (str(ds.PatientName), ds.PatientBirthDate, ds.StudyDescription) == ("Schmidt^Anne", "19840506", "Knee")
    uid = answer.json["studies"][0]["study_instance_uid"]
    assert api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["study_description"] == "Knee"
    assert api.upload(small(PatientName="Schmidt, Anne")).status_code == 201
    assert str(stored(api)[-1].PatientName) == "Schmidt, Anne"


def test_corrected_tags_are_written_and_the_old_ones_kept(api: Api) -> None:
    """The tag editor: only modifiable tags, before anything is stored."""
    study = generate_uid()
    options = json.dumps({"tags": {"PatientName": "Corrected^Name", "StudyDate": "20260116"}}).encode()
    body = related(("application/json", options), ("application/dicom", small(StudyInstanceUID=study)))
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **body)
    assert answer.status_code == 201, answer.json
    ds = stored(api)[0]
    assert (str(ds.PatientName), ds.StudyDate, ds.PatientID) == ("Corrected^Name", "20260116", "SCAN-7")
    assert ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].StudyDate == "20260115"


def test_a_second_order_for_a_stored_study_is_a_conflict(api: Api) -> None:
    """A study has one identity; to change it is a person's work in reconciliation."""
    first, second = api.place_order("ACC-1"), api.place_order("ACC-2", "MRN-2")
    study = generate_uid()
    api.upload(small(StudyInstanceUID=study), headers={"X-Order-Id": first["id"]})
    answer = api.upload(small(StudyInstanceUID=study), headers={"X-Order-Id": second["id"]})
    assert (answer.status_code, answer.json["code"]) == (409, "study_recorded_otherwise")
    assert len(api.archive.instances) == 1


def test_an_instance_of_another_person_under_a_linked_study_is_not_coerced(api: Api) -> None:
    """One study UID and MRN, two people: kept as it came, and the study is flagged for a person."""
    order = api.place_order()
    study = generate_uid()
    api.upload(small(StudyInstanceUID=study), headers={"X-Order-Id": order["id"]})
    answer = api.upload(small(StudyInstanceUID=study, PatientID="MRN-1", PatientName="OTHER^PERSON"))
    match = answer.json["studies"][0]["match"]
    assert (match["kind"], match["patient_id"], match["order_id"]) == ("ambiguous", order["patient_id"], order["id"])
    assert [(each["field"], each["agrees"]) for each in match["evidence"]][:2] == [
        ("study", False),
        ("PatientID", True),
    ]
    assert answer.json["studies"][0]["coerced"] == []
    assert sorted(str(ds.PatientName) for ds in stored(api)) == ["Lindqvist^Åsa", "OTHER^PERSON"]
    assert api.get(f"/api/v1/dicom/studies/{study}", "nurse").json["link_status"] == "ambiguous"
    assert "study.contradicted" in [e["action"] for e in api.get("/api/v1/audit", "admin").json["items"]]


def test_a_study_keeps_the_identity_it_began_with(api: Api) -> None:
    """Images that come after their order still join the images that came before it."""
    study = generate_uid()
    values = {"StudyInstanceUID": study, "AccessionNumber": "ACC-1", "PatientID": "MRN-1"}
    api.upload(small(**values))
    api.place_order()
    api.upload(small(**values))
    assert {str(ds.PatientName) for ds in stored(api)} == {"SCANNER^NAME"}
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 1


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 422, "empty_file"),
    "text": (b"hello" * 100, 422, "not_dicom"),
    "truncated": (small()[:-40], 422, "truncated"),
    "nested too deep": (nested(40), 422, "nested_too_deep"),
    "no SOP instance UID": (small(SOPInstanceUID=None), 422, "missing_uid"),
    "too large": (small(PixelData=bytes(1_000_001)), 413, "too_large"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_taken_is_refused_with_a_reason_and_leaves_nothing(api: Api, what: str) -> None:
    """Status and code as documented; no row, no file."""
    data, status, code = REFUSED[what]
    answer = api.upload(data)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["detail"]
    assert_nothing_is_left(api)


def test_what_the_archive_refuses_leaves_no_claim(api: Api) -> None:
    """The study's row is taken back when its first image could not be stored; sending again works."""
    order = api.place_order()
    data = small()
    api.archive.refuses = RefusedInstance("refused_by_archive", "no")
    answer = api.upload(data, headers={"X-Order-Id": order["id"]})
    assert (answer.status_code, answer.json["code"]) == (422, "refused_by_archive")
    assert_nothing_is_left(api)
    api.archive.refuses = Unavailable("archive_unavailable", "full", 30)
    answer = api.upload(data, headers={"X-Order-Id": order["id"]})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert_nothing_is_left(api)
    api.archive.refuses = None
    assert api.upload(data, headers={"X-Order-Id": order["id"]}).status_code == 201


def test_wrong_options_are_refused_before_anything_is_stored(api: Api) -> None:
    """Unknown order, order of another patient, cancelled order, nonsense."""
    order = api.place_order()
    api.place_order("ACC-2", "MRN-2")
    api.place_order("ACC-3")
    api.call("POST", "/api/v1/orders/ACC-3/cancel", "service")
    for headers, status, code in (
        ({"X-Order-Id": "NO-SUCH"}, 404, "order_not_found"),
        ({"X-Patient-Id": "NO-SUCH"}, 404, "patient_not_found"),
        ({"X-Order-Id": order["id"], "X-Patient-Id": "MRN-2"}, 409, "order_of_another_patient"),
        ({"X-Accession-Number": "ACC-3"}, 409, "order_cancelled"),
        ({"X-Upload-Id": "not-a-uuid"}, 422, "invalid_request"),
        ({"X-Upload-Source": "pigeon"}, 422, "invalid_request"),
        ({"X-Order-Id": "ACC-1", "X-Accession-Number": "ACC-2"}, 422, "invalid_request"),
    ):
        answer = api.upload(small(), headers=headers)
        assert (answer.status_code, answer.json["code"]) == (status, code), headers
    assert_nothing_is_left(api)


def test_wrong_bodies_are_refused(api: Api) -> None:
    """Another media type, no boundary, no parts, options that are not JSON, tags that may not be changed."""
    good = small()
    for body, status, code in (
        ({"data": good, "content_type": "image/png"}, 415, "unsupported_media_type"),
        ({"data": good, "content_type": "multipart/related"}, 400, "malformed_multipart"),
        ({"data": b"--x--", "content_type": "multipart/related; boundary=x"}, 400, "malformed_multipart"),
        (related(("application/json", b"{}")), 422, "no_files"),
        (related(("application/json", b"{"), ("application/dicom", good)), 400, "malformed_json"),
        (related(("application/json", b"[]"), ("application/dicom", good)), 422, "invalid_request"),
        (
            related(("application/json", b'{"tags": {"Modality": "CT"}}'), ("application/dicom", good)),
            422,
            "invalid_request",
        ),
        (
            related(("application/json", b'{"tags": {"StudyDate": "x"}}'), ("application/dicom", good)),
            422,
            "invalid_request",
        ),
        (related(("text/plain", good)), 415, "unsupported_media_type"),
        (related(*[("application/dicom", good)] * 6), 413, "too_many_files"),
    ):
        answer = api.call("POST", "/api/v1/dicom/upload", "technician", **body)
        assert (answer.status_code, answer.json["code"]) == (status, code), (status, code, answer.json)
    assert_nothing_is_left(api)


def test_a_deflated_file_waits_for_room_and_is_told_when_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While others unpack as much as may be unpacked at once; nothing is left, and later it is stored."""
    monkeypatch.setattr(BUDGET, "_wait_seconds", 0)
    data, room = deflated(0), BUDGET.take(MAX_INFLATED)
    answer = api.upload(data)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "5")
    assert_nothing_is_left(api)
    del room
    assert api.upload(data).status_code == 201


def test_a_claim_whose_process_died_before_storing_is_dropped_later(api: Api) -> None:
    """Nothing was stored, so nothing stands in the way of another order."""
    first, second = api.place_order("ACC-1"), api.place_order("ACC-2", "MRN-2")
    data = small()
    services = api.services
    services.claims.decide(read_identity(read_header(data)), Confirmation(order=first["id"]))
    assert services.claims.drop_abandoned() == 0
    assert api.upload(data, headers={"X-Order-Id": second["id"]}).status_code == 409
    later = Claims(services.database, lambda: services.clock() + ABANDONED_AFTER + timedelta(seconds=1))
    assert later.drop_abandoned() == 1
    services.claims.forget()
    assert api.upload(data, headers={"X-Order-Id": second["id"]}).status_code == 201
    assert later.drop_abandoned() == 0


def test_one_file_of_a_study_recorded_otherwise_does_not_sink_its_neighbours(api: Api) -> None:
    """A CD with two studies, one of which is linked to another order already."""
    first, second = api.place_order("ACC-1"), api.place_order("ACC-2", "MRN-2")
    taken = generate_uid()
    api.upload(small(StudyInstanceUID=taken), headers={"X-Order-Id": first["id"]})
    options = ("application/json", json.dumps({"order_id": second["id"]}).encode())
    files = [("application/dicom", small()), ("application/dicom", small(StudyInstanceUID=taken))]
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **related(options, *files)).json
    assert [i["status"] for i in answer["instances"]] == ["stored", "failed"]
    assert answer["instances"][1]["error"]["code"] == "study_recorded_otherwise"


def test_a_file_that_cannot_be_recoded_is_refused_and_takes_no_neighbour_with_it(api: Api) -> None:
    """Same study, one request: the good one stays stored and linked, the other is named with its identifiers."""
    order = api.place_order()
    study = generate_uid()
    options = ("application/json", json.dumps({"order_id": order["id"]}).encode())
    bad = unrecodable(StudyInstanceUID=study)
    files = [("application/dicom", small(StudyInstanceUID=study)), ("application/dicom", bad)]
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **related(options, *files))
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    failed = answer.json["instances"][1]
    assert (failed["error"]["code"], failed["study_instance_uid"]) == ("cannot_recode", study)
    assert failed["sop_instance_uid"]
    assert api.get(f"/api/v1/dicom/studies/{study}", "nurse").json["link_status"] == "linked"
    assert len(api.archive.instances) == 1


def test_a_file_that_cannot_be_recoded_alone_leaves_nothing(api: Api) -> None:
    """Refused before it is stored; its study's claim is taken back."""
    order = api.place_order()
    answer = api.upload(unrecodable(), headers={"X-Order-Id": order["id"]})
    assert (answer.status_code, answer.json["code"]) == (422, "cannot_recode")
    assert_nothing_is_left(api)


def test_a_corrected_study_date_is_the_one_that_is_listed(api: Api) -> None:
    """The list shows what the file says now."""
    options = ("application/json", b'{"tags": {"StudyDate": "20260116"}}')
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **related(options, ("application/dicom", small())))
    uid = answer.json["studies"][0]["study_instance_uid"]
    assert api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["study_date"] == "2026-01-16"


def test_who_confirmed_before_does_not_confirm_now(api: Api) -> None:
    """A confirmation is evidence in the answer to the request that gave it, whoever linked the study."""
    order, study = api.place_order(), generate_uid()
    data = [small(StudyInstanceUID=study) for _ in range(3)]
    options = {"X-Order-Id": order["id"]}
    answers = [api.upload(data[0], headers=options), api.upload(data[1]), api.upload(data[2], headers=options)]
    fields = [[line["field"] for line in each.json["studies"][0]["match"]["evidence"]] for each in answers]
    assert ["confirmation" in each for each in fields] == [True, False, True]
    assert fields[0] == fields[2]


def test_how_large_an_upload_may_be_is_told(api: Api) -> None:
    """As the settings say, in bytes; a file that is a little larger than that is refused with 413."""
    limits = api.get("/api/v1/dicom/upload-limits", "technician").json
    assert limits == {"max_file_bytes": 1_000_000, "max_upload_bytes": 2_048_000_000, "max_files": 5}
    assert api.get("/api/v1/dicom/upload-limits", "nurse").status_code == 403
    answer = api.upload(small() + bytes(limits["max_file_bytes"]))
    assert (answer.status_code, answer.json["instances"][0]["error"]["code"]) == (413, "too_large")
