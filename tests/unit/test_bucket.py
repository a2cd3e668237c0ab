"""A bucket of two object stores that others made: moto's, and Ceph's radosgw, which checks signatures."""

from __future__ import annotations

import os
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.meters import REGISTRY
from ehr_bridge.settings import load_settings
from ehr_bridge.storage.bucket import Bucket, BucketTrouble
from ehr_bridge.storage.folder import write_owner
from ehr_bridge.storage.making import trouble_with_bucket
from plugin.commands.remote import Server
from plugin.storing import leftovers
from tests.support.object_store import KEYS, ceph, object_store
from tests.support.samples import small

type Opener = Callable[..., Bucket]


@pytest.fixture(scope="module", params=["moto", "ceph"])
def environ(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if request.param == "moto":
        with object_store() as store:
            yield store.environ
    else:
        with ceph(tmp_path_factory.mktemp("ceph") / "store") as store:
            yield store.environ


@pytest.fixture
def bucket(environ: dict[str, str], tmp_path: Path) -> Opener:
    """Opens a prefix of its own for each test; changes are settings."""
    prefix = uuid.uuid4().hex

    def opened(**changes: str) -> Bucket:
        settings = {"EHR_BRIDGE_STORAGE_URL": f"s3://images/{prefix}", "EHR_BRIDGE_DATA_DIR": str(tmp_path)}
        return Bucket(load_settings(environ | settings | changes), time.time)

    opened().own("ours")
    write_owner(tmp_path, "ours")
    return opened


def name() -> str:
    return str(uuid.uuid4())


def put(bucket: Bucket, folder: Path, data: bytes) -> str:
    file = folder / name()
    file.write_bytes(data)
    bucket.put(file.name, file)
    return file.name


@pytest.mark.parametrize("size", [0, 1, 700_000, 9_000_001])
def test_an_image_comes_back_as_it_was_put(bucket: Opener, tmp_path: Path, size: int) -> None:
    """Whole, and as a stream; whatever its size."""
    here, data = bucket(), os.urandom(size)
    key = put(here, tmp_path, data)
    assert here.read(key) == data
    with here.open(key) as file:
        assert file.read(3) + file.read() == data
    assert here.has(key)


class Door:
    """A server that takes every image of a study, once, but those of a study that people have deleted."""

    def __init__(self, deleted: bytes) -> None:
        self.deleted, self.taken = deleted, list[bytes]()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        assert (method, path) == ("POST", "dicom/upload")
        data: bytes = content["data"]
        if data == self.deleted:
            return 409, {"code": "study_deleted"}
        if data == REFUSED:
            return 422, {"code": "study_of_another_patient"}
        self.taken.append(data)
        said = "duplicate" if self.taken.count(data) > 1 else "stored"
        return 201, {"instances": [{"status": said}]}


REFUSED = small()


def test_what_no_index_names_is_listed_and_taken_in_when_told_to(bucket: Opener, tmp_path: Path) -> None:
    """What a killed server had put, twice, packed too, and once with a wrong byte; what others have put in the
    bucket, and marks of removals, are not ours to look at. All of it stays: it may be the only copy."""
    here, image, deleted = bucket(), small(), small()
    packed = len(image).to_bytes(8, "little") + zlib.compress(image)
    excerpt = image[: image.index(b"\xe0\x7f\x10\x00")]
    broken = packed[:-40] + b"x" + packed[-39:]
    named, one, again, half, other, gone, torn = (
        put(here, tmp_path, data) for data in (image, image, packed, excerpt, REFUSED, deleted, broken)
    )
    here.mark_removed(name())
    listed = {each.name: each.size for each in here.listed()}
    assert listed.keys() == {named, one, again, half, other, gone, torn} and listed[again] == len(packed)

    def found(server: Server | None, days: float = 2) -> dict[str, str]:
        later = bucket()
        later._clock = lambda: time.time() + days * 86_400
        work = leftovers.Leftovers(later, lambda: {named}, server)
        return {each.name: outcome for each, outcome in work.each()}

    assert found(None) == dict.fromkeys([one, again, half, other, gone, torn], "left")
    assert set(found(Door(deleted), days=0.5).values()) == {"too_young"}
    door = Door(deleted)
    said = found(door)
    assert (said.pop(one), said.pop(again)) in (("stored", "duplicate"), ("duplicate", "stored"))
    refusals = {other: "study_of_another_patient", gone: "study_deleted", torn: "no_image"}
    assert said == {half: "excerpt"} | refusals and not leftovers.DEALT_WITH & set(refusals.values())
    assert door.taken == [image, image] and {each.name for each in here.listed()} == listed.keys()


def test_what_is_not_there_is_missing_and_deleted_twice_is_deleted(bucket: Opener, tmp_path: Path) -> None:
    here = bucket()
    key = put(here, tmp_path, b"an image")
    here.delete(key)
    here.delete(key)
    for ask in (here.read, here.open):
        with pytest.raises(FileNotFoundError):
            ask(key)
    assert not here.has(key)


def test_every_request_is_counted_with_its_time(bucket: Opener, tmp_path: Path) -> None:
    """What the bucket takes is told apart from what the disk takes, and one that is away from a missing image."""

    def count(action: str, outcome: str) -> float:
        labels = {"action": action, "outcome": outcome}
        return REGISTRY.get_sample_value("ehr_bridge_object_requests_total", labels) or 0

    def timed() -> float:
        return sum(
            REGISTRY.get_sample_value("ehr_bridge_object_seconds_count", {"action": action}) or 0
            for action in ("put", "get")
        )

    asked = ("put", "done"), ("get", "done"), ("get", "missing"), ("get", "away")
    here, before, times = bucket(), [count(*one) for one in asked], timed()
    here.read(put(here, tmp_path, b"an image"))
    with pytest.raises(FileNotFoundError):
        here.read(name())
    with pytest.raises(BucketTrouble):
        bucket(AWS_ENDPOINT_URL="http://127.0.0.1:9").read(name())
    grown = [count(*one) - was for one, was in zip(asked, before, strict=True)]
    assert grown[0] == 1 and grown[2:] == [1, 1]
    assert timed() - times == sum(grown) and grown[1] > 1  # whose the bucket is was read too


def test_a_removal_is_marked_for_the_other_nodes(bucket: Opener) -> None:
    here, key = bucket(), name()
    here.mark_removed(key)
    ((marked, age),) = here.marked()
    assert marked == key and -60 < age < 60
    here.unmark(key)
    assert here.marked() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"EHR_BRIDGE_STORAGE_URL": "s3://no-such-bucket/pacs"}, "no_bucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "away"),
    ],
)
def test_a_store_that_cannot_be_asked_is_no_missing_image(
    bucket: Opener, tmp_path: Path, change: dict[str, str], why: str
) -> None:
    """Neither when it is read, nor when it is put: then the file on this disk must stay."""
    away = bucket(**change)
    for ask in (lambda: away.read(name()), lambda: away.open(name()), lambda: put(away, tmp_path, b"an image")):
        with pytest.raises(BucketTrouble) as said:
            ask()
        assert said.value.why == why
        assert said.value.code == "archive_unavailable"


