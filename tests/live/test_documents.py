"""Documents on the real Orthanc: attached by those at the desk, shown as DICOM, and there once after kill -9."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import requests

from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order
from tests.unit.document_steps import pdf, phone_photo, png

KIND = {"Content-Type": "application/pdf", "X-Document-Kind": "referral", "X-Document-Title": "A%20letter"}


def attach(server: Server, order: str, data: bytes, **headers: str) -> requests.Response:
    said = KIND | {name.replace("_", "-"): value for name, value in headers.items()}
    path, token = f"/api/v1/orders/{order}/documents", user_token("reception", subject="rosa")
    return server.request("POST", path, token, data=data, headers=said)


def listed(server: Server, order: str) -> list[dict[str, Any]]:
    return list(server.get(f"/api/v1/documents?order={order}", "nurse").json()["items"])


def test_a_large_letter_is_shown_as_dicom_and_moves_no_order(server: Server) -> None:
    """More than the gate lets others send; read back by DICOMweb and as it came."""
    order = place_order(server)
    number = order["accession_number"]
    plain = pdf("A letter")
    large = plain[: plain.rindex(b"startxref")] + b"%" + b"x" * 2_000_000 + b"\n" + plain[plain.rindex(b"startxref") :]
    answer = attach(server, number, large)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    path = (
        f"/wado?requestType=WADO&studyUID={document['study_instance_uid']}&seriesUID={document['series_instance_uid']}"
    )
    path += f"&objectUID={document['sop_instance_uid']}&contentType=application/dicom"
    file = pydicom.dcmread(io.BytesIO(server.get(path, "doctor").content))
    assert (str(file.PatientName), file.AccessionNumber) == ("Lindqvist^Åsa", number)
    content = server.get(f"/api/v1/documents/{document['id']}/content", "doctor")
    assert content.content == large and content.headers["Content-Type"] == "application/pdf"
    assert server.get(f"/api/v1/orders/{number}", "nurse").json()["status"] == "scheduled"
    nobody = server.request("POST", f"/api/v1/orders/{number}/documents", user_token("nurse"), data=large, headers=KIND)
    assert nobody.status_code == 403


def test_photographs_are_drawn_by_orthanc(server: Server) -> None:
    """A JPEG as it came, one that was turned, and a PNG: each has a small picture."""
    number = place_order(server)["accession_number"]
    for data, media_type in ((phone_photo(1), "image/jpeg"), (phone_photo(6), "image/jpeg"), (png(), "image/png")):
        answer = attach(server, number, data, Content_Type=media_type, X_Document_Kind="photo")
        assert answer.status_code == 201, answer.text
        picture = server.get(f"/api/v1/dicom/thumbnail/{answer.json()['study_instance_uid']}", "doctor")
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
    assert len(listed(server, number)) == 3


def test_a_killed_server_has_each_document_once(server: Server) -> None:
    """kill -9 right after the answer, and sent again by who has lost it."""
    number = place_order(server)["accession_number"]
    first = attach(server, number, pdf("A letter"), Idempotency_Key="one")
    server.kill()
    server.start()
    assert [one["id"] for one in listed(server, number)] == [first.json()["id"]]
    again = attach(server, number, pdf("A letter"), Idempotency_Key="one")
    without = attach(server, number, pdf("A letter"))
    assert (again.status_code, without.status_code) == (201, 200)
    assert again.json()["id"] == without.json()["id"] == first.json()["id"]
    uid = first.json()["study_instance_uid"]
    eventually(lambda: server.get(f"/api/v1/dicom/studies/{uid}", "nurse").json()["number_of_instances"] == 1)
    assert len(listed(server, number)) == 1
