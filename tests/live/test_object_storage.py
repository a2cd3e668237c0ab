"""Images in a bucket, through the real server: outage, kill, damage, removal. The bucket is moto's, on loopback."""

from __future__ import annotations

import io
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.live import deletion_steps as deletions
from tests.live.digest_steps import recorded, sop
from tests.live.door_steps import c_store
from tests.support.object_store import KEYS, ObjectStore, ceph, object_store
from tests.support.running import SMALL_LIMITS, running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, study, upload

OUT_OF_RESOURCES = 0xA700
ONE_MEGABYTE = b"\0" * 1_000_000
SETTINGS = SMALL_LIMITS | {
    "EHR_BRIDGE_STORAGE_WAITING_MB": "1",
    "EHR_BRIDGE_DELETION_GRACE_DAYS": "0",
    "EHR_BRIDGE_FIXITY_DAYS": "0",
}


@pytest.fixture(scope="module")
def bucket() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(scope="module")
def pacs(bucket: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("pacs"), **SETTINGS, **bucket.environ) as server:
        yield server
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in server.log() + "\n".join(server.output)


@pytest.fixture
def away(bucket: ObjectStore, pacs: Server) -> Iterator[ObjectStore]:
    """The bucket does not answer, until the test says so, or ends."""
    bucket.go_away()
    yield bucket
    if bucket.server is None:
        bucket.come_back()
    eventually(lambda: waiting(pacs)["waiting"] == 0 and waiting(pacs)["error"] is None)


def waiting(server: Server) -> dict[str, Any]:
    return dict(server.get("/api/v1/system", "admin").json()["storage"]["objects"])


def holding(bucket: ObjectStore, data: bytes) -> list[str]:
    """The keys of the objects that have this instance in them: the file, and its header."""
    return [key for key, value in bucket.objects.items() if sop(data).encode() in value]


def send(server: Server, data: bytes) -> tuple[int, str]:
    answer = upload(server, data, X_Upload_Id=str(uuid.uuid4()))
    body = answer.json()
    return answer.status_code, body["instances"][0]["status"] if "instances" in body else body["code"]


def read_back(server: Server, data: bytes) -> bool:
    uid = study_of(data)
    return [str(ds.SOPInstanceUID) for ds in instances(server, uid)] == [sop(data)]


def study_of(data: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)


def test_images_of_every_door_are_in_the_bucket_and_come_back_as_they_were(pacs: Server, bucket: ObjectStore) -> None:
    """As files would stand in a folder; nothing stays on this disk but copies. Sent again they are known."""
    by_hand, by_modality = small(), small()
    assert send(pacs, by_hand) == (201, "stored")
    assert c_store(pacs, by_modality) == [0]
    recorded(pacs, sop(by_modality))
    for data in (by_hand, by_modality):
        keys = eventually(lambda data=data: holding(bucket, data))
        assert all(key.split("/")[0] == "pacs" and key.split("/")[1] == key.split("/")[3][:2] for key in keys)
        assert read_back(pacs, data)
    eventually(lambda: waiting(pacs)["waiting"] == 0)
    eventually(lambda: list((pacs.data_dir / "images" / "waiting").iterdir()) == [])
    assert [folder.name for folder in (pacs.data_dir / "images").iterdir() if len(folder.name) == 2] == []
    assert send(pacs, by_hand) == (201, "duplicate")
    assert pacs.get("/api/v1/ready").status_code == 200
    told = metrics(pacs)
    assert told['ehr_bridge_object_requests_total{action="put",outcome="done"}'] >= 4  # two files, two headers
    assert told['ehr_bridge_object_seconds_count{action="put"}'] >= 4


def test_while_the_bucket_is_away_work_goes_on_and_a_kill_loses_nothing(pacs: Server, away: ObjectStore) -> None:
    """Stored, shown and killed; the next start has it still, and puts it when the bucket is back."""
    data = small()
    assert send(pacs, data) == (201, "stored")
    eventually(lambda: waiting(pacs)["error"] == "away")
    assert waiting(pacs)["waiting"] > 0 and waiting(pacs)["oldest_at"] is not None
    eventually(lambda: metrics(pacs)['ehr_bridge_objects_failing{error="away"}'] == 1)
    assert metrics(pacs)["ehr_bridge_objects_waiting"] > 0
    recorded(pacs, sop(data))
    pacs.kill()
    pacs.start("--no-demo")
    assert read_back(pacs, data)
    away.come_back()
    eventually(lambda: holding(away, data))
    eventually(lambda: waiting(pacs)["waiting"] == 0)


