"""The page of docs/embedding.md is the file that the browser test runs, and short."""

from __future__ import annotations

from tests.unit.doc_steps import DOCS, section


def test_the_page_in_the_docs_is_the_one_that_is_tested() -> None:
    """Ten lines of script and frame, beside the tags around them."""
    example = (DOCS / "examples" / "embed.html").read_text()
    assert f"```html\n{example}```" in section("embedding.md", "Ten lines")
    lines = [line for line in example.splitlines() if line not in ("<!doctype html>", "<script>", "</script>")]
    assert len(lines) <= 10
