"""What a node is called, and where it lives."""

from __future__ import annotations

import socket

from ehr_bridge.services.jobs.spool import Spool, spool_of
from ehr_bridge.settings import Settings


def node_name(settings: Settings) -> str:
    """The name of this node, also in leases; the same at every start. Raises OSError when the data directory cannot be
    written."""
    return spool_of(settings).node


def home(settings: Settings) -> str:
    """Machine and data directory. One server at a time runs there, so a name that its former process has left without
    a word is its own. Raises OSError like `node_name`."""
    return f"{socket.gethostname()[:255]}/{Spool(settings.modifying_path, settings.node_path).node}"
