"""Damage on a real disk: found by the running server, told, and shown until the files are restored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.uploads import Instance
from tests.conftest import ENGINES
from tests.support.running import SMALL_LIMITS, databases, running
from tests.support.samples import small
from tests.support.server import ROOT, Server
from tests.support.steps import eventually, study, upload

TEN_SECONDS = "0.0001"
"""In days; a round, and the time until a damaged file is read again."""


def fixity(server: Server) -> dict[str, Any]:
    return dict(server.get("/api/v1/system", "admin").json()["fixity"])


def told(server: Server, uid: str) -> list[str]:
    steps = server.get(f"/api/v1/dicom/studies/{uid}/history?limit=500", "nurse").json()["items"]
    return sorted(step["detail"].get("code", "restored") for step in steps if "study.file_" in step["action"])


def doctor(server: Server) -> str:
    """What the command for administrators says of the files."""
    environ = {
        "PYTHONPATH": str(ROOT),
        "EHR_BRIDGE_DATA_DIR": str(server.data_dir),
        "EHR_BRIDGE_DATABASE_URL": server.database_url,
        "EHR_BRIDGE_HTTP_PORT": str(server.http_port),
        "EHR_BRIDGE_DICOM_PORT": str(server.dicom_port),
    }
    done = subprocess.run(
        [sys.executable, "-m", "plugin.cli", "doctor"], env=os.environ | environ, capture_output=True, text=True
    )
    return next(line for line in done.stdout.splitlines() if "files:" in line)


def all_read(server: Server, number: int) -> bool:
    database = Database(server.database_url)
    try:
        with database.read() as session:
            digests = session.scalars(select(Instance.stored_digest)).all()
    finally:
        database.dispose()
    return len(digests) == number and None not in digests


@pytest.mark.parametrize("engine", ENGINES)
def test_damaged_files_are_shown_until_they_are_restored(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    """One byte of one image changes, another image goes; the third stays out of it."""
    environ = SMALL_LIMITS | databases(request, engine) | {"EHR_BRIDGE_FIXITY_DAYS": TEN_SECONDS}
    with running(tmp_path, **environ) as server:
        uid = generate_uid()
        for number in range(3):
            assert upload(server, small(StudyInstanceUID=uid, InstanceNumber=number)).status_code == 201
        eventually(lambda: study(server, uid) and all_read(server, 3))
        assert fixity(server)["latest"] == []
        assert doctor(server).startswith("ok")

        images = server.data_dir / "images"
        changed, gone = server.stored_files()[:2]
        whole = {path: path.read_bytes() for path in (changed, gone)}
        damaged = bytearray(whole[changed])
        damaged[len(damaged) // 2] ^= 1
        changed.write_bytes(damaged)
        gone.unlink()
        said = eventually(lambda: (state := fixity(server))["damaged"] == 2 == len(state["latest"]) and state)
        assert {images / each["file"] for each in said["latest"]} == {changed, gone}
        assert {each["study_instance_uid"] for each in said["latest"]} == {uid}
        eventually(lambda: told(server, uid) == ["changed", "missing"])
        attention = server.get("/api/v1/system", "admin").json()["attention"]
        assert [each["count"] for each in attention if each["code"] == "files_damaged"] == [2]
        assert doctor(server).startswith("warn  files: 2")
        eventually(lambda: "ehr_bridge_damaged_files 2" in server.get("/tools/metrics-prometheus", "admin").text)

        server.kill()
        server.start()
        assert fixity(server)["damaged"] == 2
        for path, data in whole.items():
            beside = tmp_path / "restored"
            beside.write_bytes(data)
            beside.replace(path)  # whole from the first moment on: the checks go on meanwhile
        eventually(lambda: fixity(server)["damaged"] == 0)
        eventually(lambda: told(server, uid) == ["changed", "missing", "restored", "restored"])
        assert server.get("/api/v1/audit/verify", "admin").json()["ok"]
