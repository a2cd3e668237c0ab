"""A server that several tests share rests while none of them runs: with all its processes, and it goes on as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support import resting
from tests.support.server import Server, children_of
from tests.support.steps import eventually

FAMILY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print('child', flush=True); input()"], stdin=subprocess.PIPE)
sys.stdin.readline()
child.communicate(b"end")
"""


def _states(pids: list[int]) -> set[str]:
    return {Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] for pid in pids}


def test_a_server_rests_with_all_its_processes_and_ends_well_after_it(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.rest()  # it has not begun: nothing to stop
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        server.process = process
        process.stdout.readline()
        family = [process.pid, *children_of(process.pid)]
        assert len(family) == 2

        with resting.shared("a fixture of this test", server):
            server.rest()
            eventually(lambda: _states(family) == {"T"})
            resting.end_of_file()
            eventually(lambda: "T" not in _states(family))
            server.rest()
        eventually(lambda: "T" not in _states(family))
        process.stdin.write("end\n")
        process.stdin.close()
        assert process.wait(timeout=180) == 0
    server.rest()  # it has ended
    server.wake()
