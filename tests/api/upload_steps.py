"""Uploads of several files, and what a refused one must not leave behind."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api


def assert_nothing_is_left(api: Api) -> None:
    assert api.archive.instances == {}
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 0
    assert api.get("/api/v1/dicom/uploads", "nurse").json["total"] == 0
    with api.services.database.read() as session:
        for table in ("studies", "study_links", "instances", "dicom_upload_logs", "dicom_upload_skips"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0, table


def related(*parts: tuple[str, bytes], boundary: str = "b0und") -> dict[str, Any]:
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode() + content + b"\r\n"
        for media_type, content in parts
    )
    return {
        "data": body + f"--{boundary}--\r\n".encode(),
        "content_type": f'multipart/related; type="application/dicom"; boundary={boundary}',
    }
