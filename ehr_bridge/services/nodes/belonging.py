"""By what nodes see that they belong together: marks of their secret, and the id of the folder that they share."""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.derived_keys import derived_key
from ehr_bridge.settings import Settings
from ehr_bridge.shallow_json import loads
from ehr_bridge.shared_folders import OURS
from ehr_bridge.storage.folder import UNFINISHED, sync_folder, write_synced

LOGGER = logging.getLogger(__name__)
FILE_NAME = "folder.id"
MARK_BYTES = 8


def secret_marks(settings: Settings) -> str | None:
    """A mark of each accepted secret, the present one first: a part of a key derived from it, of which nobody finds the
    secret. Equal secrets have equal marks."""
    if settings.jwt_secret is None:
        return None
    keys = (derived_key(secret, "mark of the secret") for secret in settings.shared_secret.accepted)
    return " ".join(key[:MARK_BYTES].hex() for key in keys)


def makes_md5(settings: Settings) -> bool | None:
    """Whether Orthanc was started so that it makes an MD5 of each file; None before it was."""
    try:
        written: dict[str, object] = loads((settings.data_dir / "orthanc.json").read_text())
    except (OSError, ValueError):
        return None
    said = written.get("StoreMD5ForAttachments")
    return said if isinstance(said, bool) else None


def fits(marks: str | None, others: str | None) -> bool:
    """Whether each of two nodes accepts what the other signs; what is not known fits."""
    if not marks or not others:
        return True
    own, other = marks.split(), others.split()
    return own[0] in other and other[0] in own


def lost_folder(session: Session, settings: Settings) -> str | None:
    """The id of the folder that nodes share, when images are on record and their folder is empty: the mount point
    below a file system that is away. An id that a node has known, in the empty folder, says that the images are lost.
    With a bucket, what is in the folder says less. Raises OSError."""
    if settings.bucket is not None or _has_images(settings.storage_path):
        return None
    from ehr_bridge.db.tables.studies import Study  # a start whose images are there does not wait for them
    from ehr_bridge.db.tables.uploads import Instance

    known = select(Node.shared_folder).where(Node.shared_folder.is_not(None)).order_by(Node.last_seen_at.desc())
    stored = exists().where(Instance.study_id == Study.id, Study.deleted_at.is_(None))
    ids = session.scalars(known.where(stored)).all()
    return None if not ids or _id_in(lost_mark(settings)) in ids else ids[0]


def lost_mark(settings: Settings) -> Path:
    """Where somebody says that the images are lost; unless the setting says otherwise, the id itself is there."""
    return settings.storage_path / OURS / FILE_NAME


def _id_in(path: Path) -> str | None:
    try:
        return path.read_text().strip()[:64]
    except FileNotFoundError:
        return None


def _has_images(folder: Path) -> bool:
    """Orthanc's folders of files have names of two digits."""
    try:
        return any(len(entry.name) == 2 for entry in folder.iterdir())
    except FileNotFoundError:
        return False


def folder_id(folder: Path, *, is_start: bool) -> str | None:
    """The id of the folder that nodes share, which the start of the first node gives it. A node that runs gives none:
    what it finds without one is the mount point of a file system that has gone away. None while it cannot be read or
    written: a folder that is away is told elsewhere."""
    path = folder / FILE_NAME
    try:
        if is_start and not path.exists():
            _name(path)
        return _id_in(path) or None
    except OSError as error:
        LOGGER.warning("the id of the folder that nodes share cannot be read: %s", error.strerror)
        return None


def _name(path: Path) -> None:
    """Whole, and once, whichever node is first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid.uuid4()}{UNFINISHED}")
    try:
        write_synced(unfinished, str(uuid.uuid4()).encode(), mode=0o600)
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            if not path.exists():
                unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)
