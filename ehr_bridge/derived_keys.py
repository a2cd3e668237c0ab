"""Keys for single purposes, all from the one secret that every node shares."""

from __future__ import annotations

import hashlib
import hmac


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes, the same on every node and of no use for another purpose (HMAC-SHA-256 as in RFC 5869, expand
    step)."""
    return hmac.new(secret.encode(), f"orthanc-ehr-bridge {purpose}\x01".encode(), hashlib.sha256).digest()
