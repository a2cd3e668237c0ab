"""The web page's types come from the API as it is."""

from __future__ import annotations

from tests.support.web_types import FILE, shapes


def test_the_pages_types_are_those_of_the_api() -> None:
    """Fails when a route or schema changed and `npm run types` in plugin/web was not run afterwards."""
    assert FILE.read_text(encoding="utf-8") == shapes(), "run: cd plugin/web && npm run types"
