"""What a node is called, and where it lives."""

from __future__ import annotations

import socket
import uuid
from contextlib import suppress
from pathlib import Path

from ehr_bridge.services.jobs.spool import Spool, spool_of
from ehr_bridge.settings import Settings

START = "start"
BOOT = Path("/proc/sys/kernel/random/boot_id")


def node_name(settings: Settings) -> str:
    """The name of this node, also in leases; the same at every start. Raises OSError when the data directory cannot be
    written."""
    return spool_of(settings).node


def shown_name(settings: Settings) -> str:
    """Where people read which node did something: its name if it was given one, else its machine's."""
    return settings.node or socket.gethostname()[:64]


def home(settings: Settings) -> str:
    """Machine and data directory. One server at a time runs there, so a name that its former process has left without
    a word is its own. Raises OSError like `node_name`."""
    return f"{socket.gethostname()[:255]}/{Spool(settings.modifying_path, settings.node_path).node}"


def new_start() -> str:
    """What tells this start of a node from all others: the boot of the machine, and a random part."""
    return f"{_boot()}/{uuid.uuid4()}"


def boot_of(start: str | None) -> str:
    """The boot of the machine at that start; empty if it is not known."""
    return (start or "").partition("/")[0]


def keep_start(settings: Settings, start: str) -> None:
    """For the process that the launcher starts. Raises OSError."""
    path = settings.node_path / START
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(start)
    unfinished.replace(path)


def kept_start(settings: Settings) -> str | None:
    """None where no launcher has started this node."""
    with suppress(OSError):
        return (settings.node_path / START).read_text() or None
    return None


def _boot() -> str:
    try:
        return BOOT.read_text().strip()[:36]
    except OSError:
        return ""
