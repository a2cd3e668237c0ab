"""Files in a folder, which Orthanc itself writes and reads."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path

from ehr_bridge.storage.files import Disk, ObjectState

OWNER = "ehr-bridge.id"
"""The file that says whose a folder is, and the object that says whose a bucket is."""
UNFINISHED = ".part"
"""After the name of a file that is being written."""


class FolderFiles:
    """See `FileStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> BufferedIOBase:
        """If the folder of a file is missing too, the file is not reported as missing, because an unmounted disk looks
        like this."""
        path = self._path(name)
        if not path.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "the folder of the file is gone")
        return path.open("rb")

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def where(self, name: str) -> str:
        return str(path_of(name))

    def space(self) -> Disk | None:
        return disk_of(self._folder)

    def has_room(self, size: int) -> bool:
        disk = disk_of(self._folder)
        return disk is not None and disk.free_bytes >= size and os.access(self._folder, os.W_OK)

    def state(self) -> ObjectState | None:
        return None

    def _path(self, name: str) -> Path:
        return self._folder / path_of(name)


def write_owner(folder: Path, said: str) -> None:
    write_whole(folder / OWNER, said.encode())


def write_whole(path: Path, data: bytes, *, mode: int = 0o666, unfinished: Path | None = None) -> None:
    """The file is complete, or is what it was before, also after a power cut; when this returns it is safe on the disk.
    `unfinished` is the name until then, for writers of one file at the same time. Raises OSError; nothing is left
    behind, except by a process that was killed."""
    unfinished = unfinished or path.with_name(f"{path.name}{UNFINISHED}")
    write_synced(unfinished, data, mode=mode)
    try:
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """The content is safe on the disk, its name is not yet: `sync_folder`. Raises OSError; nothing is left behind."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Returns when what was renamed or made in it is safe on the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def path_of(name: str) -> Path:
    """Where Orthanc keeps the file of this name, in its storage folder."""
    return Path(name[:2], name[2:4], name)


def disk_of(folder: Path) -> Disk | None:
    """The file system of a folder; None while there is no such folder."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(usage.free, usage.total)


def older_files(folder: Path) -> Iterator[Path]:
    """What Orthanc has put into its folder."""
    for first in sorted(folder.glob("[0-9a-f][0-9a-f]")):
        for second in sorted(first.glob("[0-9a-f][0-9a-f]")):
            yield from second.iterdir()
