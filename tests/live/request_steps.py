"""Parts of a multipart request, and what a request leaves in tables and folders."""

from __future__ import annotations

import time

import sqlalchemy

from ehr_bridge.db.database import Database
from tests.support.server import Server
from tests.support.steps import eventually

TABLES = ("patients", "orders", "studies", "study_links", "instances", "dicom_upload_logs", "viewer_tokens")


def traces(server: Server) -> tuple[dict[str, int], int]:
    """How many rows and image files there are."""
    database = Database(server.database_url)
    with database.engine.connect() as connection:
        rows = {t: connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {t}")).scalar() or 0 for t in TABLES}
    database.dispose()
    return rows, len(server.stored_files())


def at_rest(server: Server) -> tuple[dict[str, int], int]:
    """The traces when nothing is under way any more of what tests before have sent: they stay for half a second."""
    last, since = traces(server), time.monotonic()

    def has_settled() -> bool:
        nonlocal last, since
        if (now := traces(server)) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= 0.5

    assert eventually(has_settled)
    return last


def part(body: bytes, media_type: str = "application/dicom") -> bytes:
    return b"--b\r\nContent-Type: " + media_type.encode() + b"\r\n\r\n" + body + b"\r\n"
