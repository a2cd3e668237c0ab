"""Files of images in a folder, as Orthanc keeps them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ehr_bridge.storage import folder
from ehr_bridge.storage.files import Disk
from ehr_bridge.storage.folder import FolderFiles, disk_of, write_whole

NAME = "abcd1234-0000-4000-8000-000000000000"


def test_a_file_lies_where_orthanc_has_put_it(tmp_path: Path) -> None:
    """Two folders deep, by the first letters of its name; removed twice is removed."""
    files, place = FolderFiles(tmp_path), tmp_path / "ab" / "cd" / NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(b"an image")
    with files.open(NAME) as file:
        assert file.read() == b"an image"
    assert files.where(NAME) == f"ab/cd/{NAME}"
    files.remove(NAME)
    files.remove(NAME)
    with pytest.raises(FileNotFoundError):
        files.open(NAME)


def test_a_disk_that_is_not_mounted_is_no_missing_file(tmp_path: Path) -> None:
    """Else every image would be reported lost, and replaced by whoever sends it again."""
    with pytest.raises(NotADirectoryError):
        FolderFiles(tmp_path).open(NAME)


def test_a_file_can_be_stored_where_there_is_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, and a folder that is missing, cannot take one; so health says `storage: degraded`."""
    files = FolderFiles(tmp_path)
    assert files.has_room(0)
    assert not FolderFiles(tmp_path / "nowhere").has_room(0)
    monkeypatch.setattr(folder, "disk_of", lambda _folder: Disk(600, 1000))
    assert files.has_room(600)
    assert not files.has_room(601)


def test_the_disk_is_the_one_with_the_images(tmp_path: Path) -> None:
    """As the operating system says it; a folder that is not there has none."""
    found = FolderFiles(tmp_path).space()
    assert found is not None
    assert 0 <= found.free_bytes <= found.total_bytes
    assert disk_of(tmp_path / "nowhere") is None


def test_a_file_is_whole_or_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its owner may read it where that is said; on a full disk the former one stays, and no half of the new."""
    path, synced = tmp_path / "file", list[object]()
    monkeypatch.setattr(folder, "sync_folder", synced.append)
    write_whole(path, b"former", mode=0o600)
    assert (path.read_bytes(), path.stat().st_mode & 0o777, synced) == (b"former", 0o600, [tmp_path])

    def is_full(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", is_full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"newer", mode=0o600)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"former"}


def test_a_name_that_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    """A folder is in the way."""
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "file", b"new", unfinished=tmp_path / "mine.part")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