def test_when_too_much_waits_every_door_says_so_and_opens_again_by_itself(pacs: Server, away: ObjectStore) -> None:
    """503 for programs, out of resources for modalities; nothing of it is stored."""
    big = small(PixelData=ONE_MEGABYTE, Rows=1000, Columns=500, BitsAllocated=16)
    assert send(pacs, big)[0] == 503
    assert c_store(pacs, big) == [OUT_OF_RESOURCES]
    assert study(pacs, study_of(big)) is None
    less = small()
    assert send(pacs, less) == (201, "stored")
    eventually(lambda: waiting(pacs)["error"] == "away")
    assert "objects_waiting" not in {each["code"] for each in attention(pacs)}  # not for a moment's absence
    away.come_back()
    eventually(lambda: waiting(pacs)["waiting"] == 0)
    assert read_back(pacs, less)


def metrics(server: Server) -> dict[str, float]:
    """As the monitor reads them, by name and labels."""
    lines = server.get("/api/v1/metrics", "monitor").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def attention(server: Server) -> list[dict[str, Any]]:
    return list(server.get("/api/v1/system", "admin").json()["attention"])


def test_an_image_damaged_or_lost_in_the_bucket_is_mended_when_it_is_sent_again(
    pacs: Server, bucket: ObjectStore
) -> None:
    """The copy on this disk is not asked when a file is judged."""
    for harm in ("change", "lose"):
        data = small(StudyInstanceUID=(uid := generate_uid()))
        assert send(pacs, data) == (201, "stored")
        recorded(pacs, sop(data))
        eventually(lambda: waiting(pacs)["waiting"] == 0)
        (key,) = (key for key in holding(bucket, data) if is_file(bucket, key))
        if harm == "change":
            bucket.change(key, bucket.objects[key][:-1] + b"\1")
        else:
            bucket.lose(key)
        assert send(pacs, data) == (201, "stored")
        assert story(pacs, uid) == ["study.file_damaged", "study.file_restored"]
        eventually(lambda key=key, data=data: any(k != key and is_file(bucket, k) for k in holding(bucket, data)))


def is_file(bucket: ObjectStore, key: str) -> bool:
    """Not the header that Orthanc keeps beside it."""
    return b"\xe0\x7f\x10\x00" in bucket.objects[key]


def story(server: Server, uid: str) -> list[str]:
    events = server.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json()["items"]
    return [event["action"] for event in reversed(events) if event["action"].startswith("study.file_")]


def test_an_outage_is_no_damage(pacs: Server, away: ObjectStore) -> None:
    """Whoever sends again meanwhile replaces nothing: what is in the bucket comes back with it."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    away.come_back()
    assert send(pacs, data) == (201, "stored")
    recorded(pacs, sop(data))
    eventually(lambda: waiting(pacs)["waiting"] == 0)
    away.go_away()
    status, said = send(pacs, data)
    assert status == 503 or said == "duplicate"
    assert story(pacs, uid) == []


def test_a_deleted_study_leaves_the_bucket_even_if_it_was_away_at_that_moment(
    pacs: Server, bucket: ObjectStore, away: ObjectStore
) -> None:
    """Two people have agreed; nothing of it is there in the end."""
    away.come_back()
    ids = deletions.stored(pacs)
    eventually(lambda: any(ids["sop"].encode() in value for value in bucket.objects.values()))
    eventually(lambda: waiting(pacs)["waiting"] == 0)
    away.go_away()
    request = deletions.ask(pacs, ids["uid"])
    assert deletions.decide(pacs, request, "approve")[0] == 200
    eventually(lambda: deletions.status(pacs, request) == "purged")
    away.come_back()
    eventually(lambda: not any(ids["sop"].encode() in value for value in bucket.objects.values()))


def test_a_bucket_that_is_another_one_makes_no_image_look_lost(pacs: Server, bucket: ObjectStore) -> None:
    """Emptied by mistake, or a wrong name in the settings: nothing is known then."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    assert send(pacs, data) == (201, "stored")
    recorded(pacs, sop(data))
    eventually(lambda: waiting(pacs)["waiting"] == 0)
    kept = dict(bucket.objects)
    for key in kept:
        bucket.lose(key)
    status, said = send(pacs, data)
    for key, value in kept.items():
        bucket.change(key, value)
    assert status == 503 or said == "duplicate"
    assert story(pacs, uid) == []
    assert send(pacs, data) == (201, "duplicate")


def test_cephs_store_holds_images_as_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A store that checks signatures, asked by the real server; without copies on this disk too."""
    folder = tmp_path_factory.mktemp("ceph")
    with ceph(folder / "store") as store, running(folder, **SETTINGS, **store.environ) as server:
        data = small()
        assert send(server, data) == (201, "stored")
        recorded(server, sop(data))
        eventually(lambda: waiting(server)["waiting"] == 0)
        shutil.rmtree(server.data_dir / "image-cache")
        assert read_back(server, data)
        assert send(server, data) == (201, "duplicate")
