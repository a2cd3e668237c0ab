"""Reports are filed in their studies as SR and PDF: once, as what they are, and of the right patient."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pypdf import PdfReader
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.results.documents import ReportDocument
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.reporting.states import DocumentStatus
from ehr_bridge.services.archive.own_documents import compare_documents, forget_documents
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.filing.rows import again
from tests.api.conftest import Api
from tests.api.deletion_steps import decide, requested
from tests.api.filing_steps import NODE, documents, filed, text
from tests.api.link_steps import link, post, put_patient, unlink
from tests.api.report_steps import RITA, act, amended, begin, save, signed, token, with_images, written
from tests.api.tag_steps import jobs

DORA = token("doctor", subject="dora")


def states(database: Database) -> list[tuple[int, str, int, str]]:
    with database.read() as session:
        rows = session.scalars(select(ReportDocument)).all()
    return sorted((row.number, row.form.value, row.making, row.status.value) for row in rows)


def test_a_signed_report_is_in_its_study_as_sr_and_pdf(api: Api) -> None:
    """In series of their own, of the study's patient, with the text that was signed."""
    uid = with_images(api)
    report = signed(api)
    sr, pdf = filed(api)
    assert (sr.Modality, sr.SeriesNumber, pdf.Modality, pdf.SeriesNumber) == ("SR", 9901, "DOC", 9902)
    assert {sr.StudyInstanceUID, pdf.StudyInstanceUID} == {uid}
    assert (sr.PatientID, str(sr.PatientName), sr.AccessionNumber) == ("MRN-1", "Lindqvist^Åsa", "ACC-1")
    assert "Unauffälliges MRT." in text(sr)
    assert sr.VerificationFlag == "VERIFIED"
    answer = api.call("GET", f"/api/v1/reports/{report['id']}/pdf", token=DORA)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data == pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength]
    assert "Unauffälliges MRT." in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()


def test_a_report_is_no_image(api: Api, database: Database) -> None:
    """It is not counted, no modality of the study, in no upload, and its order stays reported."""
    uid = with_images(api)
    before = api.get(f"/api/v1/dicom/studies/{uid}", "doctor").json
    signed(api)
    filed(api)
    after = api.get(f"/api/v1/dicom/studies/{uid}", "doctor").json
    for name in ("number_of_instances", "number_of_series", "modalities", "size_bytes", "link_status"):
        assert after.get(name) == before.get(name), name
    assert api.get("/api/v1/orders/ACC-1", "doctor").json["status"] == "reported"
    with database.read() as session:
        assert len(session.scalars(select(Instance)).all()) == 1


def test_filing_again_makes_no_second_one(api: Api, database: Database) -> None:
    """Killed after the archive had stored it, and before that was written down."""
    with_images(api)
    signed(api)
    first = [one.SOPInstanceUID for one in filed(api)]
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.status, row.filed_at, row.leased_until = DocumentStatus.DUE, None, None
    assert [one.SOPInstanceUID for one in filed(api)] == first
    assert {state for *_, state in states(database)} == {"filed"}


def test_a_killed_node_is_taken_over_when_its_lease_ends(api: Api, database: Database) -> None:
    """And not before: two nodes do not make one document at once."""
    with_images(api)
    signed(api)
    now = api.services.clock()
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.node, row.leased_until = "node-2", now + timedelta(seconds=30)
    assert filed(api) == []
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.leased_until = now - timedelta(seconds=1)
    assert len(filed(api)) == 2


def test_the_archive_is_away_for_a_while(api: Api, database: Database) -> None:
    """Nothing is lost, and no attempt counts."""
    with_images(api)
    signed(api)
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    with pytest.raises(Unavailable):
        api.services.results.filing.run(api.archive, NODE)
    api.archive.refuses = None
    later(database)
    assert len(filed(api)) == 2
    assert api.services.results.filing.failing() == 0


