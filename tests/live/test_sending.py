"""Sending a study to devices: DCMTK's storescp, one that refuses a kind of image, and one that is away."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage, generate_uid
from pynetdicom import AE, evt

from tests.live.worklist_steps import register
from tests.support import ports
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually

STORESCP = "/usr/bin/storescp"
"""By its path: pynetdicom installs a program of that name too."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("sending")) as server:
        yield server


def stored(server: Server, number: int, **values: Any) -> str:
    uid: str = values.pop("StudyInstanceUID", generate_uid())
    series = generate_uid()
    for _ in range(number):
        data = small(StudyInstanceUID=uid, SeriesInstanceUID=series, **values)
        headers = {"Content-Type": "application/dicom"}
        answer = server.request("POST", "/api/v1/dicom/upload", user_token("technician"), data=data, headers=headers)
        assert answer.status_code == 201, answer.text
    return uid


def send(server: Server, uid: str, ae_title: str) -> dict[str, Any]:
    answer = server.request(
        "POST", f"/api/v1/dicom/studies/{uid}/send", user_token("doctor"), json={"ae_title": ae_title}
    )
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def state(server: Server, sending: dict[str, Any]) -> dict[str, Any]:
    return dict(server.get(f"/api/v1/sendings/{sending['id']}", "doctor").json())


def ended(server: Server, sending: dict[str, Any]) -> dict[str, Any]:
    eventually(lambda: state(server, sending)["finished_at"] is not None)
    return state(server, sending)


@contextmanager
def workstation(folder: Path, ae_title: str, port: int) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    command = [STORESCP, "-aet", ae_title, "-od", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_study_reaches_a_workstation_that_was_still_off(server: Server, tmp_path: Path) -> None:
    """As it is stored, with every image once; and it is on record."""
    title, port = f"W{uuid.uuid4().hex[:6].upper()}", ports.free()
    register(server, title, "send_to", port=port)
    uid = stored(server, 20)
    sending = send(server, uid, title)
    eventually(lambda: state(server, sending)["error_code"] == "modality_away")
    with workstation(tmp_path / "ws", title, port):
        done = ended(server, sending)
    assert (done["status"], done["number_sent"], done["number_refused"], done["error_code"]) == (
        "succeeded",
        20,
        0,
        None,
    )
    files = [pydicom.dcmread(path) for path in (tmp_path / "ws").iterdir()]
    assert len({one.SOPInstanceUID for one in files}) == 20
    assert {one.StudyInstanceUID for one in files} == {uid}
    events = server.get("/api/v1/audit?action=study.sent", "admin").json()["items"]
    assert [(e["actor"], e["detail"]["instances"]) for e in events if e["study_instance_uid"] == uid] == [
        ("tester", 20)
    ]


def test_a_device_that_takes_no_secondary_captures_gets_the_rest(server: Server) -> None:
    taken: list[str] = []
    title, port = f"R{uuid.uuid4().hex[:6].upper()}", ports.free()
    ae = AE(title)
    ae.add_supported_context("1.2.840.10008.1.1")
    ae.add_supported_context(MRImageStorage)

    def on_store(event: evt.Event) -> int:
        taken.append(str(event.dataset.SOPInstanceUID))
        return 0

    listening = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    assert listening is not None
    try:
        register(server, title, "send_to", port=port)
        uid = stored(server, 3)
        stored(server, 1, StudyInstanceUID=uid, SOPClassUID=SecondaryCaptureImageStorage)
        done = ended(server, send(server, uid, title))
    finally:
        listening.shutdown()
    assert (done["status"], done["number_sent"], done["number_refused"]) == ("partial", 3, 1)
    assert (done["error_code"], len(set(taken))) == ("images_refused", 3)
    assert done["refusal"]


def test_a_device_that_refuses_says_so_once(server: Server) -> None:
    title, port = f"F{uuid.uuid4().hex[:6].upper()}", ports.free()
    ae = AE(title)
    ae.add_supported_context("1.2.840.10008.1.1")
    ae.add_supported_context(MRImageStorage)
    handlers: list[Any] = [(evt.EVT_C_STORE, lambda _event: 0xA700)]
    listening = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    assert listening is not None
    try:
        register(server, title, "send_to", port=port)
        done = ended(server, send(server, stored(server, 2), title))
    finally:
        listening.shutdown()
    assert (done["status"], done["number_sent"], done["error_code"]) == ("failed", 0, "images_refused")
    assert "A700" in done["refusal"].upper()


def test_a_killed_server_sends_the_rest_after_its_start(server: Server, tmp_path: Path) -> None:
    """Last in this file: the server is killed on the way."""
    title, port = f"K{uuid.uuid4().hex[:6].upper()}", ports.free()
    register(server, title, "send_to", port=port)
    uid = stored(server, 40)
    with workstation(tmp_path / "ws", title, port):
        sending = send(server, uid, title)
        eventually(lambda: state(server, sending)["number_sent"] > 0)
        server.kill()
        server.start()
        done = ended(server, sending)
    assert (done["status"], done["number_sent"]) == ("succeeded", 40)
    assert len(list((tmp_path / "ws").iterdir())) == 40
