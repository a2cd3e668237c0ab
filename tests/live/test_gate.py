"""The gate in front of the real server: closed unless the table says otherwise."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest

from tests.live.gate_steps import QUERIES, reads
from tests.support.material import mr_series
from tests.support.samples import encoded, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, upload, viewer_token

EVERYBODY = ("technician", "doctor", "nurse", "radiologist", "manager", "admin", "service")

CLOSED = [
    ("GET", "/system"),
    ("GET", "/patients"),
    ("GET", "/studies"),
    ("GET", "/studies?expand"),
    ("GET", "/instances"),
    ("GET", "/changes"),
    ("GET", "/statistics"),
    ("GET", "/plugins"),
    ("GET", "/modalities"),
    ("GET", "/jobs"),
    ("GET", "/tools/log-level"),
    ("GET", "/app/explorer.html"),
    ("GET", "/dicom-web/servers"),
    ("GET", "/dicom-web/info"),
    ("GET", "/tools/create-archive?resources=1"),
    ("POST", "/tools/find"),
    ("POST", "/tools/lookup"),
    ("POST", "/tools/execute-script"),
    ("POST", "/tools/reset"),
    ("POST", "/tools/shutdown"),
    ("POST", "/tools/bulk-delete"),
    ("POST", "/tools/bulk-content"),
    ("POST", "/tools/create-dicom"),
    ("POST", "/modalities/x/store"),
    ("POST", "/studies/x/modify"),
    ("PUT", "/tools/log-level"),
    ("PUT", "/modalities/x"),
    ("DELETE", "/studies/x"),
    ("DELETE", "/instances"),
    ("GET", "/instances/x/file"),
    ("POST", "/dicom-web/studies"),
    ("DELETE", "/dicom-web/studies/1.2.3"),
    ("GET", "/webdav/by-studies"),
    ("GET", "/api"),
    ("GET", "/api/v2/health"),
    ("GET", "/ehrx"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=[f"{m} {p}" for m, p in CLOSED])
def test_what_the_table_does_not_list_is_closed_to_everybody(sqlite_server: Server, method: str, path: str) -> None:
    """With no token, and with every role at once."""
    for token in (None, user_token(*EVERYBODY)):
        answer = sqlite_server.request(method, path, token, data=b"{}" if method in ("POST", "PUT") else None)
        assert (answer.status_code, answer.content) == (403, b""), path
    assert sqlite_server.process is not None and sqlite_server.process.poll() is None


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"X-HTTP-Method-Override": "DELETE"}, "/api/v1/orders"),
        ({}, "/dicom-web/studies?_method=DELETE"),
        ({"Content-Encoding": "gzip"}, "/api/v1/orders"),
    ],
)
def test_methods_and_bodies_in_disguise_are_refused(sqlite_server: Server, headers: dict[str, str], path: str) -> None:
    """A GET that would become a DELETE; a body that would unpack."""
    answer = sqlite_server.request("GET", path, user_token(*EVERYBODY), headers=headers)
    assert answer.status_code == 403


def test_static_files_and_health_need_no_token(sqlite_server: Server) -> None:
    """The pages load; what they show asks for a token."""
    for path in ("/ehr/", "/ohif/", "/ohif/viewer", "/ehr/orders", "/api/v1/health"):
        answer = sqlite_server.get(path)
        assert answer.status_code == 200, path
    for path in ("/ehr/", "/ohif/"):
        policy = sqlite_server.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "http" not in policy
        assert sqlite_server.get(path).headers["Content-Encoding"] == "gzip"
    assert sqlite_server.get("/", allow_redirects=False).headers["Location"] == "/ehr/"
    assert sqlite_server.get("/ohif/../../../etc/passwd").status_code in (403, 404)
    assert sqlite_server.get("/ehr/nothing.js").status_code == 404


@pytest.fixture(scope="module")
def two_studies(sqlite_server: Server) -> tuple[Server, dict[str, Any], dict[str, Any]]:
    """Study A of one patient and study B of another."""
    studies = []
    for data in (small(), small()):
        order = place_order(sqlite_server)
        answer = upload(sqlite_server, data, X_Order_Id=order["id"]).json()
        uid = answer["studies"][0]["study_instance_uid"]
        ds = pydicom.dcmread(io.BytesIO(data))
        studies.append({"uid": uid, "mrn": order["mrn"], "series": ds.SeriesInstanceUID, "sop": ds.SOPInstanceUID})
    return sqlite_server, studies[0], studies[1]


def bulk_uris(instance: dict[str, Any]) -> list[str]:
    """Every BulkDataURI in an instance's DICOM JSON, those within sequences too."""
    found = []
    for element in instance.values():
        found += [element["BulkDataURI"]] if "BulkDataURI" in element else []
        for item in element.get("Value", []) if element["vr"] == "SQ" else []:
            found += bulk_uris(item)
    return found


