"""The port of FHIR: it serves only what asks for a token, takes what a client may send, and ends cleanly."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plugin.serving.fhir import FhirServer, NotGuarded
from tests.support import ports

LARGEST = 1000


def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answers 401 on all but one address, with the query and the length of the body."""
    size = len(environ["wsgi.input"].read())
    status = "200 OK" if environ["PATH_INFO"] == "/fhir/metadata" else "401 Unauthorized"
    start_response(status, [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {environ['QUERY_STRING']} {size}".encode()]


def open_to_all(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"welcome"]


@contextmanager
def serving(application: Any) -> Iterator[FhirServer]:
    server = FhirServer(application, "127.0.0.1", ports.free(), LARGEST)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def ask(server: FhirServer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_every_value_of_a_parameter_arrives_and_every_method() -> None:
    """What Orthanc's own port does not hand on."""
    with serving(guarded) as server:
        assert server.is_well
        assert ask(server, "GET", "/fhir/Patient?a=1&a=2&b=%2C") == (401, b"GET a=1&a=2&b=%2C 0")
        for method in ("OPTIONS", "PUT", "DELETE"):
            assert ask(server, method, "/fhir/Patient")[1].startswith(method.encode())
        assert ask(server, "POST", "/fhir", b"x" * LARGEST) == (401, f"POST  {LARGEST}".encode())
        assert ask(server, "POST", "/fhir", b"x" * 10_000)[0] == 413


def test_an_application_that_asks_nobody_for_a_token_is_not_served() -> None:
    """The port is closed again."""
    server = FhirServer(open_to_all, "127.0.0.1", ports.free(), LARGEST)
    with pytest.raises(NotGuarded, match="401"):
        server.start()
    assert not server.is_well


def test_a_port_that_is_taken_says_so_and_a_stopped_one_is_free() -> None:
    """As the log and health tell it."""
    with serving(guarded) as server:
        with pytest.raises(OSError, match="in use"):
            FhirServer(guarded, "127.0.0.1", server.port, LARGEST).start()
        port = server.port
    assert not server.is_well
    again = FhirServer(guarded, "127.0.0.1", port, LARGEST)
    again.start()
    again.stop()
    never = FhirServer(guarded, "127.0.0.1", port, LARGEST)
    never.stop()
    assert not never.is_well
