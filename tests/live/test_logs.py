"""The log of the real server: JSON by setting, and turned over while it runs."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.support.server import Server
from tests.support.steps import eventually

SERVES = "the gate stands in the path"


def test_the_file_is_turned_over_and_the_next_process_writes_to_the_new_one(tmp_path: Path) -> None:
    """Orthanc's own lines too; and what it says after it died and was started again is not in the old file."""
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    (data_dir / "orthanc.log").write_bytes(b"an old line\n" * 100_000)
    server = Server(data_dir, {"EHR_BRIDGE_LOG_MAX_MB": "1", "EHR_BRIDGE_LOG_KEPT": "1"})
    server.start()
    try:
        former = data_dir / "orthanc.log.1"
        eventually(former.exists)
        eventually(lambda: SERVES in former.read_text())
        assert former.read_text().startswith("an old line\n")
        assert SERVES not in server.log()
        os.kill(int(server.children()[0]), signal.SIGKILL)
        eventually(lambda: SERVES in server.log())
        assert "Orthanc version" in server.log()
        assert (data_dir / "orthanc.log").stat().st_mode & 0o077 == 0
    finally:
        server.end()


def test_our_lines_are_json_where_the_setting_says_so(tmp_path: Path) -> None:
    """Beside Orthanc's own lines, which stay text."""
    server = Server(tmp_path / "var", {"EHR_BRIDGE_LOG_FORMAT": "json"})
    server.start()
    try:

        def ours() -> list[dict[str, str]]:
            lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
            return [line for line in lines if SERVES in line["message"]]

        (serves,) = eventually(ours)
        assert (serves["level"], serves["logger"]) == ("WARNING", "plugin.running.compose")
        assert set(serves) == {"time", "level", "logger", "message", "request_id"}
        assert SERVES not in "".join(line for line in server.log().splitlines() if not line.startswith("{"))
    finally:
        server.end()
