"""Bytes that only who has the key can read or make (AES-256-GCM, NIST SP 800-38D)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
"""In front of what is sealed."""


def seal(key: bytes, content: bytes, context: bytes | None = None) -> bytes:
    """The content, encrypted; `context` is needed again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def unseal(key: bytes, sealed: bytes, context: bytes | None = None) -> bytes:
    """What `seal` was given. Raises InvalidTag with another key or context, ValueError when it is too short."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)


def unseal_with(keys: Sequence[bytes], sealed: bytes, context: bytes | None = None) -> bytes:
    """Like `unseal`, with whichever of these keys fits."""
    for key in keys[:-1]:
        with suppress(InvalidTag):
            return unseal(key, sealed, context)
    return unseal(keys[-1], sealed, context)