def later(database: Database) -> None:
    """The pause is over."""
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.retry_at = None


def test_a_report_that_cannot_be_made_is_counted(api: Api, database: Database, monkeypatch: Any) -> None:
    """It is tried again with growing pauses, and the others are filed."""
    with_images(api)
    signed(api)
    maker = api.services.results.filing._maker
    monkeypatch.setattr(type(maker), "pdf", lambda *_: 1 / 0)
    assert [one.Modality for one in filed(api)] == ["SR"]
    assert api.services.results.filing.failing() == 1
    monkeypatch.undo()
    later(database)
    assert len(filed(api)) == 2
    assert api.services.results.filing.failing() == 0


def test_a_report_that_can_never_be_made_stops_no_other(api: Api, database: Database, monkeypatch: Any) -> None:
    """Not after days either, and not even where its failure cannot be written down."""
    with_images(api)
    signed(api)
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.attempts = 2000
    maker, filing = api.services.results.filing._maker, api.services.results.filing
    monkeypatch.setattr(type(maker), "pdf", lambda *_: 1 / 0)
    assert [one.Modality for one in filed(api)] == ["SR"]
    with database.write() as session:
        (pdf,) = session.scalars(select(ReportDocument).where(ReportDocument.status == DocumentStatus.DUE))
        assert pdf.attempts == 2001
        pdf.retry_at, pdf.created_at = None, pdf.created_at - timedelta(days=1)
    with_images(api, "ACC-2", "MRN-2")
    signed(api, order_id="ACC-2")
    monkeypatch.setattr(type(filing), "_let_go", lambda *_: 1 / 0)
    assert [one.PatientID for one in filed(api) if one.Modality == "SR"] == ["MRN-1", "MRN-2"]


def test_an_amended_report_is_filed_beside_the_one_it_replaces(api: Api, database: Database) -> None:
    """The new SR names its predecessor; the old one stays, and its row says that it is superseded."""
    with_images(api)
    amended(api, signed(api))
    old, _, new, _ = filed(api)
    (study,) = new.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert "amended, version 2, replaces version 1" in new.SeriesDescription
    with database.read() as session:
        rows = session.scalars(select(ReportDocument)).all()
    assert {(row.number, row.is_superseded) for row in rows} == {(1, True), (2, False)}


def test_a_preliminary_report_is_filed_as_such(api: Api) -> None:
    """Nobody takes it for a final one."""
    with_images(api)
    act(api, written(api), "preliminary")
    sr, pdf = filed(api)
    assert (sr.PreliminaryFlag, sr.VerificationFlag, pdf.VerificationFlag) == (
        "PRELIMINARY",
        "UNVERIFIED",
        "UNVERIFIED",
    )
    assert "not signed" in sr.SeriesDescription


def test_a_withdrawn_report_cannot_be_read_in_the_study_any_more(api: Api, database: Database) -> None:
    """What is left says that it was withdrawn, and why; the text is in the database."""
    with_images(api)
    report = signed(api)
    filed(api)
    act(api, report, "withdraw", reason="of another patient")
    sr, pdf = filed(api)
    assert "withdrawn" in sr.SeriesDescription
    assert "of another patient" in text(sr)
    assert "Unauffälliges" not in text(sr)
    assert "Unauffälliges" not in PdfReader(io.BytesIO(pdf.EncapsulatedDocument)).pages[0].extract_text()
    assert (1, "sr", 1, "removed") in states(database)
    first = api.call("GET", f"/api/v1/reports/{report['id']}/versions/1/pdf", token=RITA)
    assert "Unauffälliges" in PdfReader(io.BytesIO(first.data)).pages[0].extract_text()


