"""The folder of files that wait for a person, when several nodes share it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ehr_bridge.services.archive.quarantine import Quarantine, name_of


def test_a_file_that_another_node_has_just_dropped_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the list of the folder, and gone before it is looked at; the others are listed."""
    folder = Quarantine(tmp_path)
    kept, really = folder.put(b"an image", "rejected"), Path.glob

    def glob(path: Path, pattern: str) -> Iterator[Path]:
        yield path / name_of(b"another", "rejected")
        yield from really(path, pattern)

    monkeypatch.setattr(Path, "glob", glob)
    assert folder.names() == [kept]
