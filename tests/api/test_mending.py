"""Sent again, an image takes the place of its damaged copy, and of no other."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive.file_digests import is_whole, stored_digest
from ehr_bridge.services.fixity.rounds import FixityRounds
from tests.api.conftest import Api
from tests.api.tag_steps import jobs, modify, undo
from tests.support.samples import small


def send(api: Api, data: bytes) -> str:
    """What became of the file, or why it was refused."""
    answer = api.upload(data).json
    return str(answer.get("code") or answer["instances"][0]["status"])


def kept(api: Api) -> bytes:
    (data,) = api.archive.instances.values()
    return data


def damage(api: Api) -> bytes:
    """The disk changes one byte of the one file there is; what is left of it."""
    ((name, data),) = api.archive.instances.items()
    api.archive.instances[name] = data[:-1] + bytes([data[-1] ^ 1])
    return api.archive.instances[name]


def put_aside(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in tmp_path.rglob("*.damaged.dcm")]


def row(api: Api) -> Instance:
    api.services.recorder.settle()
    with api.services.database.read() as session:
        return session.scalars(select(Instance)).one()


def actions(api: Api) -> list[tuple[str, str]]:
    events = api.get("/api/v1/audit?limit=50", "admin").json["items"]
    return [(e["actor"], e["action"]) for e in reversed(events) if e["action"].startswith("study.file_")]


def test_a_damaged_file_is_kept_aside_and_replaced(api: Api, tmp_path: Path) -> None:
    """Linked and coerced as before; what happened stands in the audit trail."""
    order = api.place_order()
    data = small(AccessionNumber=order["accession_number"], PatientID=order["mrn"], PatientName="LINDQVIST^ASA")
    assert send(api, data) == "stored"
    left = damage(api)
    assert send(api, data) == "stored"
    assert kept(api) not in (left, data)
    assert put_aside(tmp_path) == [left]
    now = row(api)
    assert (now.stored_digest, now.damaged_at) == (stored_digest(kept(api)), None)
    assert actions(api) == [("ehr-bridge", "study.file_damaged"), ("technician", "study.file_restored")]
    assert send(api, data) == "duplicate"


def test_two_who_send_it_at_once_replace_it_once(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second must not take out what the first was told is stored."""
    data = small()
    assert send(api, data) == "stored"
    left = damage(api)
    taken_out, delete = [], api.archive.delete

    def slowly(name: str) -> None:
        taken_out.append(name)
        time.sleep(0.3)
        delete(name)

    monkeypatch.setattr(api.archive, "delete", slowly)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(send(api, data))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(answers), len(taken_out)) == (["duplicate", "stored"], 1)
    assert (kept(api), put_aside(tmp_path)) == (data, [left])


def test_a_file_that_is_gone_is_replaced(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive's index still names it."""
    data = small()
    assert send(api, data) == "stored"
    monkeypatch.setattr(api.archive, "open", _fails(FileNotFoundError()))
    monkeypatch.setattr(api.archive, "read", _fails(LookupError()))
    assert send(api, data) == "stored"
    assert put_aside(tmp_path) == []
    assert kept(api) == data


@pytest.mark.parametrize("trouble", [PermissionError(), NotADirectoryError(), OSError("input/output error")])
def test_a_disk_that_cannot_be_read_is_left_alone(api: Api, monkeypatch: pytest.MonkeyPatch, trouble: OSError) -> None:
    """It may be back in a minute, with every file on it."""
    data = small()
    assert send(api, data) == "stored"
    monkeypatch.setattr(api.archive, "open", _fails(trouble))
    monkeypatch.setattr(api.archive, "read", _fails(LookupError()))
    assert send(api, data) == "archive_unavailable"
    assert kept(api) == data


def test_a_whole_file_is_never_replaced(api: Api, tmp_path: Path) -> None:
    """Whatever comes under its UID."""
    data = small()
    assert send(api, data) == "stored"
    assert send(api, data) == "duplicate"
    assert send(api, data[:-1] + bytes([data[-1] ^ 1])) == "same_uid_other_content"
    assert (kept(api), put_aside(tmp_path)) == (data, [])


def test_what_nobody_has_a_digest_of_is_not_called_damaged(api: Api, tmp_path: Path) -> None:
    """From before digests were kept; the first one to read it says what it is."""
    data = small()
    assert send(api, data) == "stored"
    with api.services.database.write() as session:
        session.scalars(select(Instance)).one().stored_digest = None
    other = damage(api)
    assert send(api, data) == "same_uid_other_content"
    assert (kept(api), put_aside(tmp_path)) == (other, [])


def test_a_file_that_a_job_has_in_its_hands_is_left_to_the_job(api: Api, tmp_path: Path) -> None:
    data = small()
    uid = api.upload(data).json["studies"][0]["study_instance_uid"]
    modify(api, uid, PatientName="Berg^Ida")
    left = damage(api)
    assert send(api, data) == "same_uid_other_content"
    assert kept(api) == left
    jobs(api, tmp_path).run()


def test_what_a_job_makes_of_a_damaged_file_stays_damaged_until_it_is_sent_again(api: Api, tmp_path: Path) -> None:
    """The study's identity is corrected all the same, and back again; neither makes the image whole."""
    data = small()
    uid = api.upload(data).json["studies"][0]["study_instance_uid"]
    before = damage(api)
    job = modify(api, uid, PatientName="Berg^Ida")
    jobs(api, tmp_path).run()
    assert (kept(api) == before, row(api).damaged_at is None) == (False, False)
    assert actions(api) == [("ehr-bridge", "study.file_damaged")]
    undo(api, job["id"])
    for seconds in (11, 22):  # the second time it looks for stragglers, and lets go of the study
        jobs(api, tmp_path, timedelta(seconds=seconds)).run()
    assert kept(api) == before
    FixityRounds(api.services.database, api.archive, api.services.clock, 30).run(60)
    assert row(api).damaged_at is not None
    assert send(api, data) == "stored"
    assert (kept(api), row(api).damaged_at) == (data, None)
    assert put_aside(tmp_path) == [before]


def test_a_job_on_a_whole_file_leaves_a_whole_one(api: Api, tmp_path: Path) -> None:
    """Also when somebody's note of its digest came too late, and is of another."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    modify(api, uid, PatientName="Berg^Ida")
    jobs(api, tmp_path).run()
    with api.services.database.write() as session:
        session.scalars(select(Instance)).one().stored_digest = stored_digest(b"another")
    modify(api, uid, PatientName="Berg^Eva")
    jobs(api, tmp_path, timedelta(seconds=11)).run()
    now = row(api)
    assert now.stored_digest is not None and is_whole(BytesIO(kept(api)), now.stored_digest)
    assert (now.damaged_at, actions(api)) == (None, [])


def test_an_image_that_cannot_be_kept_aside_is_not_replaced(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of it may be all that is left."""
    data = small()
    assert send(api, data) == "stored"
    left = damage(api)
    api.services.settings.quarantine_path.parent.mkdir(parents=True, exist_ok=True)
    api.services.settings.quarantine_path.write_text("in the way")
    assert send(api, data) == "archive_unavailable"
    assert kept(api) == left


def _fails(error: Exception) -> object:
    def fail(_: str) -> BinaryIO:
        raise error

    return fail
