"""Keys for single purposes, all from the one secret that every node shares."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple


class SharedSecret(NamedTuple):
    """The secret that signs and seals, and another one that is only accepted, while one is rotated."""

    present: str
    other: str | None = None

    @property
    def accepted(self) -> tuple[str, ...]:
        """The present one first."""
        return (self.present,) if self.other is None else (self.present, self.other)

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """The derived keys: the first one signs and seals, all of them are accepted."""
        return tuple(derived_key(secret, purpose) for secret in self.accepted)


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes, the same on every node and of no use for another purpose (HMAC-SHA-256 as in RFC 5869, expand
    step)."""
    return hmac.new(secret.encode(), f"orthanc-ehr-bridge {purpose}\x01".encode(), hashlib.sha256).digest()
