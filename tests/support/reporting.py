"""The report of a run of the whole suite: which capability was tested how often, on what, and how it ended.

    python -m tests.support.reporting FOLDER FILE

reads what scripts/test left in FOLDER (`*.xml` of pytest, `parts`) and writes FILE in Markdown. A capability is what
the first line of a test file says.
"""

from __future__ import annotations

import ast
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
ENGINE = re.compile(r"\b(sqlite|postgresql)\b")
PACKAGES = ("flask", "pydantic", "pydicom", "sqlalchemy", "psycopg", "pytest", "playwright", "pynetdicom")
SAID = 160
"""Characters of what a failed test said that stand at the end of a run; the whole stands above."""
DEBIAN = ("orthanc", "orthanc-python", "orthanc-dicomweb", "postgresql", "dcmtk", "chromium-headless-shell")


@dataclass(slots=True)
class Tally:
    """The tests of one file."""

    tests: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    databases: set[str] = field(default_factory=set)

    @property
    def outcome(self) -> str:
        return "failed" if self.failed else "passed"


def read(folder: Path) -> dict[str, Tally]:
    """What each test file came to, by its path; from pytest's files in the folder."""
    found: dict[str, Tally] = {}
    for file in sorted(folder.glob("*.xml")):
        for case in ET.parse(file).iter("testcase"):
            path = case.get("classname", "").replace(".", "/") + ".py"
            tally = found.setdefault(path, Tally())
            tally.tests += 1
            tally.failed += case.find("failure") is not None or case.find("error") is not None
            tally.skipped += case.find("skipped") is not None
            tally.seconds += float(case.get("time", 0))
            told = case.find("properties/property[@name='processor_seconds']")
            tally.processor += float(told.get("value", 0)) if told is not None else 0
            tally.databases |= set(ENGINE.findall(case.get("name", "")))
    return dict(sorted(found.items()))


def write(found: dict[str, Tally], parts: str, versions: list[str], at: datetime) -> str:
    """The report as Markdown."""
    tests, failed, skipped = (sum(getattr(t, n) for t in found.values()) for n in ("tests", "failed", "skipped"))
    lines = [
        "# Test report",
        "",
        f"{at:%Y-%m-%d %H:%M} UTC: {tests} tests in {len(found)} files, {failed} failed, {skipped} skipped",
        "",
        *(f"* {line}" for line in versions),
        "",
        "```",
        parts.rstrip(),
        "```",
        "",
        "| outcome | capability | tests | failed | skipped | databases | seconds | processor | file |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for path, each in found.items():
        databases = ", ".join(sorted(each.databases)) or "-"
        counts = (
            f"{each.tests} | {each.failed} | {each.skipped} | {databases} | {each.seconds:.0f} | {each.processor:.0f}"
        )
        lines.append(f"| {each.outcome} | {capability(ROOT / path)} | {counts} | {path} |")
    return "\n".join(lines) + "\n"


def heaviest(found: dict[str, Tally], shown: int = 15) -> str:
    """The files that take most of the processor, in seconds, with the servers they start; one a line."""
    whole = sum(each.processor for each in found.values())
    files = sorted(found.items(), key=lambda one: -one[1].processor)[:shown]
    lines = [f"  {each.processor:6.0f} s  {path}" for path, each in files]
    return "\n".join([f"of {whole:.0f} s of the processor:", *lines]) + "\n"


def failures(folder: Path) -> str:
    """The tests that failed, each with the beginning of what it said; one a line, and nothing if none did."""
    lines = [
        f"  {case.get('classname', '').replace('.', '/')}.py::{case.get('name')}: {_first(said.get('message', ''))}"
        for file in sorted(folder.glob("*.xml"))
        for case in ET.parse(file).iter("testcase")
        for said in [*case.findall("failure"), *case.findall("error")]
    ]
    return "\n".join(["failed:", *lines]) + "\n" if lines else ""


def _first(message: str) -> str:
    return " ".join(message.split())[:SAID]


def capability(file: Path) -> str:
    """The first line of a test file's docstring, fit for a table."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.is_file() else None
    return (text or "?").splitlines()[0].replace("|", "\\|")


def versions() -> Iterator[str]:
    """What was tested, and with what."""
    yield f"commit {_said('git', '-C', str(ROOT), 'rev-parse', '--short', 'HEAD')}"
    yield f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_said('uname', '-sr')}"
    yield ", ".join(f"{name} {_said('dpkg-query', '-W', '-f=${Version}', name)}" for name in DEBIAN)
    yield ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _said(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "not known"


def main(folder: Path, file: Path) -> None:
    parts = folder / "parts"
    said = parts.read_text(encoding="utf-8") if parts.is_file() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    found = read(folder)
    file.write_text(write(found, said, list(versions()), datetime.now(UTC)), encoding="utf-8")
    sys.stdout.write(heaviest(found))
    sys.stdout.write(f"report: {file}\n")
    sys.stdout.write(failures(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
