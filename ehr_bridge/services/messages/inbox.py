"""Takes messages of other systems: what one changes, its row and its acknowledgement are one transaction.

The same bytes of the same source get the same acknowledgement and change nothing more. What kills the process before
the transaction ends leaves nothing, and the sender, who has no acknowledgement, sends it again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, exists
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import ClosingRows, table_of
from ehr_bridge.db.states import MessageState
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.errors import BridgeError, Unavailable
from ehr_bridge.hl7.ack import Header, acknowledge, header_in
from ehr_bridge.hl7.faults import Code, Fault
from ehr_bridge.hl7.message import Message
from ehr_bridge.hl7.reading import Kind, Reading, header_of, read, require_readable
from ehr_bridge.hl7.sources import Source
from ehr_bridge.hl7.text import decode
from ehr_bridge.meters import MESSAGES
from ehr_bridge.services.audit.trail import Origin, written_in
from ehr_bridge.services.messages.opening import known_message
from ehr_bridge.services.messages.refusals import fault_of, of_ours

LOGGER = logging.getLogger(__name__)


_TABLE = table_of(ReceivedMessage)
_NUMBER: BindParameter[str] = bindparam("hl7_messages_of_number")
_IS_USED = exists().where(_TABLE.c.source == bindparam("hl7_messages_of_source"), _TABLE.c.control_id == _NUMBER)
_ROWS = ClosingRows(ReceivedMessage, reuses_control_id=and_(_NUMBER != "", _IS_USED))


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it came."""

    content: bytes
    door: str
    """`mllp` or `api`."""
    origin: Origin
    source: Source | None
    """None: none of the listed sources."""
    fault: Fault | None = None
    """Why it is refused without being read."""


@dataclass(slots=True)
class Applying:
    """What is being applied. `patient_id` is set as soon as the patient is found, and kept if it is refused then."""

    reading: Reading
    origin: Origin
    name: str
    """Type and number of the message, as the reason of what it changes."""
    patient_id: uuid.UUID | None = None


type Apply = Callable[[Applying], None]
"""Does what a message asks for. Raises BridgeError or Fault where it cannot be done."""


