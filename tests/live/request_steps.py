"""Parts of a multipart request, and what a request leaves in tables and folders."""

from __future__ import annotations

import sqlalchemy

from ehr_bridge.db.database import Database
from tests.support.server import Server

TABLES = ("patients", "orders", "studies", "study_links", "instances", "dicom_upload_logs", "viewer_tokens")


def traces(server: Server) -> tuple[dict[str, int], int]:
    """How many rows and image files there are."""
    database = Database(server.database_url)
    with database.engine.connect() as connection:
        rows = {t: connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {t}")).scalar() or 0 for t in TABLES}
    database.dispose()
    return rows, len(server.stored_files())


def part(body: bytes, media_type: str = "application/dicom") -> bytes:
    return b"--b\r\nContent-Type: " + media_type.encode() + b"\r\n\r\n" + body + b"\r\n"
