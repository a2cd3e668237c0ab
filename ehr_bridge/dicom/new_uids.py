"""UIDs for what is made here."""

from __future__ import annotations

import uuid


def new_uid() -> str:
    """A UID made from a UUID (PS3.5 annex B.2); needs no registered root."""
    return f"2.25.{uuid.uuid4().int}"


def derived_uid(namespace: uuid.UUID, of_what: str) -> str:
    """A UID made from a UUID of version 5 (RFC 9562): the same text gives the same UID."""
    return f"2.25.{uuid.uuid5(namespace, of_what).int}"
