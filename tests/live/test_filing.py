"""Signed reports are in their studies as SR and PDF, on the real Orthanc: within seconds, once, and as no images."""

from __future__ import annotations

import io

from pydicom.uid import ExplicitVRLittleEndian
from pypdf import PdfReader

from tests.live.filing_steps import (
    REPORTS,
    TEXT,
    amended,
    documents,
    draft_with_text,
    radiologist,
    sign,
    signed,
    study_of_an_order,
)
from tests.support.scu import patient_ae
from tests.support.server import Server
from tests.support.steps import eventually, the_study


def test_a_signed_report_is_beside_its_images_and_is_none(server: Server) -> None:
    """A doctor finds it there; counts, modalities and the order's state stay; it can be sent back without harm."""
    uid, order = study_of_an_order(server)
    before = eventually(lambda: the_study(server, uid) if the_study(server, uid)["number_of_instances"] == 1 else None)
    report = signed(server, uid)
    sr, pdf = eventually(lambda: found if len(found := documents(server, uid)) == 2 else None)
    assert (sr.Modality, pdf.Modality, str(sr.PatientName)) == ("SR", "DOC", "Lindqvist^Åsa")
    assert "final, version 1" in sr.SeriesDescription
    answer = server.request("GET", f"{REPORTS}/{report['id']}/pdf", radiologist())
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content == pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength]
    assert TEXT in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text().replace("\n", " ")

    ae = patient_ae("PEER")
    for document in (sr, pdf):
        ae.add_requested_context(document.SOPClassUID, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", server.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    assert [association.send_c_store(one).Status for one in (sr, pdf)] == [0, 0]
    association.release()
    names = ("number_of_instances", "number_of_series", "modalities", "link_status", "size_bytes")
    after = the_study(server, uid)
    assert {name: after.get(name) for name in names} == {name: before.get(name) for name in names}
    assert server.get(f"/api/v1/orders/{order['accession_number']}", "doctor").json()["status"] == "reported"
    assert len(documents(server, uid)) == 2


def test_a_draft_survives_a_killed_server_and_is_signed_as_it_was_read(server: Server) -> None:
    """kill -9 right after saving: the text, its ETag and the claim are what they were."""
    uid, order = study_of_an_order(server)
    report_id, tag = draft_with_text(server, uid)
    server.kill()
    server.start()
    found = server.request("GET", f"{REPORTS}/{report_id}", radiologist())
    assert found.headers["ETag"] == tag
    assert {one["text"] for one in found.json()["draft"]["sections"]} == {TEXT}
    assert sign(server, report_id, tag)["status"] == "final"
    assert server.get(f"/api/v1/orders/{order['accession_number']}", "doctor").json()["status"] == "reported"


def test_a_killed_server_files_each_version_once(server: Server) -> None:
    """kill -9 right after signing and right after amending; the former version stays, and is named as replaced."""
    uid, order = study_of_an_order(server)
    report = signed(server, uid)
    server.kill()
    server.start()
    eventually(lambda: len(documents(server, uid)) == 2)
    amended(server, report)
    server.kill()
    server.start()
    old, _, new, _ = eventually(lambda: found if len(found := documents(server, uid)) == 4 else None)
    (study,) = new.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert the_study(server, uid)["number_of_instances"] == 1
    assert server.get(f"/api/v1/orders/{order['accession_number']}", "doctor").json()["status"] == "reported"


def test_documents_follow_a_corrected_patient(server: Server) -> None:
    """Images first, then SR and PDF with the new name printed; nothing with the old name is left in the study."""
    uid, order = study_of_an_order(server)
    signed(server, uid)
    eventually(lambda: len(documents(server, uid)) == 2)
    person = {"family_name": "Lindquist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
    assert server.put(f"/api/v1/patients/{order['mrn']}", person).status_code == 200

    def followed() -> bool:
        found = documents(server, uid)
        return len(found) == 2 and all(str(one.PatientName) == "Lindquist^Åsa" for one in found)

    eventually(followed)
    _, pdf = documents(server, uid)
    assert "Lindquist, Åsa" in PdfReader(io.BytesIO(pdf.EncapsulatedDocument)).pages[0].extract_text()
