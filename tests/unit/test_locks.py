"""The locks name every package that pyproject.toml asks for, each with its hashes."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.support.server import ROOT

ENTRY = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)(?: ; [^\\\n]*)?((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)
PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[\w+\])?==(\S+)")
LOCKS = ("requirements.lock", "requirements-test.lock")


def locked(name: str) -> dict[str, str]:
    """Package to version; every line of the lock is read."""
    text = (ROOT / "scripts" / name).read_text()
    assert ENTRY.sub("", text).strip() == "", "a line that is no pinned package with hashes"
    entries = ENTRY.findall(text)
    assert all(hashes for _, _, hashes in entries)
    return {package.lower().replace("_", "-"): version for package, version, _ in entries}


def pins(*, with_tools: bool) -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + (project["dependency-groups"]["dev"] if with_tools else [])
    found = {}
    for each in wanted:
        match = PIN.fullmatch(each)
        assert match is not None, each
        found[match[1]] = match[2]
    return found


@pytest.mark.parametrize(("name", "with_tools"), list(zip(LOCKS, (False, True), strict=True)))
def test_a_lock_has_what_the_project_asks_for(name: str, with_tools: bool) -> None:
    """After a change of pyproject.toml, scripts/lock writes it."""
    assert pins(with_tools=with_tools).items() <= locked(name).items()


def test_tests_run_on_the_versions_that_are_installed_for_use() -> None:
    runtime, tests = map(locked, LOCKS)
    assert runtime.items() <= tests.items()
