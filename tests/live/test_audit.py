"""Audit and documentation through the real Orthanc: refusals of the gate, anchors, the client that an EHR copies."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import pydicom

from ehr_bridge.services.audit.verification import verify_database
from tests.live.door_steps import c_store
from tests.support.samples import nested, small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually, study, upload, viewer_token

AUDIT = "/api/v1/audit"
A_MINUTE_AND_MORE = 240
"""Alike refusals are told once a minute: those of other tests on the same server may have come just before."""


def events(server: Server, action: str, actor: str) -> list[dict[str, Any]]:
    answer = server.get(f"{AUDIT}?action={action}&actor={actor}", "admin")
    return list(answer.json()["items"])


def test_the_gates_refusals_of_known_callers_are_audited(server: Server) -> None:
    """An administrator at Orthanc's own routes; a viewer token at somebody else's study."""
    nora = user_token("admin", subject="nosy-nora")
    for path in ("/system", "/patients", "/dicom-web/studies"):
        assert server.request("GET", path, nora).status_code == 403

    def told() -> Counter[tuple[str, str]]:
        """A slow machine may need two events for the two alike."""
        found: Counter[tuple[str, str]] = Counter()
        for event in events(server, "request.refused", "nosy-nora"):
            found[event["detail"]["route"], event["detail"]["code"]] += event["detail"]["count"]
        return found

    refused = {("gate closed", "route_closed"): 2, ("gate view", "permission_missing"): 1}
    eventually(lambda: told() == refused, A_MINUTE_AND_MORE)
    assert {event["address"] for event in events(server, "request.refused", "nosy-nora")} == {"127.0.0.1"}


def test_a_viewer_token_at_another_study_is_audited_with_that_study(server: Server) -> None:
    """Under the name of whom the token was made for."""
    uid = upload(server, small()).json()["studies"][0]["study_instance_uid"]
    token = viewer_token(server, uid, subject="curious-dora")
    assert server.request("GET", "/dicom-web/studies/1.2.999.7/series", token).status_code == 403
    found = eventually(lambda: events(server, "request.refused", "curious-dora"))
    assert [(e["study_instance_uid"], e["detail"]["route"]) for e in found] == [("1.2.999.7", "gate view_study")]


def test_bad_tokens_at_the_gate_and_at_our_routes_are_audited(server: Server) -> None:
    """A flood is a number, not a flood of events."""
    before = events(server, "token.refused", "anonymous")
    for _ in range(30):
        assert server.request("GET", "/dicom-web/studies", "forged").status_code == 403
        assert server.request("GET", "/api/v1/patients", "forged").status_code == 401
    routes = {"gate view", "GET /api/v1/patients"}

    def told() -> list[str]:
        new = [e for e in events(server, "token.refused", "anonymous") if e not in before]
        return [r for e in new if (r := e["detail"]["route"]) in routes]

    eventually(lambda: set(told()) == routes, A_MINUTE_AND_MORE)
    assert len(told()) < 20


def test_instances_refused_by_c_store_are_audited_with_who_sent_them(server: Server) -> None:
    """Calling AE title, address and finding; a scanner that repeats itself is a number, a good file no refusal."""
    refused = nested(100)
    repeated = [refused] * 20
    assert c_store(server, *repeated, small(), calling="POISON1") == [0xC000] * 20 + [0]
    eventually(lambda: events(server, "upload.refused", "ae:POISON1"))
    found = events(server, "upload.refused", "ae:POISON1")
    assert len(found) < 5
    assert {(e["outcome"], e["address"], e["detail"]["route"], e["detail"]["code"]) for e in found} == {
        ("refused", "127.0.0.1", "C-STORE", "nested_too_deep")
    }
    assert study(server, str(pydicom.dcmread(io.BytesIO(refused)).StudyInstanceUID)) is None


def test_a_used_up_rate_limit_is_audited(server: Server) -> None:
    """The eleventh sign-in of a minute under one name: not looked at, but not unseen."""
    before = events(server, "session.refused", "anonymous")
    body = {"username": "nobody-at-all", "password": "a guess"}
    codes = [server.request("POST", "/api/v1/auth/login", json=body).json()["code"] for _ in range(25)]
    assert codes.count("rate_limited") >= 3

    def told() -> list[dict[str, Any]]:
        return [e for e in events(server, "session.refused", "anonymous") if e not in before]

    eventually(
        lambda: any(e["detail"]["code"] == "rate_limited" and e["address"] == "127.0.0.1" for e in told()),
        A_MINUTE_AND_MORE,
    )
    assert len(told()) < len(codes)


def test_the_trail_verifies_here_and_offline_against_the_anchor_file(server: Server) -> None:
    """The worker writes the file; the verdict is the same from outside."""
    path = server.data_dir / "audit-anchor.log"
    assert upload(server, small()).status_code == 201
    assert eventually(path.exists)
    verdict = server.get(AUDIT + "/verify", "admin").json()
    assert (verdict["ok"], verdict["broken_at"]) == (True, None), verdict
    assert verdict["anchors"] >= 1
    offline = verify_database(server.database_url, path, secret=SECRET)
    assert offline.ok
    assert offline.events >= verdict["events"]


def test_the_export_comes_through_orthanc_with_its_link_to_the_next_page(server: Server) -> None:
    """Type, header and body as they left us."""
    answer = server.get(AUDIT + "/export?format=dicom&limit=2&from=2020-01-01T00%3A00%3A00%2B00%3A00", "admin")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert len(ET.fromstring(answer.content)) == 2
    following = server.request("GET", answer.links["next"]["url"], user_token("admin"))
    assert following.status_code == 200, following.text
    assert len(ET.fromstring(following.content)) >= 1
