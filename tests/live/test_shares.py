"""A share on the real server: what the viewer asks with its token, and everything else."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest

from tests.live.filing_steps import documents, draft_with_text, in_the_study, radiologist, sign
from tests.live.gate_steps import QUERIES, reads
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, upload


def stored_study(server: Server) -> dict[str, Any]:
    order, data = place_order(server), small()
    assert upload(server, data, X_Order_Id=order["id"]).status_code == 201
    ds = pydicom.dcmread(io.BytesIO(data))
    uids = {"uid": ds.StudyInstanceUID, "series": ds.SeriesInstanceUID, "sop": ds.SOPInstanceUID}
    return {name: str(uid) for name, uid in uids.items()} | {"mrn": order["mrn"]}


@pytest.fixture
def study(server: Server) -> dict[str, Any]:
    return stored_study(server)


def opened(server: Server, uid: str) -> dict[str, Any]:
    made = server.request(
        "POST", "/api/v1/dicom/shares", user_token("doctor"), json={"study_instance_uid": uid, "ttl_seconds": 600}
    )
    assert made.status_code == 201, made.text
    answer = server.request("POST", "/api/v1/share/open", json={"secret": made.json()["url"].partition("#")[2]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()) | {"share": made.json()["share"]["id"]}


def metadata_of(study: dict[str, Any]) -> str:
    return f"/dicom-web/studies/{study['uid']}/series/{study['series']}/metadata"


def test_the_viewer_reads_its_study_and_nothing_else_is_open(server: Server, study: dict[str, Any]) -> None:
    """DICOMweb without whole series and studies; no WADO-URI, none of Orthanc's ids, no query that finds another study.
    When the doctor ends it, nothing is open any more."""
    other = stored_study(server)
    share = opened(server, study["uid"])
    token = share["token"]
    of_all = f"/dicom-web/studies/{study['uid']}/metadata"
    for path in reads(study):
        is_whole = path.startswith("/wado") or path.rsplit("/", 2)[-2] in ("studies", "series") or path == of_all
        status = server.request("GET", path, token).status_code
        assert status == (403 if is_whole else 200), path
    for path in reads(other):
        assert server.request("GET", path, token).status_code == 403, path
    for query in QUERIES:
        asked = query.format(a=study["uid"], b=other["uid"], mrn=other["mrn"])
        answer = server.request("GET", f"/dicom-web/studies{asked}", token)
        found = {one["0020000D"]["Value"][0] for one in answer.json()} if answer.text else set()
        assert answer.status_code == 200 and found <= {study["uid"]}, query
    orthanc = server.get(f"/api/v1/dicom/studies/{study['uid']}", "nurse").json()["orthanc_study_id"]
    for path in (f"/studies/{orthanc}", f"/studies/{orthanc}/archive", "/system", "/instances", "/tools/find", "/app"):
        assert server.request("GET", path, token).status_code == 403, path
    assert server.request("POST", "/api/v1/dicom-web/studies", token, data=b"x").status_code == 403
    assert server.request("POST", "/instances", token, data=b"x").status_code == 403
    seen = metadata_of(study)
    assert server.request("GET", seen, token).status_code == 200
    assert server.request("DELETE", f"/api/v1/dicom/shares/{share['share']}", user_token("doctor")).status_code == 204
    assert server.request("GET", seen, token).status_code == 403


def test_the_files_of_reports_are_not_shown(server: Server, study: dict[str, Any]) -> None:
    """Preliminary and superseded versions are in the study as SR and PDF, and look like final ones: nobody outside
    finds or opens one, with whatever query. The images stay open, and the signed report has its own route."""
    uid, token = study["uid"], opened(server, study["uid"])["token"]
    report, _ = draft_with_text(server, uid)
    early = server.request("POST", f"/api/v1/reports/{report}/preliminary", radiologist())
    assert early.status_code == 200, early.text
    eventually(lambda: in_the_study(server, uid) == 2)
    assert server.request("GET", f"/api/v1/share/reports/{report}/pdf", token).status_code == 404
    signed = sign(server, report, server.request("GET", f"/api/v1/reports/{report}", radiologist()).headers["ETag"])
    assert signed["status"] == "final"
    eventually(lambda: in_the_study(server, uid) == 4)
    files = documents(server, uid)
    assert len(files) == 4
    base = f"/dicom-web/studies/{uid}"
    for of, asked in (
        (0, "/series?Modality=SR"),
        (0, "/instances?Modality=DOC"),
        (0, f"/series?SeriesInstanceUID={files[0].SeriesInstanceUID}"),
        (0, f"/instances?SOPInstanceUID={files[1].SOPInstanceUID}"),
        (1, "/series"),
        (1, "/instances"),
        (1, "/series?limit=1"),
        (0, "/series?limit=5&offset=1"),
        (1, "/instances?includefield=all"),
    ):
        for path in (base + asked, f"/dicom-web{asked}"):
            found = server.request("GET", path, token)
            assert len(found.json() if found.text else []) == of, path
    for file in files:
        its = {"uid": uid, "series": str(file.SeriesInstanceUID), "sop": str(file.SOPInstanceUID)}
        instance = f"{base}/series/{its['series']}/instances/{its['sop']}"
        more = [f"{instance}/bulk/00420011", f"{instance}/rendered", f"{base}/series/{its['series']}/rendered"]
        for path in (set(reads(its)) | set(more)) - {f"{base}/series", f"{base}/instances"}:
            assert server.request("GET", path, token).status_code == 403, path
        in_another = f"{base}/series/{study['series']}/instances/{its['sop']}"
        for path in (in_another, f"{in_another}/metadata"):
            assert server.request("GET", path, token).status_code == 404, path
    for path in (f"{base}/rendered", f"{base}/thumbnail"):
        assert server.request("GET", path, token).status_code == 403, path
    assert server.request("GET", metadata_of(study), token).status_code == 200
    pdf = server.request("GET", f"/api/v1/share/reports/{report}/pdf", token)
    assert pdf.status_code == 200 and pdf.content.startswith(b"%PDF-")


def test_the_worker_ends_it_when_the_link_is_taken_away(server: Server, study: dict[str, Any]) -> None:
    """With the request, not with the job: nobody outside sees what the files say meanwhile."""
    share = opened(server, study["uid"])
    path = metadata_of(study)
    assert server.request("GET", path, share["token"]).status_code == 200
    body = {"reason": "wrong patient"}
    answer = server.request(
        "POST", f"/api/v1/reconciliation/{study['uid']}/unlink", user_token("radiologist"), json=body
    )
    assert answer.status_code == 202, answer.text
    eventually(lambda: server.request("GET", path, share["token"]).status_code == 403)

    def reasons() -> list[str | None]:
        listed = server.get(f"/api/v1/dicom/shares?study={study['uid']}", "doctor").json()["items"]
        return [one["end_reason"] for one in listed]

    eventually(lambda: reasons() == ["patient_changed"])  # the gate looks for itself, the row follows
