"""Every error code that is documented is heard in a test: no promise is kept by the documentation alone."""

from __future__ import annotations

import ast
from pathlib import Path

from ehr_bridge.api.http.problems import CODES

TESTS = Path(__file__).resolve().parents[1]


def literals(path: Path) -> set[str]:
    """Every string of a test module, but for its docstrings' words."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_error_code_is_expected_by_a_test() -> None:
    """Written out as the code a test expects, in the tests through the application or the live server."""
    expected = set()
    for kind in ("api", "live"):
        for path in (TESTS / kind).glob("test_*.py"):
            expected |= literals(path)
    assert set(CODES) - expected == set()
