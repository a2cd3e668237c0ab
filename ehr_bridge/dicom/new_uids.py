"""UIDs for what is made here."""

from __future__ import annotations

import uuid


def new_uid() -> str:
    """A UID made from a UUID (PS3.5 annex B.2); needs no registered root."""
    return f"2.25.{uuid.uuid4().int}"
