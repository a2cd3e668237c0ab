"""The quarantine folder: files that are kept, but not in the archive, until a person decides about them.

What stands in the folder has a row in the database (`intake.quarantine_records`); the file is always written first.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z_]{1,64}\.dcm")


class Quarantine:
    """Files by name: the SHA-256 of the bytes, and why they are here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes, code: str) -> str:
        """Write the bytes so that they survive a power cut; answers the file's name. The same bytes are kept once.

        Raises:
            OSError: the disk refuses; then the caller must not answer that all is well.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{hashlib.sha256(data).hexdigest()}.{code}.dcm"
        path = self._folder / name
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}.part")
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            _sync_folder(self._folder)
        return name

    def read(self, name: str) -> bytes:
        """The file.

        Raises:
            LookupError: it is not in this folder.
        """
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise LookupError(name) from error

    def names(self, older_than: float = 0) -> list[str]:
        """Of all files in the folder that have been there for that many seconds."""
        until = time.time() - older_than
        paths = (path for path in self._folder.glob("*.dcm") if _NAME.fullmatch(path.name))
        return sorted(path.name for path in paths if path.stat().st_mtime <= until)

    def drop(self, name: str) -> None:
        """Delete a file; one that is gone already is no matter."""
        (self._folder / name).unlink(missing_ok=True)


def sha256_of(name: str) -> str:
    """The SHA-256 in the name of a file."""
    return name.split(".", 1)[0]


def code_in(name: str) -> str:
    """Why a file is here, as its name says."""
    return name.split(".", 2)[1]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
