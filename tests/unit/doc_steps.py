"""Reading the pages of docs/: sections, tables, code."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

import ehr_bridge.api
from ehr_bridge.db.tables import (
    accounts,  # noqa: F401  (their tables belong to the metadata)
    audit,  # noqa: F401  (their tables belong to the metadata)
    deletions,  # noqa: F401  (their tables belong to the metadata)
    identity_changes,  # noqa: F401  (their tables belong to the metadata)
    match_keys,  # noqa: F401  (their tables belong to the metadata)
    modifications,  # noqa: F401  (their tables belong to the metadata)
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MODULES = sorted(  # plugin/web holds no module of ours, but packages of npm that bring some
    path
    for room in ("ehr_bridge", "plugin")
    for path in (ROOT / room).rglob("*.py")
    if not path.is_relative_to(ROOT / "plugin" / "web")
)


def section(page: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/{page} has no section '{heading}'"
    return found[1]


def rows(page: str, heading: str, number: int = 0) -> list[list[str]]:
    """The cells of a table in a section, without its head."""
    tables = re.findall(r"(?:^\|.*\n)+", section(page, heading), re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number].splitlines()[2:]]


def code(cell: str) -> str:
    """The first code span of a cell; '' if it has none."""
    return next(iter(spans(cell)), "")


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file with the last part of the called name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield (node.func.id if isinstance(node.func, ast.Name) else node.func.attr), node


def model(name: str) -> type[BaseModel]:
    for module in pkgutil.walk_packages(ehr_bridge.api.__path__, "ehr_bridge.api."):
        found = getattr(importlib.import_module(module.name), name, None)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    raise AssertionError(f"there is no model {name}")
