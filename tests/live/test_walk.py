"""One study, all the way: order, upload, coerce, store, link, view. Reads like docs/architecture.md, "The walk"."""

from __future__ import annotations

import io
import uuid

import pydicom
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.db.tables.uploads import DicomUploadLog
from tests.support.material import mr_series
from tests.support.server import Server
from tests.support.steps import instances, place_order, study, upload, viewer_token


def test_a_real_series_walks_through_all_rooms(server: Server) -> None:
    """A clinic places an order, a radiographer uploads the series, a doctor reads it with a token for it alone."""
    files = mr_series()
    originals = {ds.SOPInstanceUID: ds for ds in (pydicom.dcmread(io.BytesIO(data)) for data in files)}
    uid = str(next(iter(originals.values())).StudyInstanceUID)

    # order first
    order = place_order(server)
    assert order["status"] == "scheduled"

    # 1-5 gate, door, validate, coerce, store: file by file, as the upload page does
    upload_id = str(uuid.uuid4())
    for number, data in enumerate(files):
        answer = upload(
            server,
            data,
            X_Order_Id=order["id"],
            X_Upload_Id=upload_id,
            X_Upload_Source="manual",
            X_File_Name=f"MR{number:02}.dcm",
        )
        assert answer.status_code == 201, answer.text
    match = answer.json()["studies"][0]["match"]
    assert (match["kind"], match["order_id"]) == ("exact", order["id"])

    # 4 coerce: identity is the order's, the old values are kept, everything else is as it was
    stored = instances(server, uid)
    assert len(stored) == len(files)
    for ds in stored:
        original = originals[ds.SOPInstanceUID]
        assert (ds.PatientID, str(ds.PatientName)) == (order["mrn"], "Lindqvist^Åsa")
        assert (ds.PatientBirthDate, ds.PatientSex) == ("19610314", "F")
        assert (ds.AccessionNumber, str(ds.ReferringPhysicianName)) == (order["accession_number"], "Ekström^Maria")
        before = ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]
        assert (before.PatientID, before.PatientName) == (original.PatientID, original.PatientName)
        assert ds.PixelData == original.PixelData
        assert (ds.StudyInstanceUID, ds.SeriesInstanceUID) == (original.StudyInstanceUID, original.SeriesInstanceUID)
        assert ds.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID

    # 6-8 record, match, link: seen over REST ...
    seen = study(server, uid)
    assert seen is not None
    assert (seen["link_status"], seen["mrn"], seen["order_id"]) == ("linked", order["mrn"], order["id"])
    assert (seen["number_of_series"], seen["number_of_instances"]) == (1, len(files))
    now = server.get(f"/api/v1/orders/{order['id']}", "doctor").json()
    assert (now["status"], now["study_instance_uid"], now["number_of_images"]) == ("in_progress", uid, len(files))

    # ... and as rows
    database = Database(server.database_url)
    with database.read() as session:
        row = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
        link = session.scalars(select(StudyLink).where(StudyLink.study_id == row.id)).one()
        assert (str(link.order_id), link.linked_by) == (order["id"], "rita")
        log = session.scalars(select(DicomUploadLog).where(DicomUploadLog.upload_id == uuid.UUID(upload_id))).one()
        assert (log.number_of_files, log.upload_status, log.upload_source) == (len(files), "success", "manual")
        assert log.total_size_bytes == sum(map(len, files))
    database.dispose()
    events = server.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json()["items"]
    assert {"study.linked", "study.received"} == {e["action"] for e in events}
    assert all(e["address"] == "127.0.0.1" for e in events)
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True

    # 9 view: through DICOMweb under a token for this study, and no other
    token = viewer_token(server, uid)
    answer = server.request("GET", f"/dicom-web/studies?StudyInstanceUID={uid}", token)
    assert [s["00100020"]["Value"] for s in answer.json()] == [[order["mrn"]]]
    metadata = server.request("GET", f"/dicom-web/studies/{uid}/metadata", token).json()
    assert {m["00080050"]["Value"][0] for m in metadata} == {order["accession_number"]}
    assert server.request("GET", "/dicom-web/studies/1.2.3/metadata", token).status_code == 403

    # sent again: recognised, nothing doubled
    again = upload(server, files[0], X_Order_Id=order["id"])
    assert (again.status_code, again.json()["instances"][0]["status"]) == (201, "duplicate")
    assert len(instances(server, uid)) == len(files)
