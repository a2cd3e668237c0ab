"""What nginx is told of two nodes (docs/examples/nginx): one that is slow stays, one that says no goes at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "nginx"
CURL = """#!/bin/sh
for url; do :; done
said=$(cat "$SAID/$(echo "$url" | cut -d/ -f3)")
case $said in timeout) exit 28 ;; refused) exit 7 ;; *) printf %s "$said" ;; esac
"""
SLEEP = """#!/bin/sh
echo asked
read -r line
"""
"""A second is over when the test says so."""


class Follower:
    """The script, with nodes that answer what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "nginx"
        self._said = folder / "said"
        tools = folder / "bin"
        for made in (self.folder, self._said, tools):
            made.mkdir()
        for name, text in (("curl", CURL), ("sleep", SLEEP)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self._environ = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "SAID": str(self._said)}
        self._process: subprocess.Popen[str] | None = None

    def asks(self, a: str, b: str) -> dict[str, str]:
        """Each node is asked once, and answers this; then what nginx is told of each for writing."""
        (self._said / "a").write_text(a)
        (self._said / "b").write_text(b)
        if self._process is None:
            script = [shutil.which("bash") or "bash", str(EXAMPLE / "follow-ready")]
            command = [*script, str(self.folder), "a=a:4242", "b=b:4242"]
            self._process = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        else:
            assert self._process.stdin is not None
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "asked\n"
        lines = (self.folder / "writers.conf").read_text().splitlines()
        return {line.split()[1].strip(";"): line.split()[2].strip(";") for line in lines}

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # its `sleep` reads the end of its input, and ends too


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    made = Follower(tmp_path)
    yield made
    made.end()


BOTH = {"a": "max_fails=1", "b": "backup"}
ONLY_B = {"a": "down", "b": "max_fails=1"}


def test_a_node_that_is_slow_twice_keeps_the_writes(follower: Follower) -> None:
    """Else the images of one study are written on two nodes. The third time in a row it is down."""
    assert follower.asks("200", "200") == BOTH
    for _ in range(2):
        assert follower.asks("timeout", "200") == BOTH
    assert follower.asks("200", "200") == BOTH
    for _ in range(2):
        assert follower.asks("timeout", "200") == BOTH
    assert follower.asks("timeout", "200") == ONLY_B
    assert follower.asks("200", "200") == BOTH


@pytest.mark.parametrize("said", ["503", "refused"])
def test_a_node_that_says_no_or_is_not_there_is_down_at_once(follower: Follower, said: str) -> None:
    assert follower.asks("200", "200") == BOTH
    assert follower.asks(said, "200") == ONLY_B
    dicom = (follower.folder / "dicom.conf").read_text().splitlines()
    assert dicom == ["server a:4242 down;", "server b:4242 max_fails=1 fail_timeout=2s;"]
    assert follower.asks("200", "200") == BOTH


def test_a_node_that_drains_gets_nothing_new_while_the_other_is_slow(follower: Follower) -> None:
    """Those that say no are asked only when there is no other."""
    assert follower.asks("503", "200") == ONLY_B
    for _ in range(5):
        assert follower.asks("503", "timeout") == ONLY_B
    assert follower.asks("503", "refused") == BOTH
    assert follower.asks("503", "200") == ONLY_B


def test_a_full_disk_ends_nothing(follower: Follower) -> None:
    """What could not be written is written as soon as it can be."""
    assert follower.asks("200", "200") == BOTH
    (follower.folder / "writers.conf.new").mkdir()
    assert follower.asks("503", "200") == BOTH
    (follower.folder / "writers.conf.new").rmdir()
    assert follower.asks("503", "200") == ONLY_B


def test_nginx_waits_as_long_between_nodes_as_in_front_of_one() -> None:
    """An upload or a download of an archive whose answer begins after minutes is not cut off."""
    examples = (EXAMPLE / "nodes.conf", ROOT / "docs" / "deployment" / "proxy.md", ROOT / "docker-compose.yml")
    assert {tuple(re.findall(r"proxy_read_timeout (\w+);", file.read_text())) for file in examples} == {("10m",)}
