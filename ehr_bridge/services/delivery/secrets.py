"""Secrets of destinations: made here and shown once, or given; kept sealed with a key that is not in the database."""

from __future__ import annotations

import base64
import os
import uuid
from contextlib import suppress

from cryptography.exceptions import InvalidTag

from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.errors import Conflict
from ehr_bridge.sealing import seal, unseal, unseal_with

PREFIX = "whsec_"
"""As Standard Webhooks writes a symmetric secret."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


class Safe:
    """Seals secrets for one destination each."""

    def __init__(self, secret: SharedSecret) -> None:
        self._keys = secret.keys("secrets of destinations")

    def close(self, destination_id: uuid.UUID, secret: str) -> bytes:
        return seal(self._keys[0], secret.encode(), destination_id.bytes)

    def open(self, destination_id: uuid.UUID, sealed: bytes) -> str:
        """Raises Conflict `secret_lost` when it was sealed with another secret of the server."""
        try:
            return unseal_with(self._keys, sealed, destination_id.bytes).decode()
        except (InvalidTag, ValueError) as error:
            raise Conflict(
                "secret_lost", "The secret of this destination cannot be read any more; give it a new one."
            ) from error

    def opens(self, destination_id: uuid.UUID, sealed: bytes) -> bool:
        """Whether it was sealed with a secret of the server that is accepted."""
        try:
            self.open(destination_id, sealed)
        except Conflict:
            return False
        return True

    def closed_again(self, destination_id: uuid.UUID, sealed: bytes) -> bytes | None:
        """The same, sealed with the present secret; None where it is already, or cannot be opened."""
        with suppress(InvalidTag, ValueError):
            unseal(self._keys[0], sealed, destination_id.bytes)
            return None
        with suppress(Conflict):
            return self.close(destination_id, self.open(destination_id, sealed))
        return None
