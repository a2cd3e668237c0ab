"""The command line of accounts, as a step."""

from __future__ import annotations

import subprocess

from tests.support.server import ROOT, SECRET, Server


def command(server: Server, *arguments: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """`ehr-bridge` as the administrator of that server runs it."""
    settings = {
        "PATH": "/usr/bin:/bin",
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_DATABASE_URL": server.database_url,
        "EHR_BRIDGE_HTTP_PORT": str(server.http_port),
        "EHR_BRIDGE_DICOM_PORT": str(server.dicom_port),
    }
    return subprocess.run(
        [str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(server.data_dir), *arguments],
        env=settings | environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=600,
    )
