"""Two nodes that keep images in one bucket and make backups on schedule: what one has, the other has too; and one of
them makes the backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.backup_steps import PASSWORD
from tests.live.digest_steps import sop
from tests.support.object_store import ObjectStore, object_store
from tests.support.running import SMALL_LIMITS, databases, two_nodes
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, upload


@pytest.fixture(scope="module")
def bucket() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(scope="module")
def nodes(
    request: pytest.FixtureRequest, bucket: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    folder = tmp_path_factory.mktemp("keeping")
    shared = databases(request, "postgresql") | SMALL_LIMITS | bucket.environ
    shared |= {
        "DICOM_STORAGE_PATH": str(folder / "images"),
        "DICOM_BACKUP_ENABLED": "1",
        "DICOM_BACKUP_PATH": str(folder / "repository"),
        "EHR_BRIDGE_BACKUP_PASSWORD": PASSWORD,
    }
    with two_nodes(folder, shared, "--no-demo") as both:
        yield both


def sent(node: Server, data: bytes) -> str:
    answer = upload(node, data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["studies"][0]["study_instance_uid"])


def shown_by(node: Server, uid: str) -> list[str]:
    """The images of a study that a viewer gets from this node; none while it does not know the study yet."""
    try:
        return [str(image.SOPInstanceUID) for image in instances(node, uid)]
    except AssertionError:
        return []


def test_one_of_two_nodes_makes_the_backup_of_the_day(nodes: list[Server]) -> None:
    """Each has the schedule, and each sees that it was made."""

    def backups() -> list[str]:
        items = nodes[0].get("/api/v1/audit?limit=200", "admin").json()["items"]
        return [one["action"] for one in items if one["action"].startswith("backup.")]

    eventually(lambda: "backup.checked" in backups(), 300)  # a whole backup, and the check of it
    for node in nodes:
        assert node.get("/api/v1/system", "admin").json()["backups"]["last_success_at"]
    logs = [log.read_text() for node in nodes if (log := Path(node.data_dir / "backup.log")).exists()]
    assert sum(log.count("snapshot ") for log in logs) == 1, logs
    assert backups().count("backup.made") == 1 and "backup.failed" not in backups()


def test_an_image_in_the_bucket_is_shown_by_both_nodes(nodes: list[Server], bucket: ObjectStore) -> None:
    """The one that took it, and the other."""
    data = small()
    uid = sent(nodes[0], data)
    eventually(lambda: [key for key, value in bucket.objects.items() if sop(data).encode() in value])
    for node in nodes:
        assert eventually(lambda node=node: shown_by(node, uid)) == [sop(data)]


def test_what_a_killed_node_had_not_put_yet_is_shown_by_the_other(nodes: list[Server], bucket: ObjectStore) -> None:
    """The bucket is away, and so is the node that answered the sender: the image waits in the folder that both share.
    It is in the bucket when the two are back."""
    data = small()
    bucket.go_away()
    try:
        uid = sent(nodes[0], data)
        nodes[0].kill()
        assert eventually(lambda: shown_by(nodes[1], uid)) == [sop(data)]
    finally:
        bucket.come_back()
    nodes[0].start("--no-demo")
    eventually(lambda: [key for key, value in bucket.objects.items() if sop(data).encode() in value])
    assert shown_by(nodes[1], uid) == [sop(data)]
