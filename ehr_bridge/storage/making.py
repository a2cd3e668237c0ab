"""The file store of an installation."""

from __future__ import annotations

import time

from ehr_bridge.settings import MEGABYTE, Settings
from ehr_bridge.storage.files import FileStore
from ehr_bridge.storage.folder import OWNER, FolderFiles
from ehr_bridge.storage.objects import ObjectFiles


def files_of(settings: Settings) -> FileStore:
    """Nothing is begun by it, so that whoever only reads may ask too."""
    if settings.bucket is None:
        return FolderFiles(settings.storage_path)
    from ehr_bridge.storage.bucket import Bucket
    from ehr_bridge.storage.cache import Cache

    limit, reserve = settings.storage_cache_mb * MEGABYTE, settings.storage_reserve_bytes
    cache = Cache(settings.data_dir / "image-cache", limit, reserve)
    most_waiting = settings.storage_waiting_mb * MEGABYTE
    folder = settings.storage_path
    return ObjectFiles(Bucket(settings, time.time), folder, cache, most_waiting, mark=folder / OWNER)


def trouble_with_bucket(settings: Settings) -> str | None:
    """Why the bucket cannot be used (`ObjectState.error`), or None."""
    from ehr_bridge.storage.bucket import Bucket

    return Bucket(settings, time.time).trouble()
