"""What runs in the process beside Orthanc: the services as in Orthanc, and HL7 v2 over MLLP."""

from __future__ import annotations

import gc
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ehr_bridge.api.messages.door import LARGEST, MessageDoor
from ehr_bridge.db.database import Database
from ehr_bridge.db.decisive import on_decisive_change
from ehr_bridge.meters import count_elsewhere
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.visibility.restrictions import on_access_change
from ehr_bridge.settings import load_settings
from plugin.beside.lines import ACCESS_CHANGED, CHANGED, READY, LineHandler, say, say_counted, saying_at_once
from plugin.running.threads import take_turns_soon
from plugin.serving.mllp import MllpServer


@contextmanager
def serving(port: int) -> Iterator[None]:
    """Take messages at the open port with this file descriptor."""
    take_turns_soon()
    root = logging.getLogger()
    root.handlers[:] = [LineHandler()]
    root.setLevel(logging.INFO)
    settings = load_settings(os.environ)
    services = build_services(settings, Database(settings.sqlalchemy_url))
    tell(services.database)
    count_elsewhere(say_counted)
    receive = saying_at_once()(MessageDoor(services).receive)
    server = MllpServer(0, services.sources, receive, LARGEST)
    server.start(socket.socket(fileno=port))
    gc.freeze()  # what was made while loading stays forever
    say(READY)
    try:
        yield
    finally:
        server.stop()
        services.database.dispose()


def tell(database: Database) -> None:
    """Tell Orthanc after each commit that its gate or its decisions depend on, before the message is answered."""
    on_decisive_change(database, lambda: say(CHANGED))
    on_access_change(database, lambda: say(ACCESS_CHANGED))
