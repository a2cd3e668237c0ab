"""What each refusal says: our own words wherever Orthanc lets us answer, nothing where only its filter speaks.

docs/api.md (Refusals without words) tells what the silent ones mean; the audit trail and the log have their reason.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.running import SMALL_LIMITS, running
from tests.support.server import Server, user_token
from tests.support.steps import eventually

PROBLEM = b"application/problem+json"
SILENT = b""
ORTHANC = b'"HttpStatus"'
"""In the JSON with which Orthanc describes an error of its own."""
CIVETWEB = b"Error "
"""How the HTTP library begins its own refusals."""


class Case(NamedTuple):
    line: str
    roles: tuple[str, ...]
    headers: dict[str, str]
    body: bytes
    status: int
    said: bytes | str
    """Part of the body; nothing for none; a `str` is the code of a problem."""


def case(line: str, status: int, said: bytes | str, *roles: str, body: bytes = b"", **headers: str) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body and not {"Content-Length", "Transfer-Encoding"} & set(named):
        named["Content-Length"] = str(len(body))
    return Case(line, roles, named, body, status, said)


UPLOAD = "POST /api/v1/dicom/upload"
DICOM = "application/dicom"
FORM = "multipart/form-data; boundary=b"
CHUNK = b"2\r\nab\r\n0\r\n\r\n"

CASES = {
    # our routes: problem details
    "no token": case(UPLOAD, 401, "token_missing", body=b"ab", Content_Type=DICOM),
    "bad token": case("GET /api/v1/orders", 401, "token_invalid", Authorization="Bearer abc"),
    "no permission": case("GET /api/v1/audit", 403, "permission_missing", "nurse"),
    "no such route": case("GET /api/v1/nowhere", 404, "route_not_found", "nurse"),
    "another media type": case(
        UPLOAD, 415, "unsupported_media_type", "technician", body=b"ab", Content_Type="text/plain"
    ),
    "not DICOM": case(UPLOAD, 422, "not_dicom", "technician", body=b"ab", Content_Type=DICOM),
    "no body at all": case(UPLOAD, 422, "empty_file", "technician", Content_Type=DICOM),
    # Orthanc's callback cannot add words to a 405
    "another method": case("DELETE /api/v1/dicom/upload", 405, SILENT, "technician"),
    # the filter refuses: 403 and nothing else
    "form-data": case(UPLOAD, 403, SILENT, "technician", body=b"ab", Content_Type=FORM),
    "form-data to Orthanc's route": case("POST /instances", 403, SILENT, "technician", body=b"ab", Content_Type=FORM),
    "chunked": case(UPLOAD, 403, SILENT, "technician", body=CHUNK, Content_Type=DICOM, Transfer_Encoding="chunked"),
    "compressed": case(UPLOAD, 403, SILENT, "technician", body=b"ab", Content_Type=DICOM, Content_Encoding="gzip"),
    "another method inside": case(UPLOAD, 403, SILENT, "technician", body=b"ab", X_HTTP_Method_Override="DELETE"),
    "more than it may": case("POST /api/v1/match", 403, SILENT, "nurse", Content_Length="9000000"),
    "much without a token": case(UPLOAD, 403, SILENT, Content_Type=DICOM, Content_Length="1500000"),
    "a closed route": case("GET /system", 403, SILENT, "admin"),
    "a route that nobody has": case("GET /nowhere", 403, SILENT, "admin"),
    "DICOMweb without a token": case("GET /dicom-web/studies", 403, SILENT),
    "DICOMweb with a bad token": case("GET /dicom-web/studies", 403, SILENT, Authorization="Bearer abc"),
    "DICOMweb without permission": case("GET /dicom-web/studies", 403, SILENT, "admin"),
    "STOW-RS at its old place": case("POST /dicom-web/studies", 403, SILENT, "technician", body=b"ab"),
    "WADO-URI without a study": case("GET /wado?requestType=WADO", 403, SILENT, "technician"),
    # Orthanc, its plugin and its HTTP library answer before or after us
    "an unknown study in DICOMweb": case("GET /dicom-web/studies/1.2.3/metadata", 404, ORTHANC, "technician"),
    "an unknown study by WADO-URI": case("GET /wado?requestType=WADO&studyUID=1.2.3", 404, ORTHANC, "technician"),
    "PATCH": case("PATCH /api/v1/orders", 400, SILENT, "technician", body=b"ab"),
    "OPTIONS": case("OPTIONS /api/v1/orders", 404, SILENT, "technician"),
    "HEAD": case("HEAD /api/v1/orders", 404, SILENT, "technician"),
    "a length that is none": case(UPLOAD, 411, CIVETWEB, "technician", Content_Length="abc"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own: the log has only so many refusals a minute."""
    with running(tmp_path_factory.mktemp("server"), **SMALL_LIMITS) as server:
        yield server


