"""How much of a disk is kept for what is here already."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from ehr_bridge.storage import folder, room
from ehr_bridge.storage.files import Disk, FileStore
from ehr_bridge.storage.folder import FolderFiles
from ehr_bridge.storage.room import Room

GB = 1_000_000_000


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Disk]:
    """The file systems of two folders, as a test says."""
    found = {name: Disk(500 * GB, 1000 * GB) for name in ("images", "data")}
    for name in found:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(folder, "disk_of", lambda path: found[path.name])
    monkeypatch.setattr(room, "disk_of", lambda path: found[path.name])
    return found


@pytest.mark.parametrize("name", ["images", "data"])
@pytest.mark.parametrize(
    ("total", "free", "reserve", "has"),
    [
        (1000 * GB, GB, None, True),
        (1000 * GB, GB - 1, None, False),
        (10 * GB, GB // 2, None, True),  # of a small disk, a twentieth
        (10 * GB, GB // 2 - 1, None, False),
        (10 * GB, 1, 0, True),
        (1000 * GB, 50 * GB - 1, 50 * GB, False),
    ],
)
def test_either_disk_keeps_its_reserve(
    disks: dict[str, Disk], tmp_path: Path, name: str, total: int, free: int, reserve: int | None, has: bool
) -> None:
    """The one with the images, and the one with the database: a full one of them is enough to refuse."""
    disks[name] = Disk(free, total)
    assert Room(FolderFiles(tmp_path / "images"), tmp_path / "images", tmp_path / "data", reserve).has(0) is has


def test_a_large_image_must_fit_above_the_reserve(disks: dict[str, Disk], tmp_path: Path) -> None:
    """A smaller one may still come in."""
    disks["images"] = Disk(GB + 100, 1000 * GB)
    kept = Room(FolderFiles(tmp_path / "images"), tmp_path / "images", tmp_path / "data", None)
    assert (kept.has(100), kept.has(101)) == (True, False)


class _Endless:
    """A file store that has room for everything, as a bucket."""

    def has_room(self, _size: int) -> bool:
        return True

    def space(self) -> None:
        return None


def test_the_disk_on_which_images_wait_for_a_bucket_keeps_its_reserve_too(
    disks: dict[str, Disk], tmp_path: Path
) -> None:
    """Corrections, quarantine and removals write there, also while the bucket is away for long."""
    disks["images"] = Disk(GB + 100, 1000 * GB)
    kept = Room(cast(FileStore, _Endless()), tmp_path / "images", tmp_path / "data", None)
    assert (kept.has(100), kept.has(101)) == (True, False)
