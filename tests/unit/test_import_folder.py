"""The memory of an interrupted import, and what a folder holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from plugin.commands.folder import FolderContent, Progress, walk
from tests.support.samples import small


def begin(tmp_path: Path, aim: str = "here") -> Progress:
    return Progress(tmp_path / "var", tmp_path / "cd", aim)


def cd(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "cd"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(small())
    return list(walk(folder))


def test_what_was_sent_is_known_after_a_restart_as_one_upload(tmp_path: Path) -> None:
    """Even when the last line was being written as the plug was pulled."""
    a, b = cd(tmp_path)
    first = begin(tmp_path)
    assert not first.was_interrupted
    first.add(a)
    with first.path.open("a") as file:
        file.write('\n"half a li')
    second = begin(tmp_path)
    assert (second.was_interrupted, second.upload_id) == (True, first.upload_id)
    assert second.has(a) and not second.has(b)
    second.add(b)
    third = begin(tmp_path)
    assert third.has(a) and third.has(b)
    third.forget()
    assert not begin(tmp_path).was_interrupted


def test_a_changed_file_and_another_aim_are_sent_again(tmp_path: Path) -> None:
    """A corrected file is another file; another order is another import."""
    a, _ = cd(tmp_path)
    begin(tmp_path).add(a)
    assert begin(tmp_path).has(a)
    assert not begin(tmp_path, "for another order").has(a)
    a.write_bytes(small() + b"\0")
    assert not begin(tmp_path).has(a)


def test_what_was_left_out_is_known_after_a_restart(tmp_path: Path) -> None:
    """Only once something was sent: before that there is nothing to go on with."""
    a, b = cd(tmp_path)
    first = begin(tmp_path)
    first.begin([b])
    assert not begin(tmp_path).was_interrupted
    first.add(a)
    second = begin(tmp_path)
    assert (second.was_known(a), second.was_known(b), second.has(b)) == (False, True, False)
    b.write_bytes(small() + b"\0")
    assert not second.was_known(b)


def test_a_folder_is_sorted_by_study_and_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    """Stray files, empty ones, too large ones and links spoil nothing."""
    folder = tmp_path / "cd"
    folder.mkdir()
    (folder / "one").write_bytes(small(StudyInstanceUID="1.2.3"))
    (folder / "two").write_bytes(small(StudyInstanceUID="1.2.3"))
    (folder / "other").write_bytes(small(StudyInstanceUID="1.2.4"))
    (folder / "large").write_bytes(small(StudyInstanceUID="1.2.5") + bytes(3000))
    (folder / "README.TXT").write_bytes(b"This CD holds images. " * 20)
    (folder / "empty").write_bytes(b"")
    (folder / "link").symlink_to("/etc/passwd")
    content = FolderContent()
    for path in walk(folder):
        content.add(path, 2000)
    assert {uid: len(study.files) for uid, study in content.studies.items()} == {"1.2.3": 2, "1.2.4": 1}
    assert [path.name for path in content.files] == ["one", "two", "other"]
    assert content.digests == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in content.files}
    assert {path.name: code for path, code in content.refused} == {
        "large": "too_large",
        "README.TXT": "not_dicom",
        "empty": "empty_file",
    }
