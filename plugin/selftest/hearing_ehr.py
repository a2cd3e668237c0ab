"""Plays an EHR that is told what happens to its orders: by HL7 v2 messages, and by FHIR transactions.

It hears by two destinations of its own. They are told of the self-test's patients and of no others.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ehr_bridge.hl7.ack import header_in
from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.hl7.outgoing import ORDER_STATES
from ehr_bridge.services.delivery.messages import OF_SELF_TEST
from ehr_bridge.shallow_json import loads
from plugin.selftest.outcomes import Failed, NotTried, Report
from plugin.selftest.stage import Placed, Stage, until

HL7, FHIR = "HL7 v2 out", "FHIR R4 out"
NAMES = {HL7: f"{OF_SELF_TEST}hl7", FHIR: f"{OF_SELF_TEST}fhir"}
PATH = "/api/v1/destinations"
HERE = ("127.0.0.1", 0)
LARGEST = 1_000_000


class HearingEhr:
    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report
        self._not_registered: dict[str, Failed] = {}
        self._states: list[tuple[str, str]] = []
        self._studies: list[dict[str, Any]] = []
        self._messages = _MessagePort(self._hear_message)
        self._resources = _ResourcePort(self._hear_resource)

    def begin(self) -> None:
        """From now on it is told. The destinations are removed by `forget_destinations`."""
        here = {"allow_networks": [f"{HERE[0]}/32"]}
        mllp = {"kind": "hl7", "host": HERE[0], "port": self._messages.port, "events": ["order.status"]}
        fhir = {"kind": "fhir", "url": f"http://{HERE[0]}:{self._resources.port}/", "events": ["study.linked"]}
        self._register(HL7, mllp | here)
        self._register(FHIR, fhir | here)

    def end(self, placed: Placed, study_of: Callable[[Placed], str]) -> None:
        """What it has been told of the order that was examined."""
        self._report.play("RAD-42", HL7, "order status told (ORM^O01, SC)", lambda: self._require_status(placed))
        self._report.play(
            "RAD-49", FHIR, "study told of (ImagingStudy)", lambda: self._require_study(placed, study_of(placed))
        )

    def stop(self) -> None:
        """Close its ports."""
        self._messages.stop()
        self._resources.stop()

    def _register(self, door: str, body: dict[str, Any]) -> None:
        try:
            self._stage.ask("PUT", f"{PATH}/{NAMES[door]}", "admin", 200, 201, json=body)
        except Failed as failure:
            self._not_registered[door] = failure

    def _require_registered(self, door: str) -> None:
        if door in self._not_registered:
            raise self._not_registered[door]

    def _require_status(self, placed: Placed) -> None:
        self._require_registered(HL7)
        if placed not in self._stage.placed:
            raise NotTried("no order was placed by any door")
        status = self._stage.order(placed)["status"]
        if status == "scheduled":
            raise NotTried("the order was not examined")
        expected = (placed.accession_number, ORDER_STATES[status])
        until(lambda: [*self._states], lambda heard: expected in heard, f"ORC-5 {expected[1]} of {expected[0]}", _told)

    def _require_study(self, placed: Placed, study_instance_uid: str) -> None:
        self._require_registered(FHIR)
        wanted = {f"urn:oid:{study_instance_uid}", placed.accession_number, placed.mrn}

        def is_told(studies: list[dict[str, Any]]) -> bool:
            return any(wanted <= _values(one) for one in studies)

        expected = f"an ImagingStudy of {placed.accession_number} with {study_instance_uid}"
        until(lambda: [*self._studies], is_told, expected, lambda studies: f"{len(studies)} other resources")

    def _hear_message(self, content: bytes) -> bytes:
        lines = content.decode("utf-8", "replace").split("\r")
        number = header_in(content).control_id
        for segment in (line.split("|") for line in lines if line.startswith("ORC")):
            if len(segment) > 5:
                self._states.append((segment[3], segment[5]))
        return f"MSH|^~\\&|||||||ACK|{number}|P|2.5.1\rMSA|AA|{number}\r".encode()

    def _hear_resource(self, content: bytes) -> None:
        self._studies += [entry["resource"] for entry in loads(content).get("entry", [])]


class _MessagePort:
    """Hears messages over MLLP, and answers each with what `hear` returns."""

    def __init__(self, hear: Callable[[bytes], bytes]) -> None:
        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                frames = Frames(LARGEST)
                while data := self.request.recv(65_536):
                    for frame in frames.feed(data):
                        self.request.sendall(framed(hear(frame.content)))

        self._server = _Threading(HERE, Connection)
        self.port = _serve(self._server)

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _ResourcePort:
    """Hears what is posted to it, and accepts it."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                hear(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Not on the terminal: what matters is in the table."""

        self._server = ThreadingHTTPServer(HERE, Request)
        self.port = _serve(self._server)

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _Threading(socketserver.ThreadingTCPServer):
    daemon_threads = True


def forget_destinations(stage: Stage) -> None:
    """Also those of an interrupted self-test."""
    for name in NAMES.values():
        stage.ask("DELETE", f"{PATH}/{name}", "admin", 204, 404)


def _serve(server: socketserver.TCPServer) -> int:
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return int(server.server_address[1])


def _told(heard: list[tuple[str, str]]) -> str:
    return ", ".join(f"{state} of {number}" for number, state in heard) or "none"


def _values(found: Any) -> set[str]:
    """Every text in a resource."""
    if isinstance(found, dict):
        return set().union(*map(_values, found.values()))
    if isinstance(found, list):
        return set().union(*map(_values, found))
    return {found} if isinstance(found, str) else set()
