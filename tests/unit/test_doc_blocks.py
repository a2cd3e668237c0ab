"""What docs repeat is made from what they repeat: the tables of the API, and the programs of the quick start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ehr_bridge.api.http.problems import CODES
from tests.support.doc_blocks import BLOCK, DOCS, PAGES, TABLES, fresh

WRITE = "run: .venv/bin/python -m tests.support.doc_blocks"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_made_is_up_to_date(page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == fresh(page), WRITE


def test_each_table_and_each_program_stands_on_a_page() -> None:
    """None is forgotten, and none stands twice."""
    names = [found[0] for page in PAGES for found in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))]
    programs = [f"examples/{path.name}" for path in (DOCS / "examples").iterdir() if "quick" in path.stem.lower()]
    assert sorted(names) == sorted([*TABLES, *programs])
    assert len(programs) == 4


def test_the_quick_start_stays_short() -> None:
    """Order, upload, list, link, events: fewer lines than the 39 that it took without events."""
    assert len((DOCS / "examples" / "quick_start.py").read_text(encoding="utf-8").splitlines()) < 39


@pytest.mark.parametrize("page", sorted((DOCS / "tasks").glob("*.md")), ids=lambda page: page.stem)
def test_the_page_of_a_task_says_what_to_send_what_comes_back_and_what_to_do_when_it_fails(page: Path) -> None:
    """In this order; and each code that it names exists."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What to send", "What comes back", "What can go wrong"]
    table = re.findall(r"^\| ([^|]+) \|", text.partition("## What can go wrong")[2], re.MULTILINE)
    named = {name for cell in table for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", cell)}
    assert named and named <= set(CODES), named - set(CODES)
