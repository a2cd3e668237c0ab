"""Takes the name of this node at its start, and its data directory for as long as it lives."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.nodes.belonging import lost_folder, lost_mark
from ehr_bridge.services.nodes.register import BEATS_MISSED, NameTaken, Nodes
from ehr_bridge.settings import Settings

_held: dict[Path, int] = {}
"""Open folders, which nothing closes: a lock ends with its process."""
PATIENCE = 5
"""Seconds in which a server that was killed is gone."""


class Runs(Exception):
    """A server runs on this data directory."""


class NotMounted(Exception):
    """The folder of the images is the empty one below a file system that is away, or cannot be read."""


def require_folder(settings: Settings, database: Database) -> None:
    """Before this start gives the folder an id, and images come into it that nobody finds later. Raises NotMounted,
    Unavailable."""
    try:
        with database.read() as session:
            lost = lost_folder(session, settings)
    except OSError as error:
        raise NotMounted(f"{settings.storage_path} cannot be read: {error.strerror}") from error
    if lost is not None:
        mark = lost_mark(settings)
        raise NotMounted(
            f"{settings.storage_path} is empty, and the images are in the folder with the id {lost}: is it mounted? "
            f"Only if those images are lost, as the user of the server: mkdir -p {mark.parent} && echo {lost} > {mark}"
        )


def not_mounted(settings: Settings) -> str | None:
    """Why Orthanc, when it has died, must not be started again: it may have died because the file system of the images
    went away. None also while the database is away and cannot say it."""
    database = Database(settings.sqlalchemy_url)
    try:
        require_folder(settings, database)
    except NotMounted as error:
        return str(error)
    except Unavailable:
        return None
    finally:
        database.dispose()
    return None


def hold(folder: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Keep a second start out for the life of this process: by mistake it would take the name of the server that runs,
    which then ends. A file system without locks keeps nobody out. Raises Runs, OSError."""
    if folder in _held:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(PATIENCE * 10):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait(0.1)
        except OSError:
            break
        else:
            _held[folder] = handle
            return
    else:
        os.close(handle)
        raise Runs
    os.close(handle)


def become_node(settings: Settings, database: Database, tell: Callable[[str], None]) -> None:
    """Before anything is served. Raises NotMounted, NameTaken."""
    require_folder(settings, database)
    take_name(Nodes(database, settings, lambda: datetime.now(UTC)), tell)


def take_name(
    nodes: Nodes,
    tell: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Waits while the holder of the name may be this node, before its machine died and was started again: that one is
    not seen any more, and a copy of this machine is. How long is counted here, since the database's clock may have gone
    back with the power. Raises NameTaken."""
    seen: datetime | None = None
    gone_at = 0.0
    while True:
        try:
            nodes.claim(gone_since=seen if monotonic() >= gone_at else None)
        except NameTaken as error:
            if error.may_be_gone is None or seen not in (None, error.may_be_gone):
                raise
            if seen is None:
                tell(f"waiting: {error}")
                gone_at = monotonic() + BEATS_MISSED * nodes.beat_every.total_seconds() + 5
            seen = error.may_be_gone
        else:
            return
        wait(1.0)
