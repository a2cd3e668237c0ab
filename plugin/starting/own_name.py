"""Takes the name of this node at its start."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from ehr_bridge.services.nodes.register import NameTaken, Nodes


def take_name(nodes: Nodes, tell: Callable[[str], None], wait: Callable[[float], None] = time.sleep) -> None:
    """Waits while the holder of the name may be this node, before its machine died and was started again: that one is
    not seen any more, and a copy of this machine is. Raises NameTaken."""
    seen: datetime | None = None
    while True:
        try:
            nodes.claim()
        except NameTaken as error:
            if error.may_be_gone is None or seen not in (None, error.may_be_gone):
                raise
            if seen is None:
                tell(f"waiting: {error}")
            seen = error.may_be_gone
        else:
            return
        wait(1.0)
