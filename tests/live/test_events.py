"""Another system keeps in step with the real server, while a modality, people and the EHR work."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from tests.conftest import ENGINES
from tests.support.receivers import Receiver, read_request
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order

EVENTS = "/api/v1/events"
STUDIES = 3
RADIOLOGIST = user_token("radiologist", subject="rita")


@pytest.fixture(params=ENGINES)
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server for which a reception has settled after two seconds."""
    with running(tmp_path, EHR_BRIDGE_STABLE_AGE="2", **databases(request, request.param)) as server:
        yield server


class Follower:
    """Keeps the links of studies as the events tell them, and nothing else."""

    def __init__(self, server: Server, after: int = 0) -> None:
        self.server, self.seq = server, after
        self.heard: list[dict[str, Any]] = []
        self.links: dict[str, tuple[str | None, str | None]] = {}

    def follow(self) -> None:
        answer = self.server.get(EVENTS, "service", params={"after": self.seq, "limit": 3})
        assert answer.status_code == 200, answer.text
        self.seq = answer.json()["next"]
        for item in answer.json()["items"]:
            self.heard.append(item)
            self.hear(item["type"].removeprefix("org.ehr-bridge."), item["data"])

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        uid = data["study_instance_uid"]
        if kind in ("study.linked", "study.available"):
            self.links[uid] = data["patient_id"], data["order_id"]
        elif kind == "study.unlinked":
            self.links[uid] = None, None
        elif kind == "study.deleted":
            del self.links[uid]

    def has_lost(self, uid: str) -> bool:
        self.follow()
        return uid not in self.links

    def available(self) -> list[str]:
        self.follow()
        return [
            item["data"]["study_instance_uid"]
            for item in self.heard
            if item["type"] == "org.ehr-bridge.study.available"
        ]


def test_another_system_hears_of_a_modality_once_and_in_order(hasty: Server, tmp_path: Path) -> None:
    """Studies by C-STORE, file by file: each is linked once, and available once; then one is deleted."""
    orders = {str(generate_uid()): place_order(hasty) for _ in range(STUDIES)}
    follower = Follower(hasty)
    for uid, order in orders.items():
        send(hasty, tmp_path, uid, order)
        follower.follow()
    eventually(lambda: sorted(follower.available()) == sorted(orders))
    assert follower.links == {uid: (order["patient_id"], order["id"]) for uid, order in orders.items()}
    gone = next(iter(orders))
    asked = hasty.request("DELETE", f"/api/v1/dicom/studies/{gone}", RADIOLOGIST, headers={"X-Reason": "wrong patient"})
    assert asked.status_code == 202, asked.text
    eventually(lambda: follower.has_lost(gone))
    assert [item["seq"] for item in follower.heard] == [*range(1, len(follower.heard) + 1)]
    late = Follower(hasty)
    while late.seq != follower.seq:
        late.follow()
    assert (late.heard, late.links) == (follower.heard, follower.links)
    refused = hasty.get(EVENTS, "service", params={"after": follower.seq + 1000})
    assert (refused.status_code, refused.json()["code"]) == (410, "events_gone")


def test_a_webhook_hears_of_everything_in_order_though_it_was_away_and_the_server_was_killed(
    hasty: Server,
) -> None:
    """Its receiver drops doubles by their id, as it should."""
    heard: dict[str, str] = {}
    answers = ["503 Away"]

    def take(connection: socket.socket) -> None:
        while (request := read_request(connection)) is not None:
            if answers[0].startswith("200"):
                event = json.loads(request[1])
                heard.setdefault(request[0]["webhook-id"], event["data"]["order_id"])
            connection.sendall(f"HTTP/1.1 {answers[0]}\r\nContent-Length: 0\r\n\r\n".encode())

    receiver = Receiver(take)
    body = {"kind": "webhook", "url": f"http://127.0.0.1:{receiver.port}/", "events": ["order.created"]}
    made = hasty.put("/api/v1/destinations/ehr", body | {"allow_networks": ["127.0.0.0/8"]}, "admin")
    assert made.status_code == 201, made.text
    orders = [place_order(hasty)["id"] for _ in range(5)]
    eventually(lambda: queue(hasty)["last_error"] == "503")
    hasty.kill()
    hasty.start()
    assert queue(hasty)["waiting"] == 5
    answers[0] = "200 OK"
    assert hasty.request("POST", "/api/v1/destinations/ehr/start", user_token("admin")).status_code == 200
    eventually(lambda: [*heard.values()] == orders)
    orders += [place_order(hasty)["id"] for _ in range(5)]
    hasty.kill()
    hasty.start()
    eventually(lambda: [*heard.values()] == orders)
    eventually(lambda: queue(hasty)["waiting"] == 0)
    receiver.close()


def queue(server: Server) -> dict[str, Any]:
    return dict(server.get("/api/v1/delivery-queues", "admin").json()["items"][0])


def send(server: Server, folder: Path, uid: str, order: dict[str, Any]) -> None:
    named = {"PatientID": order["mrn"], "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
    for number in range(3):
        path = folder / f"{number}.dcm"
        path.write_bytes(small(StudyInstanceUID=uid, AccessionNumber=order["accession_number"], **named))
        command = [
            "/usr/bin/storescu",
            "-aet",
            "MR7",
            "-aec",
            "ORTHANC",
            "127.0.0.1",
            str(server.dicom_port),
            str(path),
        ]
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
