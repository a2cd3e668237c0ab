"""One version, wherever it is written down."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from ehr_bridge.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_names_the_same_version() -> None:
    """Who reports a fault reads it from the System page, who installs from the file of the package."""
    web = ROOT / "plugin" / "web"
    lock = json.loads((web / "package-lock.json").read_text())
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert json.loads((web / "package.json").read_text())["version"] == VERSION
    assert (lock["version"], lock["packages"][""]["version"]) == (VERSION, VERSION)


def test_the_newest_release_of_the_changelog_is_this_version_with_its_day() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    newest, day = headings[1]
    assert newest == VERSION
    assert day