def test_bulk_data_opens_as_orthanc_writes_it(sqlite_server: Server) -> None:
    """Metadata names it; whoever may see the study gets it, from within two sequences too, and nobody else does."""
    ds = pydicom.dcmread(io.BytesIO(small()))
    inner, outer = pydicom.Dataset(), pydicom.Dataset()
    inner.add_new("EncapsulatedDocument", "OB", b"within" * 1000)
    outer.ReferencedStudySequence = [inner, inner]
    ds.ReferencedSeriesSequence = [outer]
    ds.private_block(0x0029, "ACME", create=True).add_new(0x10, "OB", b"private!" * 1000)
    assert upload(sqlite_server, encoded(ds)).status_code == 201
    token = viewer_token(sqlite_server, str(ds.StudyInstanceUID))
    (metadata,) = sqlite_server.request("GET", f"/dicom-web/studies/{ds.StudyInstanceUID}/metadata", token).json()
    paths = [urlsplit(uri).path for uri in bulk_uris(metadata)]
    assert len(paths) == 4 and any("/bulk/00081115/1/00081110/2/00420011" in path for path in paths)
    for path in paths:
        assert sqlite_server.request("GET", path, token).status_code == 200, path
        assert sqlite_server.request("GET", path).status_code == 403


def test_a_bound_token_reads_its_study_every_way_and_the_other_no_way(two_studies: Any) -> None:
    """Study A's token against every route to A and to B."""
    server, a, b = two_studies
    token = viewer_token(server, a["uid"])
    for path in reads(a):
        assert server.request("GET", path, token).status_code == 200, path
    for path in reads(b):
        answer = server.request("GET", path, token)
        assert (answer.status_code, answer.content) == (403, b""), path


def test_ids_of_another_study_under_ones_own_do_not_open_it(two_studies: Any) -> None:
    """A's study UID with B's series and instance; wildcards; lists; WADO-URI without a study."""
    server, a, b = two_studies
    token = viewer_token(server, a["uid"])
    own = f"/dicom-web/studies/{a['uid']}"
    secret = pydicom.uid.UID(b["sop"])
    for path in (
        f"{own}/series/{b['series']}/metadata",
        f"{own}/series/{b['series']}/instances/{b['sop']}/metadata",
        f"{own}/series/{b['series']}/instances/{b['sop']}/frames/1",
        f"{own}/series/{a['series']}/instances/{b['sop']}",
        f"{own}/series/*/instances/*/metadata",
        "/dicom-web/studies/*/metadata",
        f"/dicom-web/studies/{a['uid']}*/metadata",
        f"/dicom-web/studies/{a['uid']}%5C{b['uid']}/metadata",
        f"/dicom-web/studies/{a['uid']},{b['uid']}/metadata",
        f"/dicom-web/studies/{a['uid']}/../{b['uid']}/metadata",
        f"/wado?requestType=WADO&objectUID={b['sop']}&contentType=application/dicom",
        f"/wado?requestType=WADO&studyUID={a['uid']}&objectUID={b['sop']}&contentType=application/dicom",
        f"/wado?requestType=WADO&studyUID=*&objectUID={b['sop']}&contentType=application/dicom",
        f"/wado?requestType=WADO&studyUID={b['uid']}&studyUID={a['uid']}&objectUID={b['sop']}",
        f"/wado?requestType=WADO&studyuid={b['uid']}&studyUID={a['uid']}&objectUID={b['sop']}",
    ):
        answer = server.request("GET", path, token)
        told = secret.encode() in answer.content and path.encode().find(secret.encode()) < 0
        assert answer.status_code != 200 or answer.json() in ([], None), (path, answer.status_code, answer.text[:200])
        assert not told and b["mrn"].encode() not in answer.content, path


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
def test_qido_under_a_bound_token_knows_only_its_study(two_studies: Any, level: str) -> None:
    """Every spelling of the question, at every level: 200, and never a word of B."""
    server, a, b = two_studies
    token = viewer_token(server, a["uid"])
    for query in QUERIES:
        path = f"/dicom-web/{level}" + query.format(a=a["uid"], b=b["uid"], mrn=b["mrn"])
        answer = server.request("GET", path, token)
        assert answer.status_code in (200, 204), path
        assert b["mrn"] not in answer.text and b["uid"] not in answer.text, path
    own = server.request("GET", f"/dicom-web/{level}?00100020={a['mrn']}", token).json()
    assert [s["0020000D"]["Value"] for s in own] == [[a["uid"]]]


