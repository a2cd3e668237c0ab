"""The settings that say where images are kept, a disk or a bucket; part of `ehr_bridge.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

from ehr_bridge.wrong_values import written

URL, ENDPOINT, PLAIN = "EHR_BRIDGE_STORAGE_URL", "AWS_ENDPOINT_URL", "EHR_BRIDGE_STORAGE_PLAIN_HTTP"
HERE = frozenset({"127.0.0.1", "::1", "localhost"})
NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


class DiskSettings(BaseModel):
    """The alias of a field is its environment variable."""

    dicom_storage_path: Path | None = Field(
        None,
        alias="DICOM_STORAGE_PATH",
        description="Folder of the images; `images` in the data dir when unset.",
    )
    storage_reserve_mb: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None,
        alias="EHR_BRIDGE_STORAGE_RESERVE_MB",
        description="Free space below which no images are taken.",
    )
    storage_compression: bool = Field(
        False,
        alias="EHR_BRIDGE_STORAGE_COMPRESSION",
        description="Orthanc compresses the files of images that come from now on (zlib).",
    )
    storage_md5: bool = Field(
        False,
        alias="EHR_BRIDGE_STORAGE_MD5",
        description="Orthanc 1.12 makes MD5s too, so that nodes with 1.13 can read what it stores.",
    )

    @property
    def storage_reserve_bytes(self) -> int | None:
        return None if self.storage_reserve_mb is None else self.storage_reserve_mb * 1_000_000


class BucketPlace(NamedTuple):
    name: str
    prefix: str


class StorageSettings(BaseModel):
    """The alias of a field is its environment variable."""

    storage_url: str | None = Field(
        None,
        alias=URL,
        pattern=written(rf"^s3://{NAME}(/[A-Za-z0-9._-]+)*/?$", "s3://BUCKET or s3://BUCKET/PREFIX"),
        description="Bucket in which the images are kept: s3://BUCKET/PREFIX; a folder when unset.",
    )
    storage_take: str | None = Field(
        None,
        alias="EHR_BRIDGE_STORAGE_TAKE",
        max_length=64,
        description="Takes a bucket or a folder that is not ours yet: what a start that was refused says.",
    )
    storage_waiting_mb: Annotated[int, Field(ge=1, le=100_000_000)] = Field(
        20_000,
        alias="EHR_BRIDGE_STORAGE_WAITING_MB",
        description="Most that may wait on this disk for the bucket; then nothing more is stored.",
    )
    storage_cache_mb: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        10_000,
        alias="EHR_BRIDGE_STORAGE_CACHE_MB",
        description="Most that is kept on this disk of what is in the bucket.",
    )
    storage_plain_http: bool = Field(
        False, alias=PLAIN, description="1: the object storage may be asked without TLS, where it is not this machine."
    )
    storage_endpoint: str | None = Field(
        None,
        alias=ENDPOINT,
        pattern=written(r"^https?://[^/?#@\s]+/?$", "https://HOST or https://HOST:PORT"),
        description="Where the object storage answers, if it is not Amazon's.",
    )
    storage_region: str = Field(
        "us-east-1", alias="AWS_REGION", min_length=1, max_length=64, description="Region of the bucket."
    )
    storage_key_id: SecretStr | None = Field(
        None, alias="AWS_ACCESS_KEY_ID", min_length=1, description="Key with which the bucket is asked."
    )
    storage_secret: SecretStr | None = Field(
        None, alias="AWS_SECRET_ACCESS_KEY", min_length=1, description="Its secret."
    )
    storage_session: SecretStr | None = Field(
        None, alias="AWS_SESSION_TOKEN", min_length=1, description="Session of that key, where it has one."
    )
    storage_ca: Path | None = Field(
        None, alias="AWS_CA_BUNDLE", description="PEM file of the authority of the object storage's certificate."
    )

    @property
    def bucket(self) -> BucketPlace | None:
        """None where images are kept in a folder."""
        if self.storage_url is None:
            return None
        name, _, prefix = self.storage_url.removeprefix("s3://").partition("/")
        return BucketPlace(name, prefix.rstrip("/"))

    @property
    def storage_is_plain(self) -> bool:
        return (self.storage_endpoint or "").startswith("http://")

    @property
    def storage_keys(self) -> dict[str, str]:
        """What is set of the key, as the library names it; without a key it asks the machine for one."""
        given = {
            "access_key_id": self.storage_key_id,
            "secret_access_key": self.storage_secret,
            "session_token": self.storage_session,
        }
        return {name: value.get_secret_value() for name, value in given.items() if value is not None}

    @property
    def storage_problems(self) -> list[str]:
        if self.storage_url is None:
            return []
        problems = []
        is_here = urlsplit(self.storage_endpoint or "").hostname in HERE
        if self.storage_is_plain and not (self.storage_plain_http or is_here):
            problems.append(f"{ENDPOINT}: use https:// (http:// on this machine only, or with {PLAIN}=1)")
        if (self.storage_key_id is None) != (self.storage_secret is None):
            problems.append("AWS_ACCESS_KEY_ID: set it together with AWS_SECRET_ACCESS_KEY, or neither")
        if self.storage_ca is not None and not self.storage_ca.is_file():
            problems.append("AWS_CA_BUNDLE: there is no such file")
        return problems
