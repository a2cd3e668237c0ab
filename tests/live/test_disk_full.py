"""The disk fills up under the real server: refused in time at every door, nothing lost, and well again by itself."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.live.digest_steps import on_disk, recorded, sop
from tests.live.door_steps import c_store
from tests.support.full_disk import FillingDisk
from tests.support.running import SMALL_LIMITS, running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, place_order, study, upload

OUT_OF_RESOURCES = 0xA700
ENOUGH = 10
PICTURE = {"Rows": 64, "Columns": 64, "PixelData": bytes(64 * 64 * 2)}
"""Orthanc does not notice that a file of less than 1,024 bytes was not written (docs/orthanc-facts.md)."""


@dataclass
class Disk:
    server: Server
    filling: FillingDisk


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder = tmp_path_factory.mktemp("disk")
    filling = FillingDisk(folder, tmp_path_factory.mktemp("elsewhere"))
    with running(folder, **SMALL_LIMITS, **filling.environ) as server:
        yield Disk(server, filling)


def attention(server: Server) -> set[str]:
    return {each["code"] for each in server.get("/api/v1/system", "admin").json()["attention"]}


def health(server: Server) -> str:
    answer = server.get("/api/v1/health")
    assert answer.status_code == 200
    return str(answer.json()["checks"]["storage"])


def stow(server: Server, data: bytes) -> int:
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--b--\r\n"
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    token = user_token("technician")
    return server.request("POST", "/api/v1/dicom-web/studies", token, data=body, headers=kind).status_code


def test_images_are_refused_at_every_door_before_the_disk_is_full(disk: Disk) -> None:
    """1 MB is left: no image comes in, what is here is read, orders are placed. With room again, all works again."""
    server, here = disk.server, small(StudyInstanceUID=generate_uid())
    assert upload(server, here).status_code == 201
    recorded(server, sop(here))
    disk.filling.become("low")
    answer = upload(server, small())
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "storage_full", "60")
    assert stow(server, small()) == 503
    assert server.request("POST", "/instances", user_token("technician"), data=small()).status_code == 503
    assert c_store(server, small()) == [OUT_OF_RESOURCES]
    assert attention(server) == {"storage_full", "storage_low"}
    assert health(server) == "degraded"
    place_order(server)
    uid = str(pydicom.dcmread(io.BytesIO(here)).StudyInstanceUID)
    assert [str(ds.SOPInstanceUID) for ds in instances(server, uid)] == [sop(here)]
    disk.filling.become("roomy")
    assert c_store(server, small()) == [0]
    assert upload(server, small()).status_code == 201
    assert (attention(server), health(server)) == (set(), "ok")


@dataclass
class Sender:
    """Sends images of one study, one after the other, until it is told to stop."""

    send: Callable[[Server, bytes], bool]
    uid: str = field(default_factory=generate_uid)
    stored: list[bytes] = field(default_factory=list)
    """What was answered with success."""
    refused: int = 0
    has_enough: bool = False

    def run(self, server: Server) -> None:
        series = generate_uid()
        while not self.has_enough:
            data = small(StudyInstanceUID=self.uid, SeriesInstanceUID=series, **PICTURE)
            if self.send(server, data):
                self.stored.append(data)
            else:
                self.refused += 1


def by_upload(server: Server, data: bytes) -> bool:
    answer = upload(server, data)
    assert answer.status_code in {201, 503}, answer.text
    return answer.status_code == 201


def by_c_store(server: Server, data: bytes) -> bool:
    (status,) = c_store(server, data)
    assert status == 0 or status & 0xFF00 == OUT_OF_RESOURCES, hex(status)
    return status == 0


@pytest.mark.parametrize("how", ["full", "sudden"])
def test_a_disk_that_fills_in_the_middle_loses_nothing_that_was_confirmed(disk: Disk, how: str) -> None:
    """Another program takes the last byte while images come in: commits and files fail halfway, ours and Orthanc's."""
    server = disk.server
    senders = [Sender(by_upload), Sender(by_upload), Sender(by_c_store)]
    threads = [threading.Thread(target=sender.run, args=(server,)) for sender in senders]
    for thread in threads:
        thread.start()

    def all_have(number: int) -> bool:
        return all(len(sender.stored) >= number for sender in senders)

    try:
        eventually(lambda: all_have(ENOUGH))
        disk.filling.become(how)
        eventually(lambda: all(sender.refused >= 3 for sender in senders))
        assert server.get("/api/v1/health").status_code == 200
        disk.filling.become("roomy")
        before = max(len(sender.stored) for sender in senders)
        eventually(lambda: all_have(before + ENOUGH))
    finally:
        disk.filling.become("roomy")
        for sender in senders:
            sender.has_enough = True
        for thread in threads:
            thread.join()
    for sender in senders:
        confirmed = {sop(data) for data in sender.stored}

        def all_are_there(uid: str = sender.uid, confirmed: set[str] = confirmed) -> bool:
            held = [str(ds.SOPInstanceUID) for ds in instances(server, uid)]
            seen = study(server, uid)
            assert len(held) == len(set(held))
            return confirmed <= set(held) and seen is not None and seen["number_of_instances"] == len(held)

        eventually(all_are_there)
        assert {recorded(server, each) for each in confirmed} <= on_disk(server)
    assert server.get("/api/v1/system", "admin").json()["restarts"]["recent"] == 0
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"]


def test_a_start_on_a_full_disk_says_so_and_the_next_one_works(disk: Disk) -> None:
    """The machine comes up again before anybody has made room."""
    server, data = disk.server, small(StudyInstanceUID=(uid := generate_uid()))
    assert upload(server, data).status_code == 201
    server.kill()
    disk.filling.become("full")
    try:
        server.start()
    except AssertionError as error:
        assert "cannot start: " in str(error), error
        assert "Traceback" not in str(error)
    else:
        assert upload(server, small()).status_code == 503
        server.kill()
    disk.filling.become("roomy")
    server.start()
    assert [str(ds.SOPInstanceUID) for ds in instances(server, uid)] == [sop(data)]
