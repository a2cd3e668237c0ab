"""The command line, as a step."""

from __future__ import annotations

import os
import signal
import subprocess

from click.testing import CliRunner

from plugin import cli
from tests.support.server import ROOT, SECRET, Server


def program(server: Server, *arguments: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """`ehr-bridge` as the administrator of that server runs it."""
    return subprocess.run(
        [str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(server.data_dir), *arguments],
        env={"PATH": "/usr/bin:/bin"} | _settings(server) | environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=600,
    )


def command(server: Server, *arguments: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own, which takes longer to load than most commands take. One test of each
    command runs the program."""
    call = ["--data-dir", str(server.data_dir), *arguments]
    without = {name: None for name in os.environ if name.startswith(("EHR_BRIDGE_", "MAX_", "ORTHANC_"))}
    without |= {"EHR_BRIDGE_DATA_DIR": None}  # which the command sets for itself
    mask, on_term = os.umask(0o077), signal.getsignal(signal.SIGTERM)
    try:
        done = CliRunner().invoke(cli.main, call, input=typed, env=without | _settings(server) | environ)
    finally:
        os.umask(mask)
        signal.signal(signal.SIGTERM, on_term)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(call, done.exit_code, done.stdout, done.stderr)


def _settings(server: Server) -> dict[str, str]:
    return {
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_DATABASE_URL": server.database_url,
        "EHR_BRIDGE_HTTP_PORT": str(server.http_port),
        "EHR_BRIDGE_DICOM_PORT": str(server.dicom_port),
    }
