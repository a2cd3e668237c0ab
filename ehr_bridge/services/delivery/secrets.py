"""Secrets of destinations: made here and shown once, or given; kept sealed with a key that is not in the database."""

from __future__ import annotations

import base64
import os
import uuid

from cryptography.exceptions import InvalidTag

from ehr_bridge.derived_keys import derived_key
from ehr_bridge.errors import Conflict
from ehr_bridge.sealing import seal, unseal

PREFIX = "whsec_"
"""As Standard Webhooks writes a symmetric secret."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


class Safe:
    """Seals secrets for one destination each."""

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret, "secrets of destinations")

    def close(self, destination_id: uuid.UUID, secret: str) -> bytes:
        return seal(self._key, secret.encode(), destination_id.bytes)

    def open(self, destination_id: uuid.UUID, sealed: bytes) -> str:
        """Raises Conflict `secret_lost` when it was sealed with another secret of the server."""
        try:
            return unseal(self._key, sealed, destination_id.bytes).decode()
        except (InvalidTag, ValueError) as error:
            raise Conflict(
                "secret_lost", "The secret of this destination cannot be read any more; give it a new one."
            ) from error

    def opens(self, destination_id: uuid.UUID, sealed: bytes) -> bool:
        """Whether it was sealed with the present secret of the server."""
        try:
            self.open(destination_id, sealed)
        except Conflict:
            return False
        return True
