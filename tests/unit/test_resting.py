"""A server that several tests share rests while none of them runs: with all its processes, and it goes on as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

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


class Sleeper(Server):
    """Says that it is lost, as a node does whose beats are missing, until it has been asked twice."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = 0

    def get(self, path: str, *roles: str, **options: Any) -> Any:
        self.asked += 1
        nodes = [
            {"state": "lost", "is_this": False},
            {"state": "serving" if self.asked > 2 else "lost", "is_this": True},
        ]
        return SimpleNamespace(json=lambda: {"nodes": nodes})


def test_one_that_slept_for_long_is_used_when_it_has_said_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a test would read that a node is lost: the one which it asks. Short sleeps cost nothing."""
    server = Sleeper(tmp_path)
    user, other = (cast(pytest.Item, SimpleNamespace(fixturenames=names)) for names in (["sleeper"], []))
    with resting.shared("sleeper", server):
        resting.begin(user)
        resting.others(other)
        resting.begin(user)
        assert server.asked == 0
        resting.others(other)
        monkeypatch.setattr(resting, "LONG", 0)
        resting.end_of_file()
        resting.begin(user)
        assert server.asked == 3


def test_one_on_postgresql_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped within a transaction it would keep every other server of the cluster from writing."""
    rested: list[str] = []
    monkeypatch.setattr(Server, "rest", lambda server: rested.append(server.database_url[:6]))
    other = cast(pytest.Item, SimpleNamespace(fixturenames=[]))
    on_postgresql = Server(tmp_path, {"EHR_BRIDGE_DATABASE_URL": "postgresql+psycopg://nobody@localhost/none"})
    with resting.shared("one", Server(tmp_path)), resting.shared("two", on_postgresql):
        resting.others(other)
    assert rested == ["sqlite"]
