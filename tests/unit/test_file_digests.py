"""Digests of stored files: the same however the bytes come, and no other file's."""

from __future__ import annotations

import hashlib
import io

import pytest

from ehr_bridge.services.archive.file_digests import digest_of, is_whole, ledger_digest, stored_digest

LONG = bytes(range(256)) * 10_000
"""More than is read in one piece."""


def test_blake3_is_the_published_function() -> None:
    """The empty input's value in the test vectors of the BLAKE3 team, cut to 32 bytes."""
    assert stored_digest(b"") == "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


@pytest.mark.parametrize("data", [b"", b"DICM", LONG])
def test_read_in_pieces_or_at_once_is_the_same(data: bytes) -> None:
    assert digest_of(io.BytesIO(data)) == stored_digest(data)
    for digest in (stored_digest(data), ledger_digest(hashlib.sha256(data).hexdigest())):
        assert is_whole(io.BytesIO(data), digest)


@pytest.mark.parametrize("other", [LONG[:-1], LONG + b"\0", LONG[:-1] + b"\0", b""])
def test_a_file_that_lost_changed_or_gained_a_byte_is_not_whole(other: bytes) -> None:
    for digest in (stored_digest(LONG), ledger_digest(hashlib.sha256(LONG).hexdigest())):
        assert not is_whole(io.BytesIO(other), digest)


def test_nobody_vouches_for_an_unknown_kind_of_digest() -> None:
    with pytest.raises(ValueError, match="md4"):
        is_whole(io.BytesIO(b""), "md4:31d6cfe0d16ae931b73c59d7e0c089c0")
