"""A disk that a test fills and empties while a server works on it; no file system of its own: see full_disk.c."""

from __future__ import annotations

import ctypes.util
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("full_disk.c")


class FillingDisk:
    """Everything below a folder, for a server started with `environ`."""

    def __init__(self, folder: Path, elsewhere: Path) -> None:
        """`elsewhere` is on no disk that is ever full."""
        self._state = elsewhere / "disk-state"
        library = elsewhere / "full_disk.so"
        subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True)
        loaded = [str(library), *filter(None, [ctypes.util.find_library("jemalloc")])]
        self.environ = {
            "LD_PRELOAD": ":".join(loaded),
            "FULL_DISK_BELOW": str(folder),
            "FULL_DISK_STATE": str(self._state),
        }

    def become(self, state: str) -> None:
        """`low`, `full` or `sudden` (see full_disk.c); `roomy`."""
        beside = self._state.with_suffix(".new")
        beside.write_text(state)
        beside.replace(self._state)