@pytest.mark.parametrize("environ", ["ceph"], indirect=True)  # moto takes every key
def test_a_wrong_key_is_told_and_its_secret_is_not(bucket: Opener) -> None:
    """Not in the error either, which may be logged."""
    wrong = bucket(AWS_SECRET_ACCESS_KEY="another-secret")
    with pytest.raises(BucketTrouble) as said:
        wrong.read(name())
    assert said.value.why == "not_allowed"
    assert "another-secret" not in repr(said.value) + str(said.value.__cause__)
    assert KEYS["AWS_ACCESS_KEY_ID"] not in repr(said.value)


@pytest.mark.parametrize("said_here", ["another installation's", None])
def test_a_bucket_of_somebody_else_is_not_ours(bucket: Opener, tmp_path: Path, said_here: str | None) -> None:
    """Another prefix, or a new installation that was given this one by mistake: nothing is known of an image then, and
    nothing is put there or removed."""
    key = put(bucket(), tmp_path, b"an image")
    (tmp_path / "ehr-bridge.id").unlink()
    if said_here is not None:
        write_owner(tmp_path, said_here)
    other = bucket()
    asks = (lambda: other.read(key), lambda: put(other, tmp_path, b"an image"), lambda: other.delete(key))
    for ask in asks:
        with pytest.raises(BucketTrouble) as said:
            ask()
        assert said.value.why == "other_bucket"
    assert (other.trouble(), other.has(key)) == ("other_bucket", True)


def test_who_only_looks_writes_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    """As the command `doctor` does, before the first start."""
    settings = {"EHR_BRIDGE_STORAGE_URL": f"s3://images/{name()}", "EHR_BRIDGE_DATA_DIR": str(tmp_path)}
    assert trouble_with_bucket(load_settings(environ | settings)) is None
    assert list(tmp_path.iterdir()) == []
    away = load_settings(environ | settings | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert trouble_with_bucket(away) == "away"
