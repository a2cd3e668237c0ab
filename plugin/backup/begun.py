"""A restore that has begun in a place and has not ended: the same command goes on, alone; no server starts there."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ehr_bridge import shallow_json
from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import UNFINISHED, sync_folder, write_whole
from plugin.backup.failures import BackupFailed

FILE = "restore-begun.json"
"""In the new data directory, from before anything else is written there until everything was proved; and in the folder
of the images, which other nodes share."""
PART, LOCK = f"{FILE}{UNFINISHED}", "restore.lock"
FILES, PROVING = "files", "proving"
"""Phases: files and databases are being written; they are there, and the images of the last moments are settled."""


@dataclass(frozen=True, slots=True)
class Begun:
    snapshot: str
    phase: str = FILES
    places: Mapping[str, str] = field(default_factory=dict)
    """Where it writes (`target.places`)."""
    placing: tuple[str, ...] = ()
    """Those of the databases that were empty just before they were written."""


def read(folder: Path) -> Begun | None:
    """None: no restore has begun here, or it has ended."""
    file = folder / FILE
    if not file.is_file():
        return None
    said = shallow_json.loads(file.read_bytes())
    return Begun(said["snapshot"], said["phase"], said.get("places", {}), tuple(said.get("placing", ())))


def write(folder: Path, begun: Begun) -> None:
    """Whole or not at all, also when the machine dies."""
    write_whole(folder / FILE, json.dumps(asdict(begun)).encode())


def remove(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            (folder / FILE).unlink(missing_ok=True)
            sync_folder(folder)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """No other restore works in this place meanwhile. Raises BackupFailed when one does."""
    is_new = not data_dir.exists()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / LOCK).open("a")
    except OSError as error:
        raise BackupFailed("failed", f"{data_dir} cannot be written: {error.strerror}") from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed("restore_running", str(data_dir)) from None
        if os.fstat(file.fileno()).st_nlink == 0:
            raise BackupFailed("restore_running", str(data_dir))  # it ended this moment
        try:
            yield
        finally:
            (data_dir / LOCK).unlink(missing_ok=True)
            if is_new:
                with suppress(OSError):  # it has been written
                    data_dir.rmdir()


def settle(*folders: Path) -> None:
    """What was written into these file systems is on their disks. Raises BackupFailed."""
    there = [str(folder) for folder in folders if folder.is_dir()]
    ran = subprocess.run(["/usr/bin/sync", "--file-system", *there], capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode != 0:
        raise BackupFailed("failed", ran.stderr.strip()[:200])


def obstacle(settings: Settings) -> str | None:
    """Why no server may start here: a restore is going on or was interrupted, also one that was begun on another node
    that shares the images."""
    with suppress(FileNotFoundError), (settings.data_dir / LOCK).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"a restore into {settings.data_dir} is going on: wait until it has ended, then start"
    if read(settings.data_dir) is not None:
        return "a restore was interrupted here: repeat scripts/restore, which goes on, then start"
    if read(settings.storage_path) is not None:
        return (
            f"a restore into {settings.storage_path} has not ended: wait for it, or, if it was interrupted, repeat "
            "scripts/restore on the node where it was begun, then start"
        )
    return None
