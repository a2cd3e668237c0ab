"""Brings files outside the archive to the folder that all nodes share, from where versions before it kept them."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import sync_folder


def bring_along(settings: Settings) -> int:
    """Move them from the data directory; returns how many. Killed anywhere, the next start goes on. Raises OSError."""
    moved = 0
    for folder, pattern in (
        (settings.modifying_path, "*.dcm"),
        (settings.quarantine_path, "*.dcm"),
        (settings.rejected_path, "*.dcm"),
        (settings.purge_journal_path, "*.txt"),
    ):
        former = settings.data_dir / folder.name
        if former.resolve() == folder.resolve() or not former.is_dir():
            continue
        for path in sorted(former.glob(pattern)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _move(path, folder / path.name)
            moved += 1
        if folder != settings.modifying_path:  # its former folder has the name of this node
            with suppress(OSError):  # something else is in it
                former.rmdir()
    return moved


def _move(path: Path, to: Path) -> None:
    """To the same or another file system; the file is whole in one of the two places at any moment."""
    if to.suffix == ".txt" and to.exists():  # another node purges the same study
        with path.open("a") as file:
            file.write(to.read_text())
    try:
        path.rename(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        unfinished = to.with_suffix(".part")
        shutil.copy2(path, unfinished)
        with unfinished.open("rb") as copied:
            os.fsync(copied.fileno())
        unfinished.rename(to)
        path.unlink()
    sync_folder(to.parent)