@dataclass(slots=True)
class _Opened:
    """A message as far as it was understood."""

    header: Header
    type: str = ""
    codec: str | None = None
    charset_from: str | None = None
    reading: Reading | None = None
    patient_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, and the acknowledgement for its sender."""

    ack: bytes
    state: MessageState
    message_id: uuid.UUID | None = None
    """None where it was only tried."""
    reading: dict[str, Any] | None = None
    changes: list[Any] = field(default_factory=list)
    fault: Fault | None = None


class Inbox:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def take(self, delivered: Delivered, apply: Apply) -> Outcome:
        """Apply a message and acknowledge it. Never raises: what goes wrong is in the acknowledgement."""
        outcome = self._taken(delivered, apply)
        MESSAGES.add(outcome.state.value)
        return outcome

    def _taken(self, delivered: Delivered, apply: Apply) -> Outcome:
        try:
            return self._take(delivered, apply)
        except Unavailable:
            LOGGER.warning("a message could not be kept, because the database does not answer")
        except Exception:
            LOGGER.exception("a message could not be kept")
        return self._answered(_Opened(header_in(delivered.content)), of_ours(), uuid.uuid4())

    def try_out(self, delivered: Delivered, apply: Apply) -> Outcome:
        """What `take` would do the first time the message comes. Nothing is kept. Raises Unavailable."""
        opened, own_id = _Opened(header_in(delivered.content)), uuid.uuid4()
        try:
            self._read(delivered, opened)
            with self._database.on_trial() as session:
                changes = self._apply(session, delivered, opened, apply)
        except (Fault, BridgeError) as refusal:
            if isinstance(refusal, Unavailable):
                raise
            return self._answered(opened, fault_of(refusal), own_id)
        return Outcome(self._ack(opened, own_id), _state(opened), None, _shown(opened), changes)

    def replay(self, message_id: uuid.UUID, delivered: Delivered, apply: Apply, by: Origin) -> Outcome:
        """Apply a kept message again, as if it came now; its row has the new outcome.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._take(delivered, apply, again=message_id, by=by)

    def _take(
        self, delivered: Delivered, apply: Apply, again: uuid.UUID | None = None, by: Origin | None = None
    ) -> Outcome:
        digest, opened = sha256(delivered.content).hexdigest(), _Opened(header_in(delivered.content))
        name = "" if delivered.source is None else delivered.source.name
        try:
            self._read(delivered, opened)
            with self._database.together(asks_first=True) as session:
                row = _row_of(session, name, digest, again, opened.reading)
                if row is not None and row.is_final and again is None:
                    return self._known(row)
                changes = self._apply(session, delivered, opened, apply)
                return self._keep(session, row, delivered, digest, opened, changes, None, by)
        except (Fault, BridgeError) as refusal:
            if isinstance(refusal, Unavailable):
                raise
            fault = fault_of(refusal)
            is_final = fault.is_final
        except Exception:
            LOGGER.exception("a message could not be applied")
            fault, is_final = of_ours(), False
        with self._database.write() as session:  # what it had changed is rolled back
            row = _row_of(session, name, digest, again)
            if row is not None and row.is_final and again is None:
                return self._known(row)
            if row is not None and by is not None and row.state != MessageState.REFUSED:
                row.replayed_by, row.replayed_at = by.actor, self._clock()
                return self._answered(opened, fault, row.id)  # what it changed when it came is in effect
            return self._keep(session, row, delivered, digest, opened, [], fault, by, is_final=is_final)

    def _read(self, delivered: Delivered, opened: _Opened) -> None:
        """Read a message, noting in `opened` how far it got. Raises Fault."""
        if delivered.fault is not None:
            raise delivered.fault
        source = delivered.source
        if source is None:
            raise Fault(Code.UNKNOWN_KEY, "MSH-3 and MSH-4 name no source that is configured", is_rejected=True)
        decoded = decode(delivered.content, source.codec)
        opened.codec, opened.charset_from = decoded.codec, decoded.how
        message = Message(decoded)
        opened.header, opened.type = header_of(message), "^".join(filter(None, message.type))
        require_readable(message)
        opened.reading = read(message, source)

    def _apply(self, session: Session, delivered: Delivered, opened: _Opened, apply: Apply) -> list[Any]:
        """Apply what was read; returns what was changed."""
        reading = opened.reading
        if reading is None or reading.kind == Kind.IGNORED:
            return []
        work = Applying(reading, delivered.origin, f"HL7 {opened.type} {opened.header.control_id}")
        try:
            apply(work)
        finally:
            opened.patient_id = work.patient_id
        return [_shown_event(event) for event in written_in(session)]

    def _known(self, row: ReceivedMessage) -> Outcome:
        """It came before."""
        row.times_received += 1
        row.last_received_at = self._clock()
        return Outcome(row.ack, row.state, row.id, row.reading, row.changes)

    def _keep(
        self,
        session: Session,
        row: ReceivedMessage | None,
        delivered: Delivered,
        digest: str,
        opened: _Opened,
        changes: list[Any],
        fault: Fault | None,
        by: Origin | None,
        *,
        is_final: bool = True,
    ) -> Outcome:
        now, source = self._clock(), "" if delivered.source is None else delivered.source.name
        own_id = uuid.uuid4() if row is None else row.id
        said = _said(opened, fault) | {"is_final": is_final, "changes": changes}
        said["ack"] = self._ack(opened, own_id, fault)
        if row is None:
            number = opened.header.control_id[:200]
            arrived = {
                "id": own_id,
                "source": source,
                "door": delivered.door,
                "sent_by": delivered.origin.actor,
                "address": delivered.origin.address,
                "received_at": now,
                "last_received_at": now,
                "times_received": 1,
                "raw": delivered.content,
                "sha256": digest,
                "control_id": number,
                "replayed_by": None,
                "replayed_at": None,
            }
            _ROWS.add(session, [arrived | said | {"of_source": source, "of_number": number}])
        else:
            for name, value in said.items():
                setattr(row, name, value)
            if by is None:
                row.times_received += 1
                row.last_received_at = now
            else:
                row.replayed_by, row.replayed_at = by.actor, now
            session.flush()
        return Outcome(said["ack"], said["state"], own_id, said["reading"], changes, fault)

    def _answered(self, opened: _Opened, fault: Fault, own_id: uuid.UUID) -> Outcome:
        ack = self._ack(opened, own_id, fault)
        return Outcome(ack, MessageState.REFUSED, None, _shown(opened), [], fault)

    def _ack(self, opened: _Opened, own_id: uuid.UUID, fault: Fault | None = None) -> bytes:
        return acknowledge(opened.header, own_id.hex[:20], self._clock(), fault)


def _row_of(
    session: Session, source: str, digest: str, message_id: uuid.UUID | None, reading: Reading | None = None
) -> ReceivedMessage | None:
    """The row of these bytes of that source, or the one with that id."""
    if message_id is None:
        message_id = known_message(session, source, digest, reading)
    return None if message_id is None else session.get(ReceivedMessage, message_id)


def _said(opened: _Opened, fault: Fault | None) -> dict[str, Any]:
    """The columns of what was understood, and of what became of it."""
    place = None if fault is None or not fault.place else str(fault.place)
    return {
        "codec": opened.codec,
        "charset_from": opened.charset_from,
        "sender": " ".join(filter(None, opened.header.sending))[:500],
        "type": (opened.type or opened.header.event)[:64],
        "state": _state(opened) if fault is None else MessageState.REFUSED,
        "code": None if fault is None else fault.code,
        "place": place,
        "reason": None if fault is None else fault.text[:1000],
        "reading": _shown(opened),
        "patient_id": opened.patient_id,
    }


def _state(opened: _Opened) -> MessageState:
    is_ignored = opened.reading is not None and opened.reading.kind == Kind.IGNORED
    return MessageState.IGNORED if is_ignored else MessageState.APPLIED


def _shown(opened: _Opened) -> dict[str, Any] | None:
    return None if opened.reading is None else opened.reading.shown()


def _shown_event(event: Mapping[str, Any]) -> dict[str, Any]:
    detail = {name: value for name, value in event["detail"].items() if name != "request_id"}
    ids = {name: event[name] for name in ("patient_id", "order_id", "study_instance_uid")}
    return {"action": event["action"], **ids, "detail": detail}
