"""Files that must not reach Orthanc, kept on disk until somebody looks at them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


class Quarantine:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes, code: str) -> str:
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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
