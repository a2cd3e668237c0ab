"""C-STORE, STOW-RS and POST /instances: other doors, the same judge."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store, stow_client, well_formed
from tests.support.samples import nested, small, unrecodable
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, place_order, the_study


def assert_coerced_and_linked(server: Server, order: dict[str, Any], uid: str, count: int = 1) -> None:
    expected = {"number_of_instances": count, "link_status": "linked", "order_id": order["id"]}
    eventually(lambda: expected.items() <= the_study(server, uid).items())
    for ds in instances(server, uid):
        assert (str(ds.PatientName), ds.PatientSex) == ("Lindqvist^Åsa", "F")
        before = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert str(before.PatientName) == "LINDQVIST^ASA"


def test_c_store_of_a_well_formed_study_is_coerced_and_linked(server: Server) -> None:
    """The ordinary day of a modality."""
    order = place_order(server)
    series = generate_uid()
    first = well_formed(order, SeriesInstanceUID=series)
    uid = str(pydicom.dcmread(io.BytesIO(first)).StudyInstanceUID)
    more = [
        small(
            AccessionNumber=order["accession_number"],
            PatientID=order["mrn"],
            PatientName="LINDQVIST^ASA",
            PatientBirthDate="19610314",
            StudyInstanceUID=uid,
            SeriesInstanceUID=series,
        )
        for _ in range(4)
    ]
    assert c_store(server, first, *more) == [0] * 5
    assert_coerced_and_linked(server, order, uid, 5)
    told = {"uploaded_by": "ae:MR1", "upload_source": "modality", "number_of_files": 5}

    def entry() -> dict[str, Any]:
        (only,) = server.get(f"/api/v1/dicom/uploads?study_instance_uid={uid}", "nurse").json()["items"]
        return dict(only)

    eventually(lambda: told.items() <= entry().items())


def test_c_store_of_an_unknown_study_is_kept_as_it_came(server: Server) -> None:
    """No order: stored, unlinked."""
    data = small()
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    assert c_store(server, data) == [0]
    eventually(lambda: the_study(server, uid)["link_status"] == "unlinked")
    assert "OriginalAttributesSequence" not in instances(server, uid)[0]


def test_c_store_that_would_kill_orthanc_is_quarantined(server: Server) -> None:
    """A hundred nested sequences: the sender hears no, the server lives on, the bytes are safe in a folder."""
    before = set((server.shared / "quarantine").glob("*"))
    assert c_store(server, nested(100)) == [0xC000]
    new = set((server.shared / "quarantine").glob("*")) - before
    assert [path.name.split(".")[1] for path in new] == ["nested_too_deep"]
    assert server.get("/api/v1/health").json()["status"] == "ok"


def test_stow_of_a_well_formed_study_is_coerced_and_linked(server: Server) -> None:
    """By a real DICOMweb client, through our own STOW-RS route."""
    order = place_order(server)
    data = well_formed(order)
    ds = pydicom.dcmread(io.BytesIO(data))
    answer = stow_client(server, "technician").store_instances([ds])
    assert answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == ds.SOPInstanceUID
    assert_coerced_and_linked(server, order, str(ds.StudyInstanceUID))


def test_stow_of_one_good_and_one_bad_instance_tells_them_apart(server: Server) -> None:
    """202 with a failure reason for the bad one (PS3.18 section 10.5)."""
    data = small()
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + d + b"\r\n" for d in (data, nested(100)))
    answer = server.request(
        "POST",
        "/api/v1/dicom-web/studies",
        user_token("technician"),
        data=body + b"--b--",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xC000]
    assert len(answer.json()["00081199"]["Value"]) == 1


def test_orthancs_own_door_is_ours(server: Server) -> None:
    """POST /instances: the same judge, Orthanc's form of answer."""
    order = place_order(server)
    data = well_formed(order)
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    token = user_token("technician")
    first = server.request("POST", "/instances", token, data=data, headers={"Content-Type": "application/dicom"})
    again = server.request("POST", "/instances", token, data=data, headers={"Content-Type": "application/dicom"})
    assert (first.status_code, first.json()["Status"]) == (200, "Success")
    assert again.json()["Status"] == "AlreadyStored"
    assert_coerced_and_linked(server, order, uid)


@pytest.mark.parametrize("path", ["/dicom-web/studies", "/dicom-web/studies/1.2.3"])
def test_the_plugins_own_stow_is_closed(server: Server, path: str) -> None:
    """Bytes that can kill the server must not reach it past the judge."""
    answer = server.request(
        "POST",
        path,
        user_token("technician", "admin", "service"),
        data=b"--b--",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    )
    assert answer.status_code == 403


def test_c_store_that_cannot_get_its_identity_is_kept_and_flagged(server: Server) -> None:
    """The order is certain, the text cannot be recoded: not lost, not refused, left to a person."""
    order = place_order(server)
    data = unrecodable(
        AccessionNumber=order["accession_number"],
        PatientID=order["mrn"],
        PatientName="LINDQVIST^ASA",
        PatientBirthDate="19610314",
    )
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    assert c_store(server, data) == [0]
    eventually(lambda: the_study(server, uid)["link_status"] == "ambiguous")
    assert str(instances(server, uid)[0].PatientName) == "LINDQVIST^ASA"


def test_c_store_of_an_image_larger_than_an_upload_may_be_is_recorded(server: Server) -> None:
    """The limits of uploads are for people; a modality's tomosynthesis is not lost from the books."""
    data = small(PixelData=bytes(6_000_000), Rows=1000, Columns=3000)
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    assert c_store(server, data) == [0]
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 1)
