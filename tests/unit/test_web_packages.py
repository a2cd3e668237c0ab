"""What builds the pages comes without what checks and tests them: scripts/setup --runtime leaves the latter out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import ROOT

WEB = ROOT / "plugin" / "web"
IMPORT = re.compile(r'^(?!import type).*\bfrom "(@[\w.-]+/[\w.-]+|(?!node:)[a-z][\w.-]*)', re.MULTILINE)
"""The package of an import that is more than a type's; our own files begin with a dot."""
TOOLS = (
    "oxlint",
    "oxlint-tsgolint",
    "vitest",
    "typescript",
    "typescript-7",
    "happy-dom",
    "axe-core",
    "dependency-cruiser",
    "openapi-typescript",
)


def built() -> Iterator[Path]:
    """What `npm run build` reads."""
    yield WEB / "vite.config.ts"
    yield from (WEB / "tools").glob("*.mjs")
    for path in (WEB / "src").rglob("*.ts*"):
        if ".test." not in path.name and path.name != "testing.ts" and "testing" not in path.parts:
            yield path


def test_building_needs_no_package_of_the_tools() -> None:
    """Every package that is imported, and the command itself, is a dependency."""
    package = json.loads((WEB / "package.json").read_text())
    imported = {name for path in built() for name in IMPORT.findall(path.read_text("utf-8"))}
    assert {"react", "@noble/hashes", "vite"} <= imported
    commands = {part.split()[0] for part in package["scripts"]["build"].split("&&")} - {"node"}
    assert imported | commands <= package["dependencies"].keys()


def test_the_lock_keeps_the_tools_apart() -> None:
    """None of them is installed where development packages are left out."""
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    installed = {
        path.rpartition("node_modules/")[2]
        for path, entry in packages.items()
        if path and not (entry.get("dev") or entry.get("devOptional"))
    }
    assert installed & set(TOOLS) == set()
    assert {"vite", "react"} <= installed
