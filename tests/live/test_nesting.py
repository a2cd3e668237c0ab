"""Whatever nests, through every door of the real server: refused in words or by hanging up, and the process lives."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator

import pytest

from tests.live.fuzzing_steps import NO_LIMITS
from tests.support import scu
from tests.support.nesting import Probe, deep_store, deep_tokens, documented_routes, of_a_route
from tests.support.running import SMALL_LIMITS, running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import place_order, upload

DEPTHS = (100, 600, 5_000, 50_000)
EVERYTHING = ("technician", "reception", "doctor", "radiologist", "manager", "admin", "service")
PUBLIC = (
    *("/ehr", "/ohif", "/api/v1/health", "/api/v1/ready", "/api/v1/docs", "/api/v1/problems", "/api/v1/openapi.json"),
    *("/api/v1/auth/login", "/api/v1/share/open"),
)
LISTS_FINDINGS = ("/api/v1/dicom/validate",)
"""Stores nothing, and answers 200 with what is wrong."""
ANY_ID = "f27f3fa9-19dc-4126-9846-b2bcf2086b50"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own, which counts no attempts: what ends it must not be hidden by a rate limit."""
    with running(tmp_path_factory.mktemp("server"), **SMALL_LIMITS, **NO_LIMITS) as server:
        yield server


def send(connection: http.client.HTTPConnection, probe: Probe, token: str | None) -> int | None:
    """The status; None where the server hangs up, as it does on heads that are too long for it."""
    headers = probe.headers | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(probe.method, probe.path, probe.body, headers)
        answer = connection.getresponse()
        answer.read()
    except (http.client.HTTPException, OSError):
        connection.close()
        return None
    return answer.status


def routes(server: Server) -> list[tuple[str, str]]:
    """Every route of the document, and those of Orthanc and its plugins that the gate lets through."""
    order = place_order(server)
    stored = upload(server, small(), X_Order_Id=order["id"]).json()
    uid, orthanc = stored["studies"][0]["study_instance_uid"], stored["studies"][0]["orthanc_study_id"]
    known = {"study_uid": uid, "mrn": order["mrn"], "accession_number": order["accession_number"]}
    document = server.get("/api/v1/openapi.json", *EVERYTHING).json()
    ours = [(m, re.sub(r"\{\w+\}", ANY_ID, path)) for m, path in documented_routes(document, known)]
    assert len(ours) > 80
    theirs = [f"/dicom-web/{level}" for level in ("studies", "series", "instances")]
    theirs += [f"/dicom-web/studies/{uid}{of}" for of in ("", "/metadata", "/series", "/rendered")]
    theirs += [f"/studies/{orthanc}{of}" for of in ("", "/series", "/shared-tags", "/module")]
    theirs += ["/wado", "/ehr/orders", "/ohif/viewer", "/tools/metrics-prometheus", "/system"]
    return [*ours, ("POST", "/instances"), *(("GET", path) for path in theirs)]


@pytest.mark.parametrize("depth", DEPTHS)
def test_nothing_nested_ends_the_server_at_any_route(server: Server, depth: int) -> None:
    """With a token that may everything and without any; the same process answers before and after."""
    before = server.children()
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=300)
    sent = 0
    for method, path in routes(server):
        for probe in of_a_route(method, path, depth):
            for token in (None, user_token(*EVERYTHING)):
                status = send(connection, probe, token)
                sent += 1
                where = (probe.method, probe.path[:100], probe.headers.get("Content-Type"), bool(token), status)
                assert server.children() == before, where
                assert status is None or status < 500, where
                may_pass = not probe.must_be_refused or path in LISTS_FINDINGS
                assert may_pass or (status is not None and 400 <= status < 500), where
    assert sent > 600
    assert server.get("/api/v1/health").json()["status"] == "ok"


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_nested_token_proves_nothing_anywhere(server: Server, depth: int) -> None:
    """401 where words can be said, 403 elsewhere; a head longer than it may be is 400, or the server hangs up."""
    before = server.children()
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=300)
    refusals = (401, 403) if depth <= 600 else (400, 401, 403, None)
    for method, path in routes(server):
        if not path.startswith(PUBLIC):
            for token in deep_tokens(depth):
                status = send(connection, Probe(method, path, {}), token)
                assert server.children() == before, (method, path)
                assert status in refusals, (method, path, status)
    assert server.get("/api/v1/health").json()["status"] == "ok"


def test_a_nested_c_store_of_any_depth_costs_at_most_its_own_association(server: Server) -> None:
    """What the judge refuses is kept in quarantine as far as DCMTK reads it; 72 MB of nothing but nesting included."""
    before = server.children()
    quarantined = set((server.shared / "quarantine").glob("*"))
    for depth, status in ((17, 0xC000), (900, 0xC000), (1001, None), (12_000, None), (60_000, None), (2_000_000, None)):
        patience = 20 if status is None else 60
        assert scu.send(server.dicom_port, [deep_store(depth)], patience=patience) == [status], depth
        assert server.children() == before, depth
        assert server.get("/api/v1/health").json()["status"] == "ok"
    kept = set((server.shared / "quarantine").glob("*.nested_too_deep.dcm")) - quarantined
    assert len(kept) == 2
    assert scu.send(server.dicom_port, [scu.message_of(small())]) == [0]