def test_documents_follow_when_the_patient_is_corrected(api: Api, database: Database, tmp_path: Path) -> None:
    """Made again from the signed version, since the former name is printed in them; the former ones go."""
    with_images(api)
    signed(api)
    before = {one.SOPInstanceUID for one in filed(api)}
    put_patient(api, family_name="Lindquist")
    jobs(api, tmp_path).run()
    sr, pdf = filed(api)
    assert str(sr.PatientName) == str(pdf.PatientName) == "Lindquist^Åsa"
    assert "Lindquist, Åsa" in PdfReader(io.BytesIO(pdf.EncapsulatedDocument)).pages[0].extract_text()
    assert before.isdisjoint({sr.SOPInstanceUID, pdf.SOPInstanceUID})
    assert [state for _, _, making, state in states(database) if making == 1] == ["removed", "removed"]


def test_a_job_that_changes_nothing_of_the_patient_leaves_them(api: Api, database: Database) -> None:
    """They are compared, and found right."""
    uid = with_images(api)
    signed(api)
    before = [one.SOPInstanceUID for one in filed(api)]
    with database.write() as session:
        compare_documents(session, uid)
    assert [one.SOPInstanceUID for one in filed(api)] == before
    with database.read() as session:
        assert not any(row.is_to_be_compared for row in session.scalars(select(ReportDocument)))


def test_documents_that_come_back_are_known(api: Api, database: Database) -> None:
    """From a CD of the study: skipped, not stored a second time, and no new image."""
    with_images(api)
    signed(api)
    filed(api)
    for data in [
        data for data in api.archive.instances.values() if dcmread(io.BytesIO(data)).Modality in ("SR", "DOC")
    ]:
        answer = api.upload(data)
        assert answer.json["code"] == "own_document", answer.json
    with database.read() as session:
        assert len(session.scalars(select(Instance)).all()) == 1
        assert len(session.scalars(select(Study)).all()) == 1


def test_documents_follow_when_two_records_are_merged(api: Api, database: Database, tmp_path: Path) -> None:
    """They are where the images have gone, under the number that is left."""
    with_images(api)
    signed(api)
    filed(api)
    put_patient(api, "MRN-2", 201)
    post(api, "/api/v1/patients/MRN-1/merge", {"into": "MRN-2", "reason": "the same person"}, 202, "service")
    jobs(api, tmp_path).run()
    sr, pdf = filed(api)
    assert (sr.PatientID, pdf.PatientID) == ("MRN-2", "MRN-2")
    assert len({api.archive.studies[key] for key in api.archive.instances}) == 1


def test_the_report_of_an_unlinked_study_leaves_it(api: Api, database: Database, tmp_path: Path) -> None:
    """Its images may be another patient's. Linked to the same order again, it is there again, made again."""
    uid = with_images(api)
    signed(api)
    before = {one.SOPInstanceUID for one in filed(api)}
    order_id = api.get("/api/v1/orders/ACC-1", "doctor").json["id"]
    unlink(api, uid)
    jobs(api, tmp_path).run()
    assert filed(api) == []
    link(api, uid, order_id=order_id)
    jobs(api, tmp_path).run()
    later(database)
    after = filed(api)
    assert [one.PatientID for one in after] == ["MRN-1", "MRN-1"]
    assert before.isdisjoint({one.SOPInstanceUID for one in after})


def moved(api: Api, tmp_path: Path) -> tuple[dict[str, Any], str]:
    """A signed report whose images a technician has given to another patient, and the study's UID."""
    uid = with_images(api)
    report = signed(api)
    filed(api)
    other = api.place_order("ACC-2", "MRN-2", family_name="Berg", given_name="Nils")
    unlink(api, uid)
    jobs(api, tmp_path).run()
    link(api, uid, order_id=other["id"])
    jobs(api, tmp_path).run()
    assert filed(api) == []
    return report, uid


