"""Object stores on loopback: moto's S3 server, in this process, whose objects outlive a stop; and Ceph's, a process."""

from __future__ import annotations

import logging
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from tests.support import ports
from tests.support.steps import eventually

KEYS = {"AWS_ACCESS_KEY_ID": "test-key-id", "AWS_SECRET_ACCESS_KEY": "test-secret-of-the-bucket"}


def _client(port: int) -> Any:
    """Another client than ours."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )


class ObjectStore:
    """One bucket. `go_away` and `come_back` are what an outage is to its clients: refused connections."""

    def __init__(self, bucket: str = "images") -> None:
        self.bucket = bucket
        self.port = ports.free()
        self.server: ThreadedMotoServer | None = None

    @property
    def environ(self) -> dict[str, str]:
        """Settings of ours that lead to it."""
        return KEYS | {
            "EHR_BRIDGE_STORAGE_URL": f"s3://{self.bucket}/pacs",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }

    def come_back(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self.server.start()

    def go_away(self) -> None:
        assert self.server is not None
        self.server.stop()
        self.server = None

    def make(self, bucket: str) -> None:
        _client(self.port).create_bucket(Bucket=bucket)

    @property
    def objects(self) -> dict[str, bytes]:
        """What is in the bucket, by key."""
        held = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.bucket]
        return {key: held.keys[key].value for key in list(held.keys)}

    def change(self, key: str, data: bytes) -> None:
        """As somebody does who writes past us."""
        _client(self.port).put_object(Bucket=self.bucket, Key=key, Body=data)

    def lose(self, key: str) -> None:
        _client(self.port).delete_object(Bucket=self.bucket, Key=key)


@contextmanager
def object_store(bucket: str = "images") -> Iterator[ObjectStore]:
    store = ObjectStore(bucket)
    store.come_back()
    store.make(bucket)
    try:
        yield store
    finally:
        if store.server is not None:
            store.go_away()


class Ceph:
    """radosgw of Ceph on files of its own: a store that other people have written, which checks signatures."""

    def __init__(self, folder: Path, bucket: str = "images") -> None:
        self.bucket = bucket
        self.port = ports.free()
        self._config = folder / "ceph.conf"
        folder.joinpath("data").mkdir(parents=True)
        folder.joinpath("keyring").touch()
        told = {
            "no_mon_config": "true",
            "rgw_backend_store": "dbstore",
            "rgw_config_store": "dbstore",
            "dbstore_db_dir": str(folder),
            "dbstore_config_uri": f"file:{folder / 'config.db'}",
            "log_file": str(folder / "log"),
            "run_dir": str(folder),
            "admin_socket": "",
            "rgw_data": str(folder / "data"),
            "keyring": str(folder / "keyring"),
            "rgw_frontends": f"beast endpoint=127.0.0.1:{self.port}",
            "rgw_thread_pool_size": "16",
        }
        self._config.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in told.items()))
        options = ["-c", str(self._config), "--no-mon-config"]
        key, secret = KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]
        user = ["user", "create", "--uid=pacs", "--display-name=PACS", f"--access-key={key}", f"--secret-key={secret}"]
        subprocess.run(["radosgw-admin", *options, *user], check=True, capture_output=True)
        command = ["radosgw", *options, "-n", "client.rgw", "-f"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def environ(self) -> dict[str, str]:
        return KEYS | {
            "EHR_BRIDGE_STORAGE_URL": f"s3://{self.bucket}/pacs",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }

    def make(self, bucket: str) -> None:
        _client(self.port).create_bucket(Bucket=bucket)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def ceph(folder: Path, bucket: str = "images") -> Iterator[Ceph]:
    store = Ceph(folder, bucket)
    try:
        eventually(store.answers)
        store.make(bucket)
        yield store
    finally:
        store.process.terminate()
        store.process.wait(timeout=180)
