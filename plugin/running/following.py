"""The thread that follows what others commit and says that this node lives, whatever the worker is busy with."""

from __future__ import annotations

import logging
import os

from ehr_bridge.services.bundle import Services
from plugin.running.worker import Chore, Worker

LOGGER = logging.getLogger(__name__)


def make_following(services: Services) -> Worker:
    """What the gate keeps in memory, and the sign of life of this node: nothing on this thread takes long, so that a
    node that is at work is neither blind nor taken for dead."""

    def live() -> None:
        services.nodes.beat()
        if services.nodes.is_taken:
            LOGGER.error("another node has this one's name, and with it its jobs: refusing to serve")
            os._exit(3)  # two processes that work under one name would work on the same jobs at the same time

    return Worker(
        lambda _arrival: None,
        [
            Chore("node", live, 1.0),
            Chore("revocations", services.revocations.refresh, 0.5, unchanged_seconds=5.0),
            Chore("grants", services.grants.refresh, 0.5),
            Chore("hidden studies", services.hidden.refresh, 0.5, unchanged_seconds=5.0),
            Chore("restrictions", services.restrictions.refresh, 0.5, unchanged_seconds=5.0),
            Chore("shares", services.sharing.fallen.run, 0.5, unchanged_seconds=5.0),
        ],
        "ehr-bridge-following",
        services.database.change.look,
    )
