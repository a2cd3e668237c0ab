"""A restore that was interrupted: the same command goes on, another backup is refused, no server starts meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ehr_bridge.settings import load_settings
from plugin.backup import begun
from plugin.backup.backup import Telling
from plugin.backup.failures import BackupFailed
from plugin.backup.restore import Restoring
from tests.live.backup_steps import command
from tests.support.server import ROOT, SECRET
from tests.support.steps import eventually
from tests.unit.backup_steps import Place

HELD = """#!/bin/sh
case " $* " in *" restore "*) touch "{folder}/reached"; while :; do sleep 0.05; done ;; esac
exec "{restic}" "$@"
"""
"""restic that never comes to an end of restoring."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    assert place.back_up() is None
    return place


def environ_of(folder: Path) -> dict[str, str]:
    return {"EHR_BRIDGE_DATA_DIR": str(folder / "new"), "EHR_BRIDGE_JWT_SECRET": SECRET}


def killed_while_files_are_restored(folder: Path) -> None:
    restic = shutil.which("restic")
    assert restic is not None
    held = folder / "held"
    held.mkdir()
    (held / "restic").write_text(HELD.format(folder=held, restic=restic))
    (held / "restic").chmod(0o755)
    path = {"PATH": f"{held}{os.pathsep}{os.environ['PATH']}"}
    process = command("restore", path, "--from", str(folder / "store"), "--data-dir", str(folder / "new"))
    eventually(lambda: (held / "reached").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.wait()


def test_the_same_command_goes_on_after_kill(place: Place, tmp_path: Path) -> None:
    """Also when a later backup was made meanwhile; another one that is named is refused, in one line."""
    killed_while_files_are_restored(tmp_path)
    known = begun.read(tmp_path / "new")
    assert known is not None and known.phase == begun.FILES
    half = tmp_path / "new" / "images" / "ab" / "cd" / place.image.name
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    assert place.back_up() is None
    arguments = ("--from", str(tmp_path / "store"), "--data-dir", str(tmp_path / "new"))
    process = command("restore", {}, *arguments, "--at", "2999-01-01")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "Another backup was being restored into this place" in said.splitlines()[-1]
    process = command("restore", {}, *arguments)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "it goes on" in said, said
    assert begun.read(tmp_path / "new") is None and (tmp_path / "new" / "ehr-bridge.sqlite3").is_file()
    process = command("restore", {}, *arguments)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "begins with an empty place" in said


def test_no_server_starts_on_half_a_restore(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, which says what to do; after what was there is proved, it starts."""
    settings = load_settings(environ_of(tmp_path))

    def ends(*_: object) -> bool:
        raise BackupFailed("failed", "Orthanc does not start on the restored index")

    with monkeypatch.context() as patch:
        patch.setattr(Restoring, "_prove", ends)
        with pytest.raises(BackupFailed):
            Restoring(settings, place.restic, Telling()).run(None)
    known = begun.read(settings.data_dir)
    assert known is not None and known.phase == begun.PROVING
    start = [sys.executable, "-m", "plugin.launch", "--no-demo"]
    environ = os.environ | environ_of(tmp_path) | {"PYTHONPATH": str(ROOT)}
    refused = subprocess.run(start, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert refused.returncode != 0 and "repeat scripts/restore" in refused.stdout + refused.stderr
    assert Restoring(settings, place.restic, Telling()).run(None)
    assert begun.read(settings.data_dir) is None
