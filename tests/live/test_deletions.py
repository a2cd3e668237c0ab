"""Deleting a study on the real server: hidden everywhere, back byte for byte, gone for good; a plug that is pulled."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.deletions import DeletionRequest
from tests.conftest import ENGINES
from tests.live.deletion_steps import DOCTOR, GRACE, MAX, RITA, ask, decide, status, stored
from tests.live.door_steps import c_store
from tests.live.gate_steps import QUERIES, reads
from tests.support.running import bare_orthanc, databases, running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, study, upload, viewer_token


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own, whose lists are short."""
    with running(tmp_path_factory.mktemp("server"), **databases(request, request.param)) as server:
        yield server


@pytest.fixture(params=ENGINES)
def purging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, which purges what is approved at once."""
    with running(tmp_path, **databases(request, request.param), **{GRACE: "0"}) as server:
        yield server


def files(server: Server) -> dict[str, str]:
    """What lies in the image folder, with its digest."""
    folder = server.data_dir / "images"
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in server.stored_files()
    }


def hear(server: Server, path: str, token: str) -> tuple[int, bytes]:
    answer = server.request("GET", path, token)
    boundary = answer.headers.get("Content-Type", "").partition("boundary=")[2].split(";")[0].strip('"').encode()
    return answer.status_code, answer.content.replace(boundary, b"") if boundary else answer.content


def assert_hidden(server: Server, own: dict[str, Any], other: dict[str, Any], tokens: list[str]) -> None:
    assert study(server, own["uid"]) is None
    listed = server.get("/api/v1/dicom/studies", "nurse").text
    assert own["uid"] not in listed and other["uid"] in listed
    assert server.get(f"/api/v1/dicom/viewer-url/{own['uid']}", "doctor").status_code == 404
    assert server.get(f"/api/v1/dicom/viewer-url/{other['uid']}?compare={own['uid']}", "doctor").status_code == 404
    body = {"order_id": own["accession"]}
    assert server.request("POST", "/api/v1/dicom/viewer-token", DOCTOR, json=body).status_code == 404
    for token in tokens:
        for path in reads(own):
            assert hear(server, path, token) == (403, b""), path
        for path in reads(other):
            assert hear(server, path, token)[0] == 200, path
        for level in ("studies", "series", "instances"):
            for query in QUERIES:
                path = f"/dicom-web/{level}" + query.format(a=other["uid"], b=own["uid"], mrn=own["mrn"])
                answer = server.request("GET", path, token)
                assert answer.status_code in (200, 204), path
                assert own["mrn"] not in answer.text and own["uid"] not in answer.text, path
    for path in (
        f"/wado?requestType=WADO&objectUID={own['sop']}&contentType=application/dicom",
        f"/wado?requestType=WADO&studyUID={other['uid']}&objectUID={own['sop']}&contentType=application/dicom",
        f"/dicom-web/studies/{other['uid']}/series/{own['series']}/instances/{own['sop']}",
        f"/dicom-web/studies/{other['uid']}/series/{own['series']}/metadata",
    ):
        code, content = hear(server, path, DOCTOR)
        assert code in (400, 403, 404) or content == b"[]", (path, code, content[:200])


def test_a_study_is_hidden_everywhere_comes_back_byte_for_byte_and_is_purged(own_server: Server) -> None:
    """Asked for, hidden also from a token made before, approved by a second person, restored, approved again, gone."""
    server = own_server
    others = [stored(server) for _ in range(3)]
    kept = files(server)
    own = stored(server)
    later = stored(server)
    old_token = viewer_token(server, own["uid"], others[0]["uid"])
    before = {path: hear(server, path, DOCTOR) for path in reads(own)}
    assert all(code == 200 for code, _ in before.values())
    on_disk = files(server)

    deletion = ask(server, own["uid"], "Verwechslung – falscher Patient")
    assert_hidden(server, own, others[0], [old_token, DOCTOR])
    pages = [
        [s["0020000D"]["Value"][0] for s in server.request("GET", f"/dicom-web/studies?{page}", DOCTOR).json()]
        for page in ("limit=2", "limit=2&offset=2")
    ]
    assert sorted(pages[0] + pages[1]) == sorted(s["uid"] for s in [*others, later])
    assert upload(server, small(StudyInstanceUID=own["uid"])).json()["code"] == "study_deleted"
    assert decide(server, deletion, "approve", RITA) == (403, "own_request")
    assert decide(server, deletion, "approve") == (200, "approved")
    assert_hidden(server, own, others[0], [DOCTOR])

    assert decide(server, deletion, "restore") == (200, "restored")
    assert {path: hear(server, path, DOCTOR) for path in reads(own)} == before
    assert hear(server, reads(own)[0], old_token)[0] == 200
    assert on_disk.items() <= files(server).items()  # Orthanc may have cached metadata of other studies

    second = ask(server, own["uid"])
    assert server.stop() == 0
    server.set(GRACE, "0")
    server.start()
    assert_hidden(server, own, others[0], [old_token, DOCTOR])
    assert decide(server, second, "approve") == (200, "approved")
    eventually(lambda: status(server, second) == "purged")
    gone = set(on_disk) - set(files(server))
    assert gone and not gone & set(kept)
    for path in reads(own):
        for token in (DOCTOR, old_token):
            code, content = hear(server, path, token)
            assert code != 200 or json.loads(content) == [], path  # lists of a study that is not there are empty
    for path in reads(later) + reads(others[0]):
        assert hear(server, path, DOCTOR)[0] == 200, path
    assert study(server, own["uid"]) is None
    assert decide(server, second, "restore") == (409, "deletion_state")
    order = server.get(f"/api/v1/orders/{own['accession']}", "nurse").json()
    assert order["orthanc_study_id"] is None
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def test_kill_9_in_the_middle_of_a_purge_is_made_good_at_the_next_start(purging: Server) -> None:
    """The study has instances of two patients, so it is two studies for Orthanc: both go, nothing else does."""
    server = purging
    other = stored(server)
    kept = files(server)
    uid, series = generate_uid(), generate_uid()
    images = [small(StudyInstanceUID=uid, SeriesInstanceUID=series) for _ in range(300)]
    assert set(c_store(server, *images)) == {0}
    assert server.stop() == 0
    with bare_orthanc(server):  # by our doors it would be kept apart
        assert c_store(server, small(StudyInstanceUID=uid, PatientID="SOMEBODY-ELSE")) == [0]
    server.start()
    eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] == 301)
    deletion = ask(server, uid)
    database = Database(server.database_url)

    def state() -> str:
        with database.read() as session:
            return str(session.scalar(select(DeletionRequest.status)))

    assert decide(server, deletion, "approve")[0] == 200
    journal = server.shared / "purge" / f"{uid}.txt"
    while state() == "approved":
        time.sleep(0.002)
    while state() == "purging" and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.002)
    server.kill()
    assert state() == "purging"
    assert len(set(journal.read_text().split())) >= 301
    database.dispose()
    server.start()
    eventually(lambda: status(server, deletion) == "purged")
    assert files(server).keys() == kept.keys()
    assert not journal.exists()
    for path in reads(other):
        assert hear(server, path, DOCTOR)[0] == 200, path
    answer = server.request("GET", f"/dicom-web/studies?StudyInstanceUID={uid}", DOCTOR)
    assert answer.status_code == 204 or answer.json() == []
    events = server.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json()["items"]
    steps = [e["action"] for e in reversed(events) if e["action"].startswith("deletion.")]
    assert steps == ["deletion.requested", "deletion.approved", "deletion.purging", "deletion.purged"]
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def test_the_manager_sees_the_images_that_wait_for_a_decision_and_no_others(server: Server) -> None:
    """With a token of their own and with a link, by DICOMweb, WADO-URI and Orthanc's ids; until it is decided."""
    own, other = stored(server), stored(server)
    for verb in ("reject", "approve"):
        assert all(hear(server, path, MAX)[0] == 403 for one in (own, other) for path in reads(one))
        deletion = ask(server, own["uid"])
        link = server.request("GET", f"/api/v1/dicom/viewer-url/{own['uid']}", MAX).json()["token"]
        for token in (MAX, link):
            assert {hear(server, path, token)[0] for path in reads(own)} == {200}
            assert {hear(server, path, token)[0] for path in reads(other)} == {403}
            found = server.request("GET", "/dicom-web/studies", token).json()
            assert [one["0020000D"]["Value"] for one in found] == [[own["uid"]]]
        assert_hidden(server, own, other, [DOCTOR])
        assert decide(server, deletion, verb)[0] == 200
        for token in (MAX, link):
            assert {hear(server, path, token)[0] for one in (own, other) for path in reads(one)} == {403}
            assert server.request("GET", "/dicom-web/studies", token).json() == []


