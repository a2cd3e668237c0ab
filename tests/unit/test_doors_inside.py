"""Rules that no caller has to remember stand in one place: nobody else settles, and nobody else forgets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "recorder.settle": {"plugin/running/compose.py", "ehr_bridge/services/bundle.py"},
    "claims.forget": {"ehr_bridge/services/bundle.py", "plugin/running/listeners.py"},
}
"""Who hands it on: the worker's chore, the composition of the services, and what the HL7 process says that it has
changed."""


@pytest.mark.parametrize("call", ALLOWED)
def test_only_the_doors_do_it(call: str) -> None:
    """Reading recent rows is `db.fresh`, hearing of changes `db.decisive`."""
    word = re.compile(rf"\b_?{re.escape(call)}\b")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("ehr_bridge", "plugin")
        for path in (ROOT / folder).rglob("*.py")
        if word.search(path.read_text())
    }
    assert found == ALLOWED[call]
