"""The quarantine folder: files that are kept outside the archive until a person decides about them.

Each file has a row in the database (`intake.quarantine_records`); the file is always written first.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

from ehr_bridge.storage.folder import UNFINISHED, write_whole

GOING = ".going"
"""After the name of a file that is being deleted."""
LEFT_FOR = 3600.0
"""Seconds after which nobody writes an unfinished file any more."""
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z_]{1,64}\.dcm")


class Quarantine:
    """Files named by the SHA-256 of their bytes and the reason."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes, code: str) -> str:
        """Write the bytes so that they survive a power cut; returns the file's name. The same bytes are stored once.
        Raises OSError when they cannot be written; then the caller must not report success."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = name_of(data, code)
        path = self._folder / name
        if not _is_there_still(path):
            partial = path.with_suffix(f".{uuid.uuid4().hex}{UNFINISHED}")  # other nodes may write the same file
            write_whole(path, data, unfinished=partial)
        return name

    def read(self, name: str) -> bytes:
        """The file. Raises LookupError when it is not in this folder."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise LookupError(name) from error

    def names(self, older_than: float = 0) -> list[str]:
        """Names of all files that have been there for that many seconds."""
        until, names = time.time() - older_than, []
        for path in self._folder.glob("*.dcm"):
            with suppress(FileNotFoundError):  # another node has just dropped it
                if _NAME.fullmatch(path.name) and path.stat().st_mtime <= until:
                    names.append(path.name)
        return sorted(names)

    def drop(self, name: str, since: float) -> None:
        """Delete a file, if it is still there and the same bytes were not put again since then, by whichever node."""
        path, going = self._folder / name, self._folder / f"{name}{GOING}"
        with suppress(FileNotFoundError):  # another node does the same
            path.rename(going)
            if going.stat().st_mtime > since:
                going.rename(path)
            else:
                going.unlink()

    def tidy(self) -> None:
        """Complete what killed processes left: files that were to be deleted are back, unfinished ones are deleted."""
        until = time.time() - LEFT_FOR
        for path in self._folder.glob(f"*.dcm{GOING}"):
            with suppress(FileNotFoundError):
                path.rename(path.with_suffix(""))
        for path in self._folder.glob(f"*{UNFINISHED}"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < until:
                    path.unlink()


def _is_there_still(path: Path) -> bool:
    """Whether there is such a file; from now on it counts as put just now, so that nobody deletes it for being old."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def name_of(data: bytes, code: str) -> str:
    return f"{hashlib.sha256(data).hexdigest()}.{code}.dcm"


def sha256_of(name: str) -> str:
    return name.split(".", 1)[0]


def code_in(name: str) -> str:
    """The reason in the name of a file."""
    return name.split(".", 2)[1]
