"""Steps of the tests of backups: the commands as a person runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.support.server import ROOT, SECRET, Server

PASSWORD = "a-password-for-backups"


def command(module: str, environ: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A command, started."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EHR_BRIDGE_", "MAX_", "ORTHANC_"))}
    kept |= {"PYTHONPATH": str(ROOT), "EHR_BRIDGE_JWT_SECRET": SECRET, "EHR_BRIDGE_BACKUP_PASSWORD": PASSWORD}
    return subprocess.Popen(
        [sys.executable, "-m", f"plugin.backup.{module}", *arguments],
        env=kept | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def back_up(server: Server, repository: Path, **environ: str) -> tuple[int, str]:
    """Its exit code, and what it has said."""
    arguments = ("--to", str(repository), "--data-dir", str(server.data_dir))
    process = command("backup", server.environ | environ, *arguments)
    said, _ = process.communicate(timeout=180)
    return process.returncode, said


def restore(environ: dict[str, str], repository: Path, data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Into an empty place; its exit code, and what it has said."""
    process = command("restore", environ, "--from", str(repository), "--data-dir", str(data_dir), *arguments)
    said, _ = process.communicate(timeout=180)
    return process.returncode, said


def stored_digests(server: Server) -> dict[str, str]:
    """Of all images on record, by their UID."""
    engine = create_engine(server.database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT sop_instance_uid, stored_digest FROM instances")).all()
    engine.dispose()
    return {str(row[0]): str(row[1]) for row in rows}
