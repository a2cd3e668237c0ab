"""Steps of tests of backups: a small installation, and restic on a disk."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind
from ehr_bridge.services.backups.records import Backups
from ehr_bridge.settings import Settings, load_settings
from plugin.backup.backup import Telling, recorded
from plugin.backup.failures import BackupFailed
from plugin.backup.making import Making
from plugin.backup.restic import Progress, Restic, Summary
from plugin.backup.restore import Restoring
from tests.support.server import SECRET

PASSWORD = "a-password-for-backups"


class OnADisk(Restic):
    """restic, on a disk that may have a damaged place."""

    damaged: tuple[str, ...] = ()
    unlocked = 0

    def unlock(self) -> None:
        self.unlocked += 1
        super().unlock()

    def back_up(self, paths: Sequence[Path], tags: Sequence[str], parent: str | None, progress: Progress) -> Summary:
        return replace(super().back_up(paths, tags, parent, progress), unreadable=self.damaged)


class Place:
    """An installation with one image, and its repository."""

    def __init__(self, folder: Path, like: Place | None = None) -> None:
        """`like` another one: a copy of it, with what it has backed up."""
        self.folder = folder
        environ = {"EHR_BRIDGE_DATA_DIR": str(folder / "var"), "EHR_BRIDGE_JWT_SECRET": SECRET}
        self.settings: Settings = load_settings(environ)
        self.image = self.settings.storage_path / "ab" / "cd" / "abcd0000-1111-2222-3333-444455556666"
        if like is not None:
            for name in ("var", "store"):
                shutil.copytree(like.folder / name, folder / name)
        else:
            self.image.parent.mkdir(parents=True)
            self.image.write_bytes(b"an image")
        self.database = Database(self.settings.sqlalchemy_url)
        if like is None:
            migrate.upgrade(self.database)
        self.backups = Backups(self.database, lambda: datetime.now(UTC))
        self.restic = OnADisk(str(folder / "store"), PASSWORD, folder / "cache")
        self.said: list[str] = []

    def back_up(self, *, is_new: bool = False) -> str | None:
        """The failure, if any."""
        making = Making(self.settings, self.restic, self.backups, self.said.append, lambda *_: None, is_new=is_new)
        try:
            recorded(self.backups, BackupKind.BACKUP, "store", making.run, is_scheduled=False)
        except BackupFailed as error:
            return error.code
        return None

    def tags(self) -> list[str]:
        there = self.restic.open(create=False)
        return sorted(tag for one in there for tag in one.tags if not tag.startswith("run-"))

    def chosen(self, *, incomplete: bool = False) -> frozenset[str]:
        restoring = Restoring(self.settings, self.restic, Telling())
        return restoring._choose(None, incomplete=incomplete).tags