def test_who_asked_takes_the_request_back(server: Server) -> None:
    """The study is back for everybody, at once."""
    own = stored(server)
    deletion = ask(server, own["uid"])
    assert decide(server, deletion, "withdraw", user_token("radiologist", subject="rolf")) == (403, "not_own_request")
    assert study(server, own["uid"]) is None
    assert decide(server, deletion, "withdraw", RITA) == (200, "withdrawn")
    assert study(server, own["uid"]) is not None
    assert {hear(server, path, DOCTOR)[0] for path in reads(own)} == {200}


def test_a_hold_keeps_a_study_and_a_modality_is_not_refused(server: Server) -> None:
    """On hold: 409. Images sent to a hidden study are stored, stay hidden, and must be approved anew."""
    own, other = stored(server), stored(server)
    hold = f"/api/v1/dicom/studies/{own['uid']}/hold"
    assert server.request("POST", hold, RITA, json={"reason": "court order"}).status_code == 201
    path = f"/api/v1/dicom/studies/{own['uid']}"
    answer = server.request("DELETE", path, RITA, headers={"X-Reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "study_on_hold")
    assert server.request("DELETE", hold, MAX).status_code == 200
    deletion = ask(server, own["uid"])
    assert decide(server, deletion, "approve")[0] == 200
    data = small(StudyInstanceUID=own["uid"], SeriesInstanceUID=own["series"])
    assert c_store(server, data) == [0]
    eventually(lambda: status(server, deletion) == "pending")
    assert_hidden(server, own, other, [DOCTOR])
    assert decide(server, deletion, "reject") == (200, "rejected")
    eventually(lambda: (s := study(server, own["uid"])) and s["number_of_instances"] == 2)
