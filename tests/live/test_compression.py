"""Orthanc's compression, switched on when images were there already: both kinds of files are one archive."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom

from tests.live.digest_steps import recorded, sop
from tests.live.door_steps import c_store
from tests.live.tag_steps import modify, succeeded, undo
from tests.support.running import SMALL_LIMITS, running
from tests.support.samples import fresh_series, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, stating, upload

DAYS = 0.0001
ROUND = timedelta(days=DAYS)
"""Of fixity checks."""


def system(server: Server) -> dict[str, Any]:
    return dict(server.get("/api/v1/system", "admin").json())


def sent(server: Server, data: bytes) -> str:
    """What an upload of this file was: stored, or a duplicate."""
    answer = upload(server, data, X_Upload_Id=str(uuid.uuid4()), **stating(data))
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["instances"][0]["status"])


def files(server: Server, uid: str) -> set[bytes]:
    """The study's files as they are downloaded, to the byte."""
    accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    answer = server.get(f"/dicom-web/studies/{uid}", "doctor", headers=accept)
    assert answer.status_code == 200, answer.text
    boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"').encode()
    return {part.split(b"\r\n\r\n", 1)[1][:-2] for part in answer.content.split(b"--" + boundary)[1:-1]}


def all_are_whole(server: Server) -> None:
    """Every file that is here now is read once more, and none is damaged."""
    due = datetime.now(UTC) + ROUND
    eventually(lambda: (until := system(server)["fixity"]["checked_until"]) and datetime.fromisoformat(until) > due)
    assert system(server)["fixity"]["damaged"] == 0


def paths(server: Server) -> set[Path]:
    return {path for path in (server.data_dir / "images").rglob("*") if path.is_file()}


def test_images_from_before_and_after_the_switch_are_one_archive(tmp_path: Path) -> None:
    """Half a study came uncompressed: duplicates, digests, fixity, correction, undo, mending and download as ever."""
    whole = fresh_series()
    before, after, modality, other = whole[::2], [*whole[1::2], small()], small(), small()
    with running(tmp_path, EHR_BRIDGE_FIXITY_DAYS=str(DAYS), **SMALL_LIMITS) as server:
        assert {sent(server, data) for data in before} == {"stored"}
        storage = system(server)["storage"]
        assert storage["archive_bytes"] == storage["uncompressed_bytes"] > 0
        assert server.stop() == 0
        server.set("EHR_BRIDGE_STORAGE_COMPRESSION", "1")
        server.start()
        assert {sent(server, data) for data in after} == {"stored"}
        assert c_store(server, modality) == [0]
        recorded(server, sop(modality))
        storage = system(server)["storage"]
        assert storage["archive_bytes"] < storage["uncompressed_bytes"]
        assert {sent(server, data) for data in [*before, *after, modality]} == {"duplicate"}
        known = server.request(
            "POST",
            "/api/v1/dicom/known",
            user_token("technician"),
            json={"sha256": [hashlib.sha256(data).hexdigest() for data in [*before, *after]]},
        )
        assert len(known.json()["files"]) == len(before) + len(after)

        uid = str(pydicom.dcmread(io.BytesIO(whole[0])).StudyInstanceUID)
        assert files(server, uid) == set(whole)
        job = modify(server, uid, StudyDescription="Thorax")
        succeeded(server, job)
        assert not files(server, uid) & set(whole)
        succeeded(server, undo(server, job))
        eventually(lambda: files(server, uid) == set(whole))
        all_are_whole(server)

        there = paths(server)
        assert sent(server, other) == "stored"
        recorded(server, sop(other))
        kept = max(paths(server) - there, key=lambda path: path.stat().st_size)
        kept.write_bytes(kept.read_bytes()[:-7] + b"damaged")
        eventually(lambda: system(server)["fixity"]["damaged"] == 1)
        assert sent(server, other) == "stored"
        eventually(lambda: system(server)["fixity"]["damaged"] == 0)
