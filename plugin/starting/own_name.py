"""Takes the name of this node at its start, and its data directory for as long as it lives."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ehr_bridge.services.nodes.register import BEATS_MISSED, NameTaken, Nodes

_held: dict[Path, int] = {}
"""Open folders, which nothing closes: a lock ends with its process."""
PATIENCE = 5
"""Seconds in which a server that was killed is gone."""


class Runs(Exception):
    """A server runs on this data directory."""


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
