"""The pictures of the pages: each has a maker, is shown with words by a page, and is a small file."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.pictures.makers import IMAGES, PICTURES
from tests.unit.doc_steps import DOCS, ROOT

PAGES = [*DOCS.rglob("*.md"), ROOT / "README.md"]
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+\.png)\)")
MOST_BYTES = 80_000


def shown(page: Path) -> list[tuple[str, Path]]:
    """Its pictures, each with the words for those who do not see it."""
    return [(words, (page.parent / link).resolve()) for words, link in SHOWN.findall(page.read_text())]


def test_each_picture_is_made_by_the_command_and_shown_by_a_page() -> None:
    """None is left over, and none is missing."""
    there = {path.stem for path in IMAGES.iterdir()}
    assert there == set(PICTURES)
    assert {path for page in PAGES for _, path in shown(page)} == {IMAGES / f"{name}.png" for name in PICTURES}


def test_each_picture_is_described_and_small() -> None:
    """A clone is not made of pictures."""
    assert [path.name for page in PAGES for words, path in shown(page) if len(words) < 10] == []
    assert {path.name: size for path in IMAGES.iterdir() if (size := path.stat().st_size) > MOST_BYTES} == {}


def test_the_first_screen_of_the_readme_shows_the_way_from_the_order_to_the_report() -> None:
    """In three pictures, before anything else is explained."""
    first = (IMAGES.parents[1] / "README.md").read_text().partition("\n## ")[0]
    assert [Path(link).stem for _, link in SHOWN.findall(first)] == ["orders", "viewer", "report"]
