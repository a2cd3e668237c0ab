"""What each delivery says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC

from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting

PREFIX = "org.ehr-bridge."


class Renderings:
    def __init__(self, source: str) -> None:
        """`source` is the address of this installation's feed of events."""
        self._source = source

    def render(self, destination: Destination, waiting: Sequence[Waiting]) -> list[bytes | Outcome]:
        """For each what is sent, or that there is nothing to tell; what was rendered once stays as it was."""
        return [one.content or self._one(destination, one) for one in waiting]

    def _one(self, destination: Destination, one: Waiting) -> bytes | Outcome:
        if destination.kind == DestinationKind.WEBHOOK:
            return cloud_event(self._source, one)
        return Outcome(Kind.EMPTY, said="nothing_to_tell")


def cloud_event(source: str, one: Waiting) -> bytes:
    """The event as the feed has it (CloudEvents 1.0, JSON event format): ids only, so the same at every attempt."""
    event = {
        "specversion": "1.0",
        "id": str(one.event_id),
        "source": source,
        "type": PREFIX + one.type,
        "time": one.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": str(one.seq),
        "data": one.data,
    }
    return json.dumps(event, separators=(",", ":")).encode()
