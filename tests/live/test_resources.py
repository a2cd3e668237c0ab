"""What an attacker can take of the server's memory, and who goes on working meanwhile."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache

import pytest
import requests
from pydicom.uid import generate_uid

from tests.support import scu
from tests.support.bombs import deflated
from tests.support.memory import peak_of
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import upload


@cache
def bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte. Packed when a test needs it: that takes seconds."""
    return deflated(1000)


@cache
def bomb_to_send() -> scu.Message:
    """Made once: what is read of it is unpacked by pydicom, which takes seconds."""
    return scu.message_of(bomb())


def test_a_deflated_megabyte_takes_little_memory_over_http(sqlite_server: Server) -> None:
    """Refused, whatever it would unpack to: it is measured before any of it is kept."""
    assert 900_000 < len(bomb()) < 1_200_000
    with peak_of(sqlite_server) as peak:
        answer = upload(sqlite_server, bomb())
    assert (answer.status_code, answer.json()["code"]) == (422, "inflated_too_large")
    assert peak.megabytes <= 200


def test_a_deflated_file_is_not_taken_by_c_store(sqlite_server: Server) -> None:
    """Orthanc would unpack it before anybody is asked: the transfer syntax is not negotiated, others are."""
    deflated_one, image = bomb_to_send(), scu.message_of(small())
    with peak_of(sqlite_server) as peak:
        assert scu.send(sqlite_server.dicom_port, [deflated_one, image]) == [None, 0]
    assert peak.megabytes <= 200


@pytest.mark.parametrize("megabytes", [4, 40])
def test_deflated_files_are_stored_over_http(sqlite_server: Server, megabytes: int) -> None:
    """As far as a file may be that large: the shared server takes 5 MB."""
    answer = upload(sqlite_server, deflated(megabytes))
    assert answer.status_code == (201 if megabytes == 4 else 422), answer.text


@contextmanager
def half_requests(server: Server, number: int, head: str, body: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many requests that go no further than this, open at once."""
    with ExitStack() as opened:
        sockets = [socket.create_connection(("127.0.0.1", server.http_port)) for _ in range(number)]
        for one in sockets:
            opened.enter_context(one)
            one.sendall(head.replace("\n", "\r\n").encode() + body)
        yield sockets


NO_BODY = "POST /api/v1/auth/login HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Length: 1000\n\n"


@pytest.mark.parametrize("head", [NO_BODY, "GET /api/v1/health HTTP/1.1\nHo", ""], ids=["body", "head", "nothing"])
def test_sixty_half_requests_hold_nobody_up(sqlite_server: Server, head: str) -> None:
    """Without a token, and for as long as they like: there are more threads than that."""
    with half_requests(sqlite_server, 60, head):
        for _ in range(5):
            answer = requests.get(sqlite_server.url + "/api/v1/health", timeout=300)
            assert answer.status_code == 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the limits that the product has by default."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


def announcement(path: str, media_type: str, length: int, token: str) -> str:
    """The head of a request with a body."""
    return (
        f"POST {path} HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n"
        f"Content-Type: {media_type}\nContent-Length: {length}\n\n"
    )


def answer_of(connection: socket.socket, seconds: float = 3) -> bytes:
    """The version and status that come meanwhile; nothing while the server waits for the body."""
    connection.settimeout(seconds)
    try:
        return connection.recv(12)
    except TimeoutError:
        return b""


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/api/v1/dicom/upload", "application/dicom"),
        ("/api/v1/dicom/upload-zip", "application/zip"),
        ("/api/v1/dicom/upload-multiple", "multipart/related; boundary=b"),
    ],
)
def test_announced_gigabytes_take_no_memory_before_they_come(server: Server, path: str, media_type: str) -> None:
    """Twice two of them: more than one file may have is refused, and what may come gets its memory as it comes."""
    head = announcement(path, media_type, 2_000_000_000, user_token("technician"))
    is_refused = path.endswith("upload")
    with peak_of(server) as peak, half_requests(server, 2, head, b"x" * 1000) as sockets:
        answers = [answer_of(one, 120 if is_refused else 3) for one in sockets]
    refused = b"HTTP/1.1 403"
    if is_refused:
        assert answers == [refused, refused]
    else:
        assert set(answers) <= {b"", refused}  # refused only where the machine is too small for it
    assert peak.megabytes <= 300


def test_a_large_body_arrives_as_it_was_sent(server: Server) -> None:
    """Every byte of a file of 40 MB, whose room was made of fresh pages."""
    pixels = random.Random(7).randbytes(40_000_000)
    study, series, image = (generate_uid() for _ in range(3))
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": image}
    assert upload(server, small(PixelData=pixels, Rows=4000, Columns=5000, **uids)).status_code == 201
    frame = f"/dicom-web/studies/{study}/series/{series}/instances/{image}/frames/1"
    assert pixels in server.get(frame, "radiologist").content


def attack(server: Server, number: int) -> None:
    """One of twenty; what becomes of it is its own affair."""
    token = user_token("technician", subject=f"attacker-{number}")
    head = announcement("/api/v1/dicom/upload-zip", "application/zip", 1_900_000_000, token)
    with suppress(requests.RequestException, OSError, AssertionError):
        match number % 5:
            case 0:
                upload(server, bomb())
            case 1:
                with half_requests(server, 2, head, b"x" * 1000) as sockets:
                    answer_of(sockets[0])
            case 2:
                with half_requests(server, 10, NO_BODY) as sockets:
                    answer_of(sockets[0])
            case 3:
                for guess in range(10):
                    body = {"username": f"nobody-{number}-{guess}", "password": "a wrong password"}
                    server.request("POST", "/api/v1/auth/login", json=body)
            case 4:
                scu.send(server.dicom_port, [bomb_to_send()])


def test_twenty_attackers_at_once_and_a_radiologist_scrolls_on(server: Server) -> None:
    """Bombs, announcements, half requests, a crowd at the sign-in, two rounds of them: every frame comes, from the
    process that was there before."""
    pid, reader = server.children(), user_token("radiologist")
    study, series = generate_uid(), generate_uid()
    images = [generate_uid() for _ in range(5)]
    for image in images:
        uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": image}
        assert upload(server, small(**uids)).status_code == 201
    assert bomb_to_send()  # packed once, not by twenty at once
    frames = [f"/dicom-web/studies/{study}/series/{series}/instances/{image}/frames/1" for image in images]
    seen = 0
    with peak_of(server) as peak, ThreadPoolExecutor(20) as attackers:
        for _ in range(2):
            attacks = [attackers.submit(attack, server, number) for number in range(20)]
            while not all(one.done() for one in attacks):
                answer = server.request("GET", frames[seen % len(frames)], reader)
                assert (answer.status_code, bytes(range(128)) in answer.content) == (200, True)
                seen += 1
                time.sleep(0.03)  # as a wheel turns
            for one in attacks:
                one.result()
    assert seen > 10
    assert server.children() == pid
    assert server.get("/api/v1/health").json()["status"] == "ok"
    assert peak.megabytes <= 1000