def test_a_nurse_sees_every_study_and_an_administrator_none(two_studies: Any) -> None:
    """User tokens: what their permissions allow."""
    server, a, b = two_studies
    for study in (a, b):
        assert server.get(f"/dicom-web/studies/{study['uid']}/metadata", "nurse").status_code == 200
        assert server.get(f"/dicom-web/studies/{study['uid']}/metadata", "admin").status_code == 403
        assert server.get(f"/dicom-web/studies/{study['uid']}/metadata").status_code == 403


def test_a_revoked_viewer_token_stops_reading(two_studies: Any) -> None:
    """At once on this node."""
    server, a, _ = two_studies
    doctor = user_token("doctor", subject="dora")
    body = {"study_instance_uids": [a["uid"]]}
    minted = server.request("POST", "/api/v1/dicom/viewer-token", doctor, json=body).json()
    path = f"/dicom-web/studies/{a['uid']}/metadata"
    assert server.request("GET", path, minted["token"]).status_code == 200
    assert server.request("DELETE", f"/api/v1/dicom/viewer-token/{minted['token_id']}", doctor).status_code == 204
    assert server.request("GET", path, minted["token"]).status_code == 403


def test_nothing_personal_and_no_token_is_in_the_log(sqlite_server: Server) -> None:
    """Ids only."""
    order = place_order(sqlite_server, family_name="Verylongsecretname")
    upload(sqlite_server, mr_series()[0], X_Order_Id=order["id"])
    sqlite_server.get("/api/v1/orders?q=Verylongsecretname", "nurse")
    log = eventually(sqlite_server.log)
    assert "Verylongsecretname" not in log
    assert "eyJ" not in log


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
def test_wildcards_in_identifiers_are_answered(two_studies: Any, level: str) -> None:
    """A star alone matches everything, a wildcard within a UID or a date nothing; a nurse and a viewer token."""
    server, a, b = two_studies
    nurse, bound = user_token("nurse"), viewer_token(server, a["uid"])
    for key in ("StudyInstanceUID", "0020000D", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "StudyDate"):
        for token, others in ((nurse, {b["uid"]}), (bound, set())):
            answer = server.request("GET", f"/dicom-web/{level}?{key}=*", token)
            assert answer.status_code == 200, (key, answer.text)
            found = {one["0020000D"]["Value"][0] for one in answer.json()}
            assert found >= {a["uid"]} | others if token == nurse else found == {a["uid"]}, key
            for value in ("1.2.*", "20260115*"):
                answer = server.request("GET", f"/dicom-web/{level}?{key}={value}", token)
                assert answer.status_code == 200, (key, value, answer.text)
                assert b["uid"] not in answer.text, (key, value)
