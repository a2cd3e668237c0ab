"""What each delivery says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.logs import Destination, Sending
from ehr_bridge.fhir.subscriptions import HANDSHAKE
from ehr_bridge.fhir.systems import Systems
from ehr_bridge.services.delivery import messages, resources
from ehr_bridge.services.delivery.kinds import CRITERIA
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.delivery.resources import notification_of
from ehr_bridge.services.delivery.standing import joined, not_told, of_others

PREFIX = "org.ehr-bridge."
NOTHING_TO_TELL = Outcome(Kind.EMPTY, said="nothing_to_tell")
JOINED = Outcome(Kind.EMPTY, said="joined")


class Renderings:
    def __init__(
        self,
        database: Database,
        source: str,
        fhir_base: str,
        clock: Callable[[], datetime],
        zone: tzinfo,
        systems: Systems,
    ) -> None:
        """`source` is the address of this installation's feed of events, `zone` that of the times in messages."""
        self._database = database
        self._source = source
        self._fhir_base = fhir_base
        self._clock = clock
        self._zone = zone
        self._systems = systems

    def render(self, destination: Destination, waiting: Sequence[Waiting]) -> list[bytes | Outcome]:
        """For each what is sent, or why it is not; what was rendered once stays as it was."""
        if destination.subscription is not None:
            return list(self._notifications(destination, waiting))
        if destination.kind == DestinationKind.WEBHOOK:
            with self._database.read() as session:
                others = of_others(session, destination, waiting)
            again = joined([one for one in waiting if one.id not in others])
            return [
                NOTHING_TO_TELL if one.id in others else JOINED if one.id in again else cloud_event(self._source, one)
                for one in waiting
            ]
        with self._database.read() as session:
            ended = not_told(session, destination.id, waiting)
            return [
                Outcome(Kind.EMPTY, said=ended[one.id])
                if one.id in ended
                else one.content or self._one(session, destination, one) or NOTHING_TO_TELL
                for one in waiting
            ]

    def _notifications(self, destination: Destination, waiting: Sequence[Waiting]) -> Iterator[bytes | Outcome]:
        """Each that was not rendered before gets the next number, but for what is not, or no longer, subscribed to."""
        events = (HANDSHAKE, *CRITERIA[(destination.subscription or {})["criteria"]])
        with self._database.read() as session:
            number = session.get_one(Sending, destination.id).numbered or 0
            others = of_others(session, destination, waiting)
            for one in waiting:
                if one.content is not None:
                    yield one.content
                    continue
                if one.id in others or one.type not in events:
                    yield NOTHING_TO_TELL
                    continue
                number += one.type != HANDSHAKE
                yield notification_of(session, destination, one, number, self._fhir_base)

    def _one(self, session: Session, destination: Destination, one: Waiting) -> bytes | None:
        if destination.kind == DestinationKind.HL7:
            return messages.message_of(session, destination, one, self._clock().astimezone(self._zone))
        bundle = resources.bundle_of(session, destination, one, self._systems)
        return None if bundle is None else json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()


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
