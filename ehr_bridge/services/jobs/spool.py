"""A folder in which a file survives a power cut while the archive has neither its old nor its new form."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from threading import Lock

from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import write_whole

_NAMING = Lock()
"""Several threads ask at a first start; a name that only one of them has got would be nobody's after it."""


class Spool:
    """Files by id, readable only by the owner; after `put` returns, the file is on the disk."""

    def __init__(self, folder: Path, home: Path | None = None, name: str | None = None) -> None:
        """`home` is a folder of this node alone, where nodes share the spool; `name` is its name, if it has one."""
        self._folder = folder
        self._home = home or folder
        self._name = name

    @property
    def node(self) -> str:
        """The name of this node in leases: after a restart it goes on with what it held, at once. Raises OSError when
        its folder is not writable."""
        if self._name is not None:
            return self._name
        path = self._home / "node"
        with _NAMING:
            if not path.exists():
                self._write(path, str(uuid.uuid4()).encode())
            return path.read_text()

    def put(self, name: uuid.UUID, data: bytes) -> None:
        """Store the file and the folder's entry for it durably. Raises OSError when the disk is full or away; nothing
        is left behind."""
        self._write(self._path(name), data)

    def get(self, name: uuid.UUID) -> bytes | None:
        """The whole file, or None when it was never completely written."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def drop(self, name: uuid.UUID) -> None:
        """Delete a file, if it is still there."""
        self._path(name).unlink(missing_ok=True)

    def names(self, until: datetime | None = None) -> list[uuid.UUID]:
        """The ids of all files, or of those written before that time."""
        paths = sorted(self._folder.glob("*.dcm"))
        return [uuid.UUID(path.stem) for path in paths if until is None or _written(path) < until.timestamp()]

    def drop_unfinished(self, until: datetime) -> None:
        """Delete what killed processes had begun to write before that time."""
        for path in self._folder.glob("*.part"):
            if _written(path) < until.timestamp():
                path.unlink(missing_ok=True)

    def _path(self, name: uuid.UUID) -> Path:
        return self._folder / f"{name}.dcm"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data, mode=0o600)


def _written(path: Path) -> float:
    """When a file was written; infinite when it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def spool_of(settings: Settings) -> Spool:
    """The spool that all nodes share, with the name of this one."""
    return Spool(settings.modifying_path, settings.node_path, settings.node)
