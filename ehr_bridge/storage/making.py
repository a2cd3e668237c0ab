"""The file store of an installation."""

from __future__ import annotations

from ehr_bridge.settings import Settings
from ehr_bridge.storage.files import FileStore
from ehr_bridge.storage.folder import FolderFiles


def files_of(settings: Settings) -> FileStore:
    return FolderFiles(settings.storage_path)
