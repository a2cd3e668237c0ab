"""Whether the bucket, and the folder in which files wait for it, are this installation's: asked at every start.

Two installations would delete each other's images. And what waits in a folder is nowhere else: a node with another
folder would take those images for missing, and make others of them. So the database knows both, and so does a backup;
whatever is another one than it says is taken only when somebody says so.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.operations.object_storage import ObjectStorage
from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import OWNER, write_owner

ROW = "images"
SAY_YES = "set EHR_BRIDGE_STORAGE_TAKE={} and start"
LEAVE, REPLACE = "leave-{}", "replace-{}"
"""Words of their own: what took a bucket, and was forgotten in the environment, neither leaves nor replaces it."""
WAITING = ("waiting", "removing")


class NotOurs(Exception):
    """Why the server does not start with this bucket or folder, and what to do about it."""


def settle(settings: Settings, database: Database) -> None:
    """Raises NotOurs, and OSError when a folder cannot be written."""
    if settings.bucket is None:
        _nothing_waits(settings.storage_path)
        _images_are_here(settings, database)
        return
    for step in (_settle_bucket, _settle_folder):
        with database.write() as session:
            step(settings, _row(session, is_sqlite=database.is_sqlite))


def _nothing_waits(folder: Path) -> None:
    """Files for a bucket are not read without it: those images would be taken for missing, and purged ones come
    back."""
    left = sum(1 for each in WAITING if (folder / each).is_dir() for _ in (folder / each).iterdir())
    if left:
        raise NotOurs(
            f"EHR_BRIDGE_STORAGE_URL is not set, and {left} files in {folder} still wait for a bucket: set it and "
            "start, until the System page says that nothing waits (docs/deployment/images.md, Object storage)"
        )


def _images_are_here(settings: Settings, database: Database) -> None:
    """Without the bucket in which they are, every image would look missing, and be made anew by whoever sends it."""
    with database.write() as session:
        row = session.get(ObjectStorage, ROW, with_for_update=True)
        if row is None:
            return
        if row.bucket_id is not None and settings.storage_take != (asked := LEAVE.format(row.bucket_id)):
            raise NotOurs(
                f"EHR_BRIDGE_STORAGE_URL is not set, and the images are in a bucket ({row.bucket_id}): set it. Only if "
                f"all of them were copied into {settings.storage_path} (docs/deployment/images.md, Back again), "
                + SAY_YES.format(asked)
            )
        session.delete(row)


def _row(session: Session, *, is_sqlite: bool) -> ObjectStorage:
    """Locked, so that nodes that start together agree."""
    insert = (sqlite if is_sqlite else postgresql).insert(ObjectStorage)
    session.execute(insert.values(name=ROW).on_conflict_do_nothing())
    return session.get_one(ObjectStorage, ROW, with_for_update=True)


def _settle_bucket(settings: Settings, row: ObjectStorage) -> None:
    from ehr_bridge.storage.bucket import Bucket, BucketTrouble

    bucket, known = Bucket(settings, time.time), row.bucket_id
    try:
        found = bucket.owner()
    except BucketTrouble as error:
        if known is None:
            raise NotOurs(
                f"the bucket is {error.why.replace('_', ' ')}: at the first start with it, it has to answer"
            ) from None
        found = known  # it is judged again before anything is read or written there
    if found != known:
        asked = found if known is None else REPLACE.format(known)
        if settings.storage_take != asked and known is None:
            raise NotOurs(
                f"the bucket {settings.storage_url} belongs to another installation ({found}), whose images this one "
                "would delete: set another prefix in EHR_BRIDGE_STORAGE_URL. Only if that installation is no more, "
                + SAY_YES.format(asked)
            )
        if settings.storage_take != asked and known is not None:
            raise NotOurs(
                f"the bucket {settings.storage_url} is another one than the database says ({known}), or was emptied: "
                "correct EHR_BRIDGE_STORAGE_URL, or restore the bucket with its ehr-bridge.id. Only if this is the "
                "bucket with the images from now on, " + SAY_YES.format(asked)
            )
    if found is None:
        found = uuid.uuid4().hex
        bucket.own(found)
    row.bucket_id = found
    write_owner(settings.data_dir, found)


def _settle_folder(settings: Settings, row: ObjectStorage) -> None:
    folder = settings.storage_path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lies = _read(folder / OWNER)
    known = row.folder_id or lies
    if lies != known:
        if settings.storage_take != known:
            raise NotOurs(
                f"{folder} is not the folder in which files wait for the bucket ({known}); what waits there is nowhere "
                "else. Mount it, or set DICOM_STORAGE_PATH to it: nodes with a bucket share one. Only if that folder "
                "is lost, or this is a restored server, and no other server works with this bucket, "
                + SAY_YES.format(known)
            )
        known = None
    row.folder_id = known or uuid.uuid4().hex
    if lies != row.folder_id:
        write_owner(folder, row.folder_id)


def _read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None
