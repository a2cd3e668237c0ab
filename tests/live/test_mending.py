"""Files that the disk lost or damaged, and that somebody sends again, through the real server."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from tests.live.digest_steps import NEXT_SECOND, ask, on_disk, recorded, sop
from tests.live.door_steps import c_store
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, study, upload


def files(server: Server) -> set[Path]:
    return set(server.stored_files())


def stored(server: Server, data: bytes) -> Path:
    """Where the image lies that somebody has sent by C-STORE, an hour ago: for a minute its digest may be another
    copy's."""
    before = files(server)
    assert c_store(server, data) == [0]
    recorded(server, sop(data))
    then = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None).isoformat(" ", "microseconds")
    value = ":then" if server.database_url.startswith("sqlite") else "CAST(:then AS timestamp) AT TIME ZONE 'UTC'"
    ask(server, f"UPDATE instances SET received_at = {value} WHERE sop_instance_uid = :uid", uid=sop(data), then=then)
    (path,) = [path for path in files(server) - before if sop(data).encode() in path.read_bytes()]
    return path


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def by_upload(server: Server, data: bytes) -> None:
    answer = upload(server, data, X_Upload_Id=str(uuid.uuid4()))
    assert (answer.status_code, answer.json()["instances"][0]["status"]) == (201, "stored"), answer.text


def by_c_store(server: Server, data: bytes) -> None:
    time.sleep(NEXT_SECOND)
    assert c_store(server, data) == [0]


@pytest.mark.parametrize("send", [by_upload, by_c_store])
@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_an_image_sent_again_takes_the_place_of_its_damaged_file(
    server: Server, send: Callable[[Server, bytes], None], harm: Callable[[Path], None]
) -> None:
    """A modality is answered before; it is done a moment later."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    harm(stored(server, data))
    send(server, data)

    def story() -> list[str]:
        events = server.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json()["items"]
        return [event["action"] for event in reversed(events) if event["action"].startswith("study.file_")]

    eventually(lambda: story() == ["study.file_damaged", "study.file_restored"])
    eventually(lambda: recorded(server, sop(data)) in on_disk(server))
    assert [str(ds.SOPInstanceUID) for ds in instances(server, uid)] == [sop(data)]
    seen = study(server, uid)
    assert seen is not None and seen["number_of_instances"] == 1
    upload_again = upload(server, data, X_Upload_Id=str(uuid.uuid4()))
    assert upload_again.json()["instances"][0]["status"] == "duplicate"


def test_a_folder_that_is_gone_is_no_reason_to_store_anew(server: Server) -> None:
    """A disk that is not mounted comes back with what is on it."""
    data = small(StudyInstanceUID=generate_uid())
    path = stored(server, data)
    elsewhere = server.data_dir / "elsewhere"
    shutil.move(path.parent, elsewhere)
    answer = upload(server, data, X_Upload_Id=str(uuid.uuid4()))
    now = files(server)
    shutil.move(elsewhere, path.parent)
    assert answer.status_code == 503 or answer.json()["instances"][0]["status"] == "duplicate", answer.text
    assert not {stray for stray in now if stray.read_bytes() == path.read_bytes()}
    token = user_token("technician", subject="rita")
    assert server.request("POST", "/instances", token, data=data).json()["Status"] == "AlreadyStored"
