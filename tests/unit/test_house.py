"""The house stays one knows one's way about: small rooms, short files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    path.relative_to(ROOT)
    for folder in ("ehr_bridge", "plugin")
    for path in (ROOT / folder).rglob("*.py")
    if "web" not in path.parts
]


def test_no_folder_holds_more_modules_than_one_can_look_over() -> None:
    """Sixteen; more is a corridor, and wants wings."""
    number = Counter(path.parent.as_posix() for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in number.items() if count > 16} == {}


def test_no_module_is_longer_than_one_reads_in_one_go() -> None:
    """330 lines; a longer one has two reasons to change."""
    lines = {path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 330} == {}


def test_every_folder_says_what_it_is_about() -> None:
    """In the docstring of its `__init__`."""
    folders = {path.parent for path in MODULES}
    silent = [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").read_text().startswith('"""')]
    assert silent == []
