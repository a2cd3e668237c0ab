"""A thread for each destination, so that none waits for another's slow receiver."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping

from ehr_bridge.db.states import DestinationKind
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.delivery.sender import Sender, Transport
from ehr_bridge.services.jobs.spool import spool_of
from plugin.sending.fhir import Fhir
from plugin.sending.hl7 import Hl7
from plugin.sending.webhooks import Webhooks

LOGGER = logging.getLogger(__name__)
AFTER_FAILURE = 5.0
"""Seconds until a sender that has failed for a reason of ours tries again."""
STOP_SECONDS = 5.0


class Senders:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._holder = ""
        self._transports = transports_of(services)
        self._threads: dict[uuid.UUID, threading.Thread] = {}
        self._look: dict[uuid.UUID, threading.Event] = {}
        self._ending = threading.Event()

    def wake(self) -> None:
        """Something was committed: every sender looks at its queue, and a destination that has none gets one. Raises
        Unavailable when the database is away."""
        if not self._holder:  # the node's own name, so that it goes on at once after it was killed
            self._holder = spool_of(self._services.settings).node
        known = {one.id: one for one in self._services.outbox.destinations.all()}
        for key in [key for key, thread in self._threads.items() if not thread.is_alive()]:
            del self._threads[key], self._look[key]
        for key, destination in known.items():
            transport = self._transports.get(destination.kind)
            if key in self._threads or transport is None or self._ending.is_set():
                continue
            thread = threading.Thread(
                target=self._run, args=(key, transport()), name=f"ehr-bridge-to-{destination.name}"[:48], daemon=True
            )
            self._threads[key], self._look[key] = thread, threading.Event()
            thread.start()
        for look in self._look.values():
            look.set()

    def stop(self) -> None:
        """End what is under way, and let other nodes go on at once."""
        self._ending.set()
        for look in self._look.values():
            look.set()
        for thread in self._threads.values():
            thread.join(STOP_SECONDS)
        try:
            self._services.outbox.queue.release(self._holder)
        except Unavailable:
            LOGGER.warning("the leases of destinations were not given back; they end by themselves")

    def _run(self, destination_id: uuid.UUID, transport: Transport) -> None:
        outbox, restrictions = self._services.outbox, self._services.restrictions
        sender = Sender(
            outbox.queue,
            outbox.contents,
            transport,
            lambda: restrictions.closed_to_subject("destination"),
            self._services.clock,
            self._holder,
            destination_id,
            self._ending.is_set,
        )
        look = self._look[destination_id]
        while not self._ending.is_set():
            try:
                wait = sender.round()
            except Unavailable:
                wait = AFTER_FAILURE
            except Exception:
                LOGGER.exception("a delivery failed for a reason of ours; it is tried again")
                wait = AFTER_FAILURE
            if wait is None:
                break
            if wait:
                look.wait(wait)
                look.clear()
        transport.close()


def transports_of(services: Services) -> Mapping[DestinationKind, Callable[[], Transport]]:
    """How each kind of destination is sent to; a transport is one thread's."""
    safe, clock = services.outbox.safe, services.clock
    return {
        DestinationKind.WEBHOOK: lambda: Webhooks(safe, clock),
        DestinationKind.HL7: Hl7,
        DestinationKind.FHIR: lambda: Fhir(safe),
    }