def ask(server: Server, asked: Case) -> tuple[int, bytes, bytes]:
    """Status, head and body, over a socket of our own: no client library helps or gives up."""
    headers = {"Host": "here", "Connection": "close"} | asked.headers
    if asked.roles:
        headers["Authorization"] = f"Bearer {user_token(*asked.roles)}"
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    announced = int(headers["Content-Length"]) if headers.get("Content-Length", "").isdigit() else 0
    body = asked.body or b"a" * announced
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=60) as connection:
        connection.sendall(f"{asked.line} HTTP/1.1\r\n{head}\r\n".encode())
        received = b""
        try:
            connection.sendall(body)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:
            pass  # it had said all it had to say, and closed
    start, _, rest = received.partition(b"\r\n\r\n")
    return int(start.split(b" ")[1]), start, rest


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_says_what_docs_say_it_says(server: Server, name: str) -> None:
    """Problem details from us; an empty answer from the filter; whatever Orthanc has to say from Orthanc."""
    asked = CASES[name]
    status, head, body = ask(server, asked)
    assert status == asked.status, (head, body)
    if isinstance(asked.said, str):
        assert PROBLEM in head
        assert f'"code": "{asked.said}"'.encode() in body
        assert b"X-Request-Id: " in head
    elif asked.said == SILENT:
        assert body == b"", body
        assert PROBLEM not in head
    else:
        assert asked.said in body, body


def test_the_reason_of_a_silent_refusal_is_in_the_trail_and_in_the_log(server: Server) -> None:
    """Under the id that the caller sent, because an empty 403 has none."""
    reasons = {"form-data": "form_data", "chunked": "transfer-encoding", "compressed": "content-encoding"}
    for name in reasons:
        asked = CASES[name]
        assert ask(server, asked._replace(headers=asked.headers | {"X-Request-Id": f"silent-{name}"}))[0] == 403

    def found() -> set[str]:
        events = server.get("/api/v1/audit?action=request.refused&limit=500", "admin").json()["items"]
        return {event["detail"].get("reason") for event in events}

    eventually(lambda: set(reasons.values()) <= found())
    for name, reason in reasons.items():
        line = f"(gate application): {reason} [request silent-{name}]"
        eventually(lambda line=line: line in server.log())


def test_what_is_wrong_with_a_token_is_in_the_log_under_the_requests_id(server: Server) -> None:
    """At our routes and at the gate; the caller hears none of it."""
    wrong = user_token("doctor", audience="somebody")
    for path, status in (("/api/v1/orders", 401), ("/dicom-web/studies", 403)):
        ident = f"wrong-{status}"
        answer = server.request("GET", path, wrong, headers={"X-Request-Id": ident})
        assert (answer.status_code, "somebody" in answer.text) == (status, False)
        line = 'aud: the token is for "somebody"; this installation takes "orthanc-ehr-bridge"'
        eventually(
            lambda ident=ident, line=line: any(
                line in one and f"[request {ident}]" in one for one in server.log().splitlines()
            )
        )
    assert wrong not in server.log()
