"""Where files outside the archive are, and how they come there from where earlier versions kept them."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ehr_bridge.settings import Settings, load_settings
from plugin.starting.sharing_folders import bring_along


def settings_of(folder: Path, **more: str) -> Settings:
    return load_settings({"EHR_BRIDGE_DATA_DIR": str(folder)} | more)


def earlier(folder: Path) -> dict[str, bytes]:
    """Files of a version that kept them in the data directory."""
    files = {"modifying/1.dcm": b"1", "quarantine/2.dcm": b"2", "rejected/3.dcm": b"3", "purge/1.2.txt": b"aabb\n"}
    for name, data in (files | {"modifying/node": b"the name"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def kept(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_who_shares_the_images_shares_what_is_outside_the_archive(tmp_path: Path) -> None:
    """One variable is enough for a second node; another place can be named."""
    one, other = settings_of(tmp_path / "a"), tmp_path / "a" / "images"
    assert settings_of(tmp_path / "b", DICOM_STORAGE_PATH=str(other)).quarantine_path == one.quarantine_path
    assert settings_of(tmp_path / "b", DICOM_STORAGE_PATH=str(other)).node_path != one.node_path
    assert settings_of(tmp_path, EHR_BRIDGE_SHARED_DIR="/mnt/x").modifying_path == Path("/mnt/x/modifying")


@pytest.mark.parametrize("is_other_disk", [False, True])
def test_an_upgrade_moves_them_and_nobody_moves_anything_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_other_disk: bool
) -> None:
    """Also to another disk; what is no file of ours stays, and so does the name of the node."""
    files, settings = earlier(tmp_path), settings_of(tmp_path)
    (tmp_path / "quarantine" / "notes.txt").write_text("hands off")
    really = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return really(self, target)

    if is_other_disk:
        monkeypatch.setattr(Path, "rename", rename)
    assert bring_along(settings) == 4
    assert kept(settings.shared_path) == files
    left = {name for name in kept(tmp_path) if not name.startswith("images/")}
    assert left == {"modifying/node", "quarantine/notes.txt"}
    assert bring_along(settings) == 0
    assert bring_along(settings_of(tmp_path, EHR_BRIDGE_SHARED_DIR=str(tmp_path))) == 0


def test_two_journals_of_one_purge_become_one(tmp_path: Path) -> None:
    """Each node that is upgraded brings the names of the files that it was removing."""
    earlier(tmp_path / "a")
    earlier(tmp_path / "b")
    images = str(tmp_path / "images")
    for name in ("a", "b"):
        bring_along(settings_of(tmp_path / name, DICOM_STORAGE_PATH=images))
    assert (tmp_path / "images" / "ehr-bridge" / "purge" / "1.2.txt").read_text() == "aabb\n" * 2
