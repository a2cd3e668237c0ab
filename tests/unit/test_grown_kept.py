"""`scripts/bench grown --keep FOLDER` removes nothing there that it did not make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.grown import kept
from tests.bench.grown.rows import Grown


class Killed(BaseException):
    """The end of its process."""


def test_a_kept_archive_of_an_earlier_version_is_left_alone(tmp_path: Path) -> None:
    """It took hours to fill, and says nowhere how many studies it has: it is neither removed nor asked."""
    (tmp_path / "grown.sqlite3").write_bytes(b"a million studies")
    with kept.Archive(tmp_path, 20) as archive, pytest.raises(SystemExit, match="move it away"):
        archive.sqlite()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"a million studies"]


def test_one_that_was_interrupted_is_filled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an archive is never asked; a whole one is not filled again."""
    filled: list[int] = []

    def fill(path: Path, grown: Grown) -> None:
        assert not path.exists()
        path.write_bytes(b"half")
        filled.append(grown.studies)
        if len(filled) == 1:
            raise Killed

    monkeypatch.setattr(kept, "fill", fill)
    monkeypatch.setattr(kept, "_migrated", str)
    with kept.Archive(tmp_path, 20) as archive, pytest.raises(Killed):
        archive.sqlite()
    assert not (tmp_path / "grown.sqlite3").exists()
    for studies in (30, 40):
        with kept.Archive(tmp_path, studies) as archive:
            assert archive.sqlite() == f"sqlite:///{tmp_path / 'grown.sqlite3'}"
    assert filled == [20, 30] and sorted(path.name for path in tmp_path.iterdir()) == ["filled.json", "grown.sqlite3"]
