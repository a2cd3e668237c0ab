"""Backups of a running server, by the commands that people type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.live.backup_steps import PASSWORD, back_up
from tests.live.tag_steps import alike, store
from tests.support.running import running
from tests.support.server import Server
from tests.support.steps import eventually


def restic(repository: Path, *arguments: str) -> bytes:
    environ = os.environ | {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(repository)}
    return subprocess.run(["restic", *arguments], env=environ, capture_output=True, check=True).stdout


def test_a_running_server_is_backed_up_and_says_what_is_in_the_snapshot(own_server: Server, tmp_path: Path) -> None:
    """Twice: the second time nothing of the images is sent again. No copy of a database is left behind, and the
    password is on nobody's command line."""
    store(own_server, alike(6))
    for _ in range(2):
        code, said = back_up(own_server, tmp_path / "repository")
        assert code == 0, said
    found = json.loads(restic(tmp_path / "repository", "snapshots", "--json", "--tag", "whole"))
    assert len(found) == 2 and "snapshot" in said
    (staging,) = (path for path in found[-1]["paths"] if path.endswith("ehr-bridge-backup"))
    manifest = json.loads(restic(tmp_path / "repository", "dump", found[-1]["id"], f"{staging}/manifest.json"))
    assert (manifest["counts"]["instances"], manifest["counts"]["studies"]) == (6, 1)
    assert manifest["counts"]["audit_events"] == manifest["head"][0]
    listed = restic(tmp_path / "repository", "ls", found[-1]["id"]).decode().splitlines()
    assert {f"{staging}/{name}" for name in ("bridge", "orthanc-index", "jwt-secret")} <= set(listed)
    images = sorted(path for path in own_server.data_dir.glob("images/??/??/*"))
    assert images and {str(path) for path in images} <= set(listed)
    assert not Path(staging).exists()
    actions = [each["action"] for each in own_server.get("/api/v1/audit", "admin").json()["items"]]
    assert actions.count("backup.made") == 2


def test_a_scheduled_backup_is_made_beside_the_server_and_read_again(tmp_path: Path) -> None:
    """The first one at once; the System page and the audit trail say so, and the server stops as it should."""
    scheduled = {"DICOM_BACKUP_ENABLED": "1", "DICOM_BACKUP_PATH": str(tmp_path / "repository")}
    with running(tmp_path, EHR_BRIDGE_BACKUP_PASSWORD=PASSWORD, **scheduled) as server:
        seen = eventually(lambda: _checked(server), 300)  # a whole backup, and the check of it
        assert seen["is_scheduled"] and seen["last_success_at"] and seen["last"]["failure"] is None
        attention = server.get("/api/v1/system", "admin").json()["attention"]
        assert not {"backup_old", "backup_failed"} & {each["code"] for each in attention}
        event = server.get("/api/v1/audit?action=backup.checked", "admin").json()["items"][0]
        assert event["detail"]["is_scheduled"] is True
        eventually(lambda: "the repository is whole" in (server.data_dir / "backup.log").read_text())


def _checked(server: Server) -> dict[str, Any] | None:
    seen: dict[str, Any] = server.get("/api/v1/system", "admin").json()["backups"]
    return seen if seen["last_check_at"] else None


def test_a_wrong_password_and_a_repository_that_is_away_are_one_line_each(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """And in the audit trail, by code."""
    (tmp_path / "file").write_text("no folder")
    code, said = back_up(sqlite_server, tmp_path / "file" / "repository")
    assert (code, said.count("\n")) == (1, 1) and "repository cannot be reached" in said
    store(sqlite_server, alike(1))
    assert back_up(sqlite_server, tmp_path / "repository")[0] == 0
    code, said = back_up(sqlite_server, tmp_path / "repository", EHR_BRIDGE_BACKUP_PASSWORD="another-password")
    assert code == 1 and "The password does not open this repository" in said.splitlines()[-1]
    shutil.rmtree(tmp_path / "repository")
    assert back_up(sqlite_server, tmp_path / "repository")[0] == 1  # its disk is not mounted: no new one in its place
    assert not (tmp_path / "repository").exists()
    failed = sqlite_server.get("/api/v1/audit?action=backup.failed", "admin").json()["items"]
    assert [each["detail"]["failure"] for each in failed[:3]] == [
        "no_repository",
        "wrong_password",
        "repository_away",
    ]