def test_a_report_whose_images_went_to_another_patient_is_in_the_study_of_neither(
    api: Api, database: Database, tmp_path: Path
) -> None:
    """Whatever a person has decided about the report; its PDF names its own patient. It is there again when the images
    are linked back."""
    report, uid = moved(api, tmp_path)
    with database.write() as session:
        session.get_one(Report, uuid.UUID(report["id"])).doubt = None
        for row in session.scalars(select(ReportDocument)):
            row.status = DocumentStatus.DUE
    assert filed(api) == []
    answer = api.call("GET", f"/api/v1/reports/{report['id']}/pdf", token=DORA)
    pdf = PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert "Lindqvist, Åsa" in pdf and "Berg" not in pdf
    unlink(api, uid)
    jobs(api, tmp_path).run()
    link(api, uid, order_id=api.get("/api/v1/orders/ACC-1", "doctor").json["id"])
    jobs(api, tmp_path).run()
    later(database)
    assert [one.PatientID for one in filed(api)] == ["MRN-1", "MRN-1"]


def test_a_withdrawal_files_nothing_among_the_images_of_another_patient(
    api: Api, database: Database, tmp_path: Path
) -> None:
    """Its notice has the former patient's order numbers. It is filed when they come back, and leaves with them."""
    report, uid = moved(api, tmp_path)
    act(api, report, "withdraw", reason="of another patient")
    later(database)
    assert filed(api) == []
    answer = api.call("GET", f"/api/v1/reports/{report['id']}/pdf", token=RITA)
    pdf = PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert "Lindqvist, Åsa" in pdf and "Berg" not in pdf
    unlink(api, uid)
    jobs(api, tmp_path).run()
    link(api, uid, order_id=api.get("/api/v1/orders/ACC-1", "doctor").json["id"])
    jobs(api, tmp_path).run()
    later(database)
    back = filed(api)
    assert [(one.Modality, one.PatientID) for one in back] == [("SR", "MRN-1"), ("DOC", "MRN-1")]
    assert "withdrawn" in text(back[0]).lower() or "entered in error" in text(back[0]).lower()
    unlink(api, uid)
    jobs(api, tmp_path).run()
    assert filed(api) == []


def test_a_document_that_stands_in_the_study_of_another_patient_leaves_it_and_is_not_shown(
    api: Api, database: Database
) -> None:
    """One that was filed there by an earlier release."""
    uid = with_images(api)
    report = signed(api)
    filed(api)
    api.place_order("ACC-2", "MRN-2", family_name="Berg", given_name="Nils")
    with database.write() as session:
        berg = session.scalars(select(Patient).where(Patient.mrn == "MRN-2")).one()
        session.scalars(select(Study).where(Study.study_instance_uid == uid)).one().patient_id = berg.id
    with database.write() as session:
        session.get_one(Report, uuid.UUID(report["id"])).doubt = None
        for row in session.scalars(select(ReportDocument)):
            row.status = DocumentStatus.FILED
    shown = api.call("GET", f"/api/v1/reports/{report['id']}/pdf", token=RITA).data
    former = documents(api)[1]
    assert shown != former.EncapsulatedDocument[: former.EncapsulatedDocumentLength]
    with database.write() as session:
        compare_documents(session, uid)
    assert filed(api) == []


def test_the_documents_of_a_purged_study_are_gone_for_good(api: Api, database: Database) -> None:
    """Nothing is filed into a study that is being deleted, and nothing comes back after it."""
    uid = with_images(api)
    signed(api)
    filed(api)
    requested(api, uid)
    with database.write() as session:
        forget_documents(session, uid, api.services.clock())
        compare_documents(session, uid)
    api.archive.instances.clear()
    assert filed(api) == []
    assert {state for *_, state in states(database)} == {"removed"}


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_report_that_is_filed_just_while_its_study_is_purged_does_not_stay(
    api: Api, database: Database, monkeypatch: Any, is_killed: bool
) -> None:
    """Another node purges between the making and the storing; also if this one is killed just then."""
    uid = with_images(api)
    signed(api)
    store = api.archive.store

    def purged_before(data: bytes) -> Stored:
        monkeypatch.setattr(api.archive, "store", store)
        purge(api, uid)
        stored = store(data)
        if is_killed:
            raise KeyboardInterrupt
        return stored

    monkeypatch.setattr(api.archive, "store", purged_before)
    if is_killed:
        with pytest.raises(KeyboardInterrupt):
            api.services.results.filing.run(api.archive, NODE)
        assert len(documents(api)) == 1
    assert filed(api) == []
    assert {state for *_, state in states(database)} == {"removed"}


