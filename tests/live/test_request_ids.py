"""The id of a request, through the real server."""

from __future__ import annotations

import pytest

from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually

HERS = {"X-Request-Id": "her-own.1"}


@pytest.mark.parametrize(
    ("method", "path", "roles", "status"),
    [
        ("GET", "/api/v1/health", (), 200),
        ("GET", "/api/v1/orders", ("nurse",), 200),
        ("GET", "/api/v1/orders", (), 401),
        ("GET", "/api/v1/audit", ("nurse",), 403),
        ("GET", "/api/v1/nothing", ("nurse",), 404),
        ("GET", "/api/v1/orders?limit=0", ("nurse",), 422),
        ("GET", "/ehr/", (), 200),
        ("GET", "/ohif/nothing.js", (), 404),
        ("GET", "/", (), 302),
    ],
)
def test_every_answer_of_ours_has_it_once(
    sqlite_server: Server, method: str, path: str, roles: tuple[str, ...], status: int
) -> None:
    token = user_token(*roles) if roles else None
    for headers in (HERS, {}):
        answer = sqlite_server.request(method, path, token, headers=headers, allow_redirects=False)
        found = answer.headers["X-Request-Id"]
        assert (answer.status_code, "," in found) == (status, False)
        assert found == "her-own.1" if headers else len(found) == 36
        if status > 400 and path.startswith("/api"):
            assert answer.json()["request_id"] == found


def test_a_download_that_is_streamed_has_it(sqlite_server: Server) -> None:
    token = user_token("technician", "doctor")
    headers = {"Content-Type": "application/dicom"}
    sent = sqlite_server.request("POST", "/api/v1/dicom/upload", token, data=small(), headers=headers | HERS)
    assert (sent.status_code, sent.headers["X-Request-Id"]) == (201, "her-own.1")
    uid = sent.json()["studies"][0]["study_instance_uid"]
    answer = sqlite_server.request("GET", f"/api/v1/dicom/download/{uid}", token, headers={"X-Request-Id": "load-1"})
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (200, "load-1")
    audit = f"/api/v1/audit?action=study.downloaded&study_instance_uid={uid}"
    (event,) = eventually(lambda: sqlite_server.get(audit, "admin").json()["items"])
    assert event["detail"]["request_id"] == "load-1"


def test_what_the_gate_refuses_has_it_in_the_audit_trail(sqlite_server: Server) -> None:
    """Orthanc says that 403 itself, without a header of ours."""
    answer = sqlite_server.request("GET", "/patients", user_token("nurse", subject="curious"), headers=HERS)
    assert (answer.status_code, "X-Request-Id" in answer.headers) == (403, False)

    def is_written() -> bool:
        found = sqlite_server.get("/api/v1/audit?actor=curious", "admin").json()["items"]
        return [event["detail"].get("request_id") for event in found] == ["her-own.1"]

    eventually(is_written)
