"""Content-Digest (RFC 9530): a file that arrives as anything else than its sender states is not stored."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.api.conftest import Api
from tests.support.samples import small

WRONG = base64.b64encode(bytes(32)).decode()


def of(data: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def test_a_file_that_was_damaged_on_the_way_is_refused_and_leaves_nothing(api: Api) -> None:
    """The sender hears what to do; the same file sent whole is stored."""
    sent, arrived = small(), small()
    headers = {"Content-Digest": f"sha-256=:{of(sent)}:"}
    answer = api.upload(arrived, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "digest_mismatch")
    assert "send it again" in answer.json["detail"]
    assert not api.archive.instances
    assert api.get("/api/v1/dicom/studies", "doctor").json["total"] == 0
    assert api.upload(sent, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "field",
    [
        "sha-256=:{0}:",
        "sha-512=:{1}:, sha-256=:{0}:",
        "sha-256=:{0}:;note=1, sha-512=:{1}:",
        "sha-512=:{1}:",
        "crc32c=:AAAAAA==:",
        "my-sha-256=:{2}:",
        "",
    ],
)
def test_other_algorithms_are_passed_over(api: Api, field: str) -> None:
    """RFC 9530 section 2: a field may state several digests, and some that nobody here knows."""
    data = small()
    headers = {"Content-Digest": field.format(of(data), of(data, "sha512"), WRONG)}
    assert api.upload(data, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "field", ["sha-256=abc", "sha-256=::", f"sha-256=:{WRONG[:-4]}:", f"sha-256=:{WRONG}", "sha-256="]
)
def test_a_digest_that_is_none_is_refused(api: Api, field: str) -> None:
    """It was meant to protect something, so it is not passed over."""
    answer = api.upload(small(), headers={"Content-Digest": field})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert answer.json["errors"][0]["field"] == "Content-Digest"
    assert not api.archive.instances
