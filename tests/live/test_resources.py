"""What an attacker can take of the server's memory, and who goes on working meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.support import scu
from tests.support.bombs import deflated
from tests.support.memory import peak_of
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import upload


def test_a_deflated_megabyte_takes_little_memory_over_http(sqlite_server: Server) -> None:
    """Refused, whatever it would unpack to: it is measured before any of it is kept."""
    data = deflated(1000)
    assert 900_000 < len(data) < 1_200_000
    with peak_of(sqlite_server) as peak:
        answer = upload(sqlite_server, data)
    assert (answer.status_code, answer.json()["code"]) == (422, "inflated_too_large")
    assert peak.megabytes <= 200


def test_a_deflated_file_is_not_taken_by_c_store(sqlite_server: Server) -> None:
    """Orthanc would unpack it before anybody is asked: the transfer syntax is not negotiated, others are."""
    bomb, image = scu.message_of(deflated(1000)), scu.message_of(small())
    with peak_of(sqlite_server) as peak:
        assert scu.send(sqlite_server.dicom_port, [bomb, image]) == [None, 0]
    assert peak.megabytes <= 200


@pytest.mark.parametrize("megabytes", [4, 40])
def test_deflated_files_are_stored_over_http(sqlite_server: Server, megabytes: int) -> None:
    """As far as a file may be that large: the shared server takes 5 MB."""
    answer = upload(sqlite_server, deflated(megabytes))
    assert answer.status_code == (201 if megabytes == 4 else 422), answer.text


@contextmanager
def half_requests(server: Server, number: int, head: str, body: bytes = b"") -> Iterator[None]:
    """So many requests that go no further than this, open at once."""
    with ExitStack() as open_sockets:
        for _ in range(number):
            connection = socket.create_connection(("127.0.0.1", server.http_port))
            open_sockets.enter_context(connection)
            connection.sendall(head.replace("\n", "\r\n").encode() + body)
        yield


NO_BODY = "POST /api/v1/auth/login HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Length: 1000\n\n"


@pytest.mark.parametrize("head", [NO_BODY, "GET /api/v1/health HTTP/1.1\nHo", ""], ids=["body", "head", "nothing"])
def test_sixty_half_requests_hold_nobody_up(sqlite_server: Server, head: str) -> None:
    """Without a token, and for as long as they like: there are more threads than that."""
    with half_requests(sqlite_server, 60, head):
        for _ in range(5):
            answer = requests.get(sqlite_server.url + "/api/v1/health", timeout=40)
            assert answer.status_code == 200
