"""What `ehr-bridge doctor` makes of the answers of a server, whatever state that is in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from ehr_bridge.settings import Settings, load_settings
from plugin.commands.doctor import server as doctor
from plugin.commands.doctor.findings import Finding
from plugin.commands.doctor.server import look_at_attention, look_at_health, look_at_readiness, look_at_server
from tests.support import ports

type Answers = Mapping[str, tuple[int, str]]
METRICS = """# TYPE ehr_bridge_attention gauge
ehr_bridge_attention{code="files_damaged"} 2.0
ehr_bridge_attention{code="storage_low"} 0.0
"""


@contextmanager
def serving(answers: Answers, folder: Path) -> Iterator[tuple[Settings, list[str]]]:
    """Settings for which a server answers like this, and who has asked it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path.removeprefix("/api/v1/"), (404, "{}"))
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to a terminal."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield settings_at(server.server_port, folder, EHR_BRIDGE_JWT_SECRET="s" * 32), asked
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def tearing(sent: bytes, folder: Path) -> Iterator[Settings]:
    """Settings for which somebody sends this to whoever asks, and hangs up."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            if self.request.recv(65536):  # nothing comes of one who only looks whether the port is taken
                self.request.sendall(sent)

    with TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield settings_at(server.server_address[1], folder, EHR_BRIDGE_JWT_SECRET="s" * 32)
        finally:
            server.shutdown()
            thread.join()


def settings_at(port: int, folder: Path, **more: str) -> Settings:
    return load_settings({"EHR_BRIDGE_HTTP_PORT": str(port), "EHR_BRIDGE_DATA_DIR": str(folder)} | more)


@pytest.mark.parametrize(
    ("wrong", "state", "fix", "is_warning"),
    [
        (["draining"], "the node is being stopped", "if it is not, delete {folder}/draining", True),
        (["gate", "draining"], "in the path yet; the node is being stopped", "its log says why", False),
        (["schema", "storage", "gate"], "schema", "upgrade this node", False),
        (["later"], "later", "its log says why", False),
    ],
)
def test_a_node_that_wants_no_new_work_says_why(
    wrong: list[str], state: str, fix: str, is_warning: bool, tmp_path: Path
) -> None:
    """And what to do. One that is being stopped on purpose is no failure."""
    with serving({"ready": (503, json.dumps({"wrong": wrong}))}, tmp_path) as (settings, _):
        (found,) = look_at_readiness(settings)
    assert found.name == "ready" and found.state.startswith("not for new work: ") and state in found.state
    assert found.fix is not None and fix.format(folder=tmp_path) in found.fix
    assert found.is_warning is is_warning


def test_a_ready_node_is_ready_and_a_stranger_is_not_judged(tmp_path: Path) -> None:
    """What answers neither yes nor why not is no server of ours: another finding says so."""
    with serving({"ready": (200, "{}")}, tmp_path) as (settings, _):
        assert look_at_readiness(settings) == [Finding("ready", "for new work")]
    for body in ("<html>", "[]", '{"wrong": null}', '{"wrong": 7}'):
        with serving({"ready": (503, body)}, tmp_path) as (settings, _):
            assert look_at_readiness(settings) == []
    assert look_at_readiness(settings_at(ports.free(), tmp_path)) == []


def test_a_server_that_does_not_run_is_one_finding(tmp_path: Path) -> None:
    """Nothing else is asked of it; of one that runs, its readiness and what needs attention are told too."""
    assert [one.name for one in look_at_server(settings_at(ports.free(), tmp_path))] == ["server"]
    answers = {
        "health": (200, '{"checks": {"gate": "ok", "storage": "degraded"}}'),
        "ready": (503, '{"wrong": ["storage"]}'),
        "metrics": (200, METRICS),
    }
    with serving(answers, tmp_path) as (settings, _):
        found = {one.name: one for one in look_at_server(settings)}
    assert list(found) == ["server", "ready", "attention"]
    assert found["server"].state == "runs, but degraded: storage"
    assert found["ready"].fix is not None and "mount" in found["ready"].fix


def test_what_needs_attention_is_a_warning_with_what_to_do(tmp_path: Path) -> None:
    """Asked with a token that opens the metrics and nothing else."""
    with serving({"metrics": (200, METRICS)}, tmp_path) as (settings, asked):
        (found,) = look_at_attention(settings)
    assert found.state == "files_damaged (2)" and found.is_warning
    assert found.fix is not None and "backup" in found.fix
    assert asked[0].startswith("Bearer ")
    with serving({"metrics": (200, METRICS.replace("2.0", "0.0"))}, tmp_path) as (settings, _):
        assert look_at_attention(settings) == [Finding("attention", "nothing needs any")]


def test_without_an_answer_or_a_secret_nothing_is_said_to_be_well(tmp_path: Path) -> None:
    """A refusal, text that is no metrics, no server, and a secret that is not there."""
    for answer in ((403, "{}"), (200, "<html>{"), (200, "a{"), (200, ""), (200, METRICS.replace("code=", "no="))):
        with serving({"metrics": answer}, tmp_path) as (settings, _):
            (found,) = look_at_attention(settings)
            assert found.state == "not known: the server does not say" and found.is_warning, answer
            assert found.fix is not None and "log" in found.fix
    assert look_at_attention(settings_at(ports.free(), tmp_path))[0].state.startswith("not known")


TORN = [
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
    b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"checks": {}}\n# TYPE ehr_bridge_attention gauge\n',
    b"HTTP/1.1 503 No\r\nContent-Length: 500\r\n\r\n{",
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"checks": {}}',
]


@pytest.mark.parametrize("sent", TORN)
def test_an_answer_that_breaks_off_is_said_with_what_to_do(sent: bytes, tmp_path: Path) -> None:
    """A server that dies while it is asked: no traceback, nothing is said to be well, and half a list is no list."""
    with tearing(sent, tmp_path) as settings:
        (server,) = look_at_server(settings)
        (ready,) = look_at_readiness(settings)
        (attention,) = look_at_attention(settings)
    assert server.state == f"an answer at port {settings.http_port} broke off" and not server.is_warning
    assert ready.state == "not known: the answer broke off" and attention.state.startswith("not known")
    assert all(one.fix is not None and "log" in one.fix for one in (server, ready, attention))


@pytest.mark.parametrize("sent", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 503 No\r\nContent-Length: 5000\r\n\r\n"])
def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(
    sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte in time, and never an end: the time is that of the whole answer."""
    monkeypatch.setattr(doctor, "SECONDS", 0.3)
    is_over = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(sent)
            for _ in range(400):  # an end all the same, so that a doctor who waits for it fails
                if is_over.wait(0.05):
                    break
                self.request.sendall(b".")

    with TCPServer(("127.0.0.1", 0), Handler) as dripping:
        thread = threading.Thread(target=dripping.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            found = look_at_health(settings_at(dripping.server_address[1], tmp_path))
        finally:
            is_over.set()
            dripping.shutdown()
            thread.join()
    assert found.state.endswith("has not come within 0.3 s") and not found.is_warning


@pytest.mark.parametrize("sent", [b"HTTP/1.1 2", b"220 mail\r\n", b"\0" * 99])
def test_half_a_line_and_other_protocols_are_no_server_of_ours(sent: bytes, tmp_path: Path) -> None:
    """Also a mail server at our port."""
    with tearing(sent, tmp_path) as settings:
        assert [one.name for one in look_at_server(settings)] == ["server"]
        assert all(one.fix for one in (*look_at_server(settings), *look_at_readiness(settings)))
        assert look_at_attention(settings)[0].is_warning


@pytest.mark.parametrize("body", ["[]", "7", '{"checks": []}', '{"checks": "ok"}', '{"checks": null}', "[" * 99_999])
def test_a_health_that_is_none_is_something_else_at_the_port(body: str, tmp_path: Path) -> None:
    """Whatever it is that answers."""
    with serving({"health": (200, body)}, tmp_path) as (settings, _):
        (found,) = look_at_server(settings)
    assert found.state.startswith("something else answers") and found.fix is not None