def test_a_report_that_is_stored_after_another_node_had_given_it_up_does_not_stay(
    api: Api, database: Database, monkeypatch: Any
) -> None:
    """This one stood still for longer than its lease."""
    uid = with_images(api)
    signed(api)
    store = api.archive.store

    def removed_before(data: bytes) -> Stored:
        monkeypatch.setattr(api.archive, "store", store)
        with database.write() as session:
            for row in session.scalars(select(ReportDocument)):
                row.leased_until = None
        purge(api, uid)
        return store(data)

    monkeypatch.setattr(api.archive, "store", removed_before)
    assert filed(api) == []
    assert {state for *_, state in states(database)} == {"removed"}


def test_a_report_that_was_stored_under_a_former_number_is_there_once(
    api: Api, database: Database, tmp_path: Path
) -> None:
    """Killed after storing; then the images got another patient number."""
    with_images(api)
    signed(api)
    filed(api)
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.status, row.filed_at = DocumentStatus.DUE, None
    put_patient(api, "MRN-2", 201)
    post(api, "/api/v1/patients/MRN-1/merge", {"into": "MRN-2", "reason": "the same person"}, 202, "service")
    jobs(api, tmp_path).run()
    with database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.is_to_be_compared = False
    assert [one.PatientID for one in filed(api)] == ["MRN-2", "MRN-2"]


def purge(api: Api, uid: str) -> None:
    """As on another node."""
    api.archive.instances.clear()
    with api.services.database.write() as session:
        forget_documents(session, uid, api.services.clock())


def test_a_report_that_is_signed_while_its_study_is_to_be_deleted_waits(api: Api, database: Database) -> None:
    """It is filed when the request is refused."""
    uid = with_images(api)
    signed(api)
    deletion = requested(api, uid)
    assert filed(api) == []
    assert decide(api, deletion, "reject").status_code == 200
    later(database)
    assert len(filed(api)) == 2


def test_a_version_that_is_issued_again_after_a_restore_is_another_document(api: Api, database: Database) -> None:
    """The archive may have the first one, whose text is another, and keeps the first file of a UID."""
    with_images(api)
    report = signed(api)
    with database.read() as session:
        row = session.scalars(select(ReportDocument).limit(1)).one()
    restored = again(row, row.created_at)
    restored.making = row.making
    assert (restored.report_id, restored.number) == (row.report_id, row.number) == (uuid.UUID(report["id"]), 1)
    assert {restored.sop_instance_uid, restored.series_instance_uid}.isdisjoint(
        {row.sop_instance_uid, row.series_instance_uid}
    )


def test_a_draft_has_no_pdf(api: Api) -> None:
    """Nothing was issued; and nobody but those who write sees that there is one."""
    with_images(api)
    draft = save(api, begin(api))
    for who in (RITA, DORA):
        assert api.call("GET", f"/api/v1/reports/{draft['id']}/pdf", token=who).status_code == 404
    assert api.call("GET", f"/api/v1/reports/{uuid.uuid4()}/pdf", token=RITA).status_code == 404


def test_a_report_without_images_has_a_pdf_all_the_same(api: Api, database: Database) -> None:
    """It is made for the reader; there is no study to file it in."""
    api.place_order()
    report = signed(api)
    assert filed(api) == []
    assert states(database) == []
    answer = api.call("GET", f"/api/v1/reports/{report['id']}/pdf", token=DORA)
    assert "Lindqvist, Åsa" in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
