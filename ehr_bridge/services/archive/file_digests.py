"""Digests with which stored files are verified: of the bytes as they are in the archive.

A digest names its algorithm, as in HTTP (RFC 9530). New files get BLAKE3, a cryptographic hash of 256 bits that takes a
tenth of the time of MD5 and a quarter of that of SHA-256 (ADR 0015); files that a job replaced have the SHA-256 of its
ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Any

from blake3 import blake3

ALGORITHMS: Mapping[str, Any] = {"blake3": blake3, "sha256": hashlib.sha256}


def stored_digest(data: bytes) -> str:
    """The digest of a stored file with these bytes."""
    return f"blake3:{blake3(data).hexdigest()}"


def ledger_digest(sha256: str) -> str:
    """The same form for a file whose SHA-256 (hexadecimal) is known."""
    return f"sha256:{sha256}"


NO_FILES = ledger_digest("0" * 64)
"""Matches no file; for a file that was already damaged when a job changed it, so that its right content is unknown."""


def is_whole(file: BufferedIOBase, digest: str) -> bool:
    """Whether a file, read to its end without keeping it in memory, has this digest.

    Raises:
        OSError: it cannot be read.
        ValueError: the kind of digest is unknown.
    """
    algorithm, _, expected = digest.partition(":")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown digest algorithm {algorithm!r}")
    return hashlib.file_digest(file, ALGORITHMS[algorithm]).hexdigest() == expected


def digest_of(file: BufferedIOBase) -> str:
    """Like `stored_digest`, for a file. Raises OSError when it cannot be read."""
    return f"blake3:{hashlib.file_digest(file, ALGORITHMS['blake3']).hexdigest()}"
