"""Wrong requests against the real server: each has its status and code, and leaves no row and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.conftest import ENGINES
from tests.live.request_steps import part, traces
from tests.support.material import wheel_file
from tests.support.running import SMALL_LIMITS, databases, running
from tests.support.samples import fresh, nested, small
from tests.support.server import Server, user_token
from tests.support.steps import place_order

UPLOAD = "/api/v1/dicom/upload"


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own: nothing else changes its rows and files while they are counted."""
    environ = SMALL_LIMITS | databases(request, request.param)
    with running(tmp_path_factory.mktemp("server"), **environ) as server:
        yield server


def send(body: bytes = small(), *roles: str, token: str | None = None, **headers: str) -> Callable[..., Any]:
    """An upload request, to be made against whichever server."""
    names = {"Content-Type": "application/dicom"} | {k.replace("_", "-"): v for k, v in headers.items()}

    def call(server: Server) -> requests.Response:
        who = token if token is not None else user_token(*(roles or ("technician",)))
        return server.request("POST", UPLOAD, who or None, data=body, headers=names)

    return call


def ask(method: str, path: str, *roles: str, **options: Any) -> Callable[..., Any]:
    def call(server: Server) -> requests.Response:
        return server.request(method, path, user_token(*roles) if roles else None, **options)

    return call


def related(*parts: bytes) -> Callable[..., Any]:
    return send(b"".join(parts) + b"--b--\r\n", Content_Type="multipart/related; boundary=b")


WRONG: dict[str, tuple[Callable[..., Any], int, str | None]] = {
    "no token": (send(token=""), 401, "token_missing"),
    "nonsense for a token": (send(token="abc"), 401, "token_invalid"),
    "expired token": (send(token=user_token("technician", ttl=timedelta(hours=-1))), 401, "token_expired"),
    "token of another secret": (send(token=user_token("technician", secret="x" * 40)), 401, "token_invalid"),
    "token for another audience": (send(token=user_token("technician", audience="pacs")), 401, "token_invalid"),
    "role that may not upload": (send(small(), "nurse"), 403, "permission_missing"),
    "unknown role": (send(small(), "janitor"), 403, "permission_missing"),
    "text instead of DICOM": (send(b"Hello, this is a letter. " * 20), 422, "not_dicom"),
    "a picture": (send(b"\x89PNG\r\n\x1a\n" + bytes(500)), 422, "not_dicom"),
    "empty body": (send(b""), 422, "empty_file"),
    "truncated in the pixels": (send(small()[:-10]), 422, "truncated"),
    "truncated in the header": (send(small()[:300]), 422, "truncated"),
    "nested 100 deep": (send(nested(100)), 422, "nested_too_deep"),
    "nested 17 deep": (send(nested(17)), 422, "nested_too_deep"),
    "no SOP instance UID": (send(small(SOPInstanceUID=None)), 422, "missing_uid"),
    "no study instance UID": (send(small(StudyInstanceUID=None)), 422, "missing_uid"),
    "too large": (send(small(PixelData=bytes(5_000_001))), 413, "too_large"),
    "larger than any upload": (send(bytes(60_000_000)), 403, None),
    "form data": (ask("POST", UPLOAD, "technician", files={"file": ("a.dcm", small())}), 403, None),
    "packed body": (send(small(), Content_Encoding="gzip"), 403, None),
    "another media type": (send(small(), Content_Type="image/jpeg"), 415, "unsupported_media_type"),
    "multipart without boundary": (send(small(), Content_Type="multipart/related"), 400, "malformed_multipart"),
    "multipart without files": (related(part(b"{}", "application/json")), 422, "no_files"),
    "options that are not JSON": (related(part(b"{", "application/json"), part(small())), 400, "malformed_json"),
    "option that does not exist": (
        related(part(b'{"order": "x"}', "application/json"), part(small())),
        422,
        "invalid_request",
    ),
    "tag that may not be changed": (
        related(part(b'{"tags": {"SOPInstanceUID": "1.2"}}', "application/json"), part(small())),
        422,
        "invalid_request",
    ),
    "two broken files": (related(part(b"no" * 200), part(nested(50))), 422, "none_stored"),
    "unknown order": (send(small(), X_Order_Id="NO-SUCH-ORDER"), 404, "order_not_found"),
    "unknown patient": (send(small(), X_Patient_Id="NOBODY"), 404, "patient_not_found"),
    "upload id that is none": (send(small(), X_Upload_Id="42"), 422, "invalid_request"),
    "unknown upload source": (send(small(), X_Upload_Source="pigeon"), 422, "invalid_request"),
    "patient in broken JSON": (
        ask("PUT", "/api/v1/patients/W1", "service", data="{", headers={"Content-Type": "application/json"}),
        400,
        "malformed_json",
    ),
    "patient by a nurse": (ask("PUT", "/api/v1/patients/W1", "nurse", json={}), 403, "permission_missing"),
    "order with 17 characters": (
        ask("PUT", "/api/v1/orders/" + "A" * 17, "service", json={"mrn": "x", "modality": "CT", "description": "x"}),
        422,
        "invalid_request",
    ),
    "order of nobody": (
        ask("PUT", "/api/v1/orders/W1", "service", json={"mrn": "NOBODY", "modality": "CT", "description": "x"}),
        404,
        "patient_not_found",
    ),
    "viewer link of an unknown study": (ask("GET", "/api/v1/dicom/viewer-url/1.2.3", "doctor"), 404, "study_not_found"),
    "viewer link with a wildcard": (ask("GET", "/api/v1/dicom/viewer-url/1.2.*", "doctor"), 422, "invalid_request"),
    "route that does not exist": (ask("GET", "/api/v1/secrets", "admin"), 404, "route_not_found"),
    "method that does not exist": (ask("DELETE", "/api/v1/orders", "admin"), 405, None),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_says_why_and_leaves_nothing(server: Server, what: str) -> None:
    """Status, code, words; no row, no file."""
    call, status, code = WRONG[what]
    before = traces(server)
    answer = call(server)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code
        assert len(answer.json()["detail"]) > 10
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert traces(server) == before
    assert server.get("/api/v1/health").json()["status"] == "ok"


def test_an_order_of_another_patient_is_refused(server: Server) -> None:
    """Order and patient are checked to belong together before a byte is stored."""
    order, other = place_order(server), place_order(server)
    before = traces(server)
    answer = send(small(), X_Order_Id=order["id"], X_Patient_Id=other["mrn"])(server)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_of_another_patient")
    assert traces(server) == before


def test_a_real_broken_file_is_refused_and_its_neighbours_stored(server: Server) -> None:
    """A real file that was cut off on its way, between two good ones."""
    files = [fresh(wheel_file("MR_small.dcm")), wheel_file("MR_truncated.dcm"), fresh(wheel_file("CT_small.dcm"))]
    answer = related(*map(part, files))(server)
    assert answer.status_code == 200, answer.text
    assert [i["status"] for i in answer.json()["instances"]] == ["stored", "failed", "stored"]
