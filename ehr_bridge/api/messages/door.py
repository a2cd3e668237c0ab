"""Takes one message from any door: whose it is, then applied and acknowledged."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from ehr_bridge import request_id
from ehr_bridge.api.messages.applying import Hl7Commands
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.hl7.ack import header_in
from ehr_bridge.hl7.faults import Code, Fault
from ehr_bridge.hl7.message import Message
from ehr_bridge.hl7.reading import is_report
from ehr_bridge.hl7.sources import Source, Sources
from ehr_bridge.hl7.text import decode
from ehr_bridge.services.audit import append
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.messages.inbox import Delivered, Outcome

MLLP, API = "mllp", "api"
LARGEST = 16 * 1024 * 1024
"""Bytes of a message."""


class MessageDoor:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._apply = Hl7Commands(services)

    @property
    def sources(self) -> Sources:
        return self._services.sources

    def needs(self, content: bytes) -> Permission | None:
        """What whoever sends this message over HTTP must be allowed; None where nobody can read it."""
        source = self._source(content, self.sources.known, is_listed_only=False)
        try:
            message = Message(decode(content, source.codec if source else None))
        except Fault:
            return None
        return Permission.BRING_REPORTS if is_report(message) else Permission.WRITE_ORDERS

    def receive(self, content: bytes, address: str, among: Sequence[Source], *, is_whole: bool = True) -> Outcome:
        """A frame from MLLP. `among` are the sources that this peer may be; none where no sources are listed. Never
        raises."""
        source = self._source(content, among, is_listed_only=bool(self.sources.known))
        fault = None if is_whole else too_large()
        origin = Origin(f"hl7:{source.name if source else ''}", address)
        with request_id.working_on(uuid.uuid4().hex):
            return self._services.inbox.take(Delivered(content, MLLP, origin, source, fault), self._apply)

    def post(self, content: bytes, origin: Origin, *, is_trial: bool = False) -> Outcome:
        """A message in a request of an authenticated caller. Raises Unavailable, if it is only tried."""
        source = self._source(content, self.sources.known, is_listed_only=False)
        delivered = Delivered(content, API, origin, source)
        inbox = self._services.inbox
        return inbox.try_out(delivered, self._apply) if is_trial else inbox.take(delivered, self._apply)

    def replay(self, message: ReceivedMessage, origin: Origin) -> Outcome:
        """Apply a kept message again, by the mapping as it is now. Raises Unavailable."""
        known = next((one for one in self.sources.known if one.name == message.source), None)
        is_listed_only = message.door == MLLP and bool(self.sources.known)
        source = known or self._source(message.raw, self.sources.known, is_listed_only=is_listed_only)
        if source is not None and source.name != message.source:
            source = None  # the row is the former source's
        delivered = Delivered(message.raw, message.door, origin, source, too_large() if _is_cut(message) else None)
        outcome = self._services.inbox.replay(message.id, delivered, self._apply, origin)
        with self._services.database.write() as session:
            detail = {"message": str(message.id), "state": str(outcome.state)}
            event = Event("message.replayed", patient_id=message.patient_id, detail=detail)
            append(session, origin, event, self._services.clock())
        return outcome

    def _source(self, content: bytes, among: Sequence[Source], *, is_listed_only: bool) -> Source | None:
        header = header_in(content)
        listed = self.sources.named(*header.sending, among)
        if listed is None and not is_listed_only:
            return self.sources.unlisted(header.version)
        return listed


def too_large() -> Fault:
    return Fault(Code.INTERNAL, f"it has more than {LARGEST} bytes", is_rejected=True)


def _is_cut(message: ReceivedMessage) -> bool:
    """Whether only its beginning was kept."""
    return message.reason == too_large().text
