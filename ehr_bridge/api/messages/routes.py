"""HL7 v2 over HTTP, and the messages that came by any door: read, tried out, applied again.

To try a message out is a route: Orthanc passes no query of a POST on, so a parameter for it would be lost on the way.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from flask import Response, current_app, request
from flask_openapi3 import RawModel
from pydantic import Field

from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.filters import At, PageQuery, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, Problem
from ehr_bridge.api.messages.door import LARGEST, MessageDoor
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import MessageState
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.messages.inbox import Outcome
from ehr_bridge.services.messages.listing import SORTS, MessageFilters
from ehr_bridge.wrong_values import written

MEDIA_TYPE = "application/hl7-v2"
ACCEPTED = (MEDIA_TYPE, "x-application/hl7-v2+er7")
MOST_SHOWN = 100_000
"""Characters of a message that are shown; all its bytes are kept."""
DOOR = "ehr_bridge_message_door"
MESSAGE_TYPE = written(
    r"^[A-Z0-9]{3}(\^[A-Z0-9]{3})?$", "a message type, such as ADT, or type and event with a circumflex between"
)

blueprint = Blueprint("messages", "HL7", "/api/v1/hl7")


class MessageBody(RawModel):
    mimetypes = [*ACCEPTED]  # noqa: RUF012


class MessagePath(Input):
    message_id: uuid.UUID = Field(description="As the list of messages has it")


class MessageQuery(PageQuery):
    state: Annotated[MessageState | None, EmptyIsNone] = Field(None, description="What became of it")
    source: str | None = Field(
        None, max_length=64, description="Name of the source, as configured; empty: those that are not listed"
    )
    type: Annotated[Annotated[str, Field(pattern=MESSAGE_TYPE)] | None, EmptyIsNone] = Field(
        None, description="Message type, alone or with its event: `ADT` or `ADT^A08`"
    )
    control_id: Annotated[Annotated[str, Field(max_length=200)] | None, EmptyIsNone] = Field(None, description="MSH-10")
    since: At = at_or_after("Arrivals")
    until: At = before("Arrivals")
    sort: Sort = sorted_by(SORTS)


class ChangeOfMessage(Model):
    """One thing that a message changed, as the audit trail has it."""

    action: str
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    study_instance_uid: str | None
    detail: dict[str, Any] = Field(description="Ids, counts and codes")


class TrialAnswer(Model):
    """What would become of a message."""

    ack: str = Field(description="The acknowledgement, with line breaks for its segments")
    state: MessageState = Field(description="What would become of it")
    code: str | None = Field(description="Why it would be refused (HL7 table 0357)")
    place: str | None = Field(description="Where in the message: `PID-3.4`")
    reason: str | None = Field(description="The same in words")
    reading: dict[str, Any] | None = Field(description="What it asks for, by the mapping; null: it cannot be read")
    changes: list[ChangeOfMessage] = Field(description="What it would change")


class MessageSummary(Model):
    id: uuid.UUID
    source: str = Field(description="Name of the source, as configured; empty: it is not listed")
    door: Literal["mllp", "api"] = Field(description="How it came")
    sender: str = Field(description="MSH-3 and MSH-4")
    type: str = Field(description="Message type and event: `ADT^A08`")
    control_id: str = Field(description="MSH-10")
    reuses_control_id: bool = Field(description="Another message of the source has the same number")
    state: MessageState = Field(description="What became of it")
    code: str | None = Field(description="Why it was refused (HL7 table 0357)")
    place: str | None = Field(description="Where in the message: `PID-3.4`")
    reason: str | None = Field(description="The same in words")
    received_at: Moment = Field(description="When it came first")
    last_received_at: Moment = Field(description="When it came last")
    times_received: int = Field(description="How often these very bytes came")
    patient_id: uuid.UUID | None = Field(description="Whose it is, if that patient was on record")
    replayed_by: str | None = Field(description="Who applied it again")
    replayed_at: Moment | None = Field(description="When it was applied again")


class MessageAnswer(MessageSummary):
    sent_by: str = Field(description="Subject of the token, or `hl7:` and the name of the source")
    address: str | None
    size_bytes: int
    sha256: str
    charset: str | None = Field(description="Its character set; null: its text cannot be read")
    charset_from: Literal["declared", "recognised", "source"] | None = Field(
        description="How it was decided: MSH-18 says so, all bytes are UTF-8, or it is configured for the source"
    )
    message: str = Field(description=f"Its text, at most {MOST_SHOWN} characters, with line breaks for its segments")
    ack: str = Field(description="Its acknowledgement, with line breaks for its segments")
    reading: dict[str, Any] | None = Field(description="What it asks for, by the mapping; null: it cannot be read")
    changes: list[ChangeOfMessage] = Field(description="What it changed")


class MessageList(ListOf[MessageSummary]):
    pass


class SourceAnswer(Model):
    name: str
    last_received_at: Moment | None = Field(description="When its last message came; null: none in 30 days")
    silence_minutes: int | None = Field(description="Minutes that it may say nothing; null: as long as it likes")
    is_silent: bool = Field(description="It has said nothing for longer")


class SourceList(Model):
    items: list[SourceAnswer]


@blueprint.post(
    "",
    responses={
        200: {
            "description": "The acknowledgement",
            "content": {MEDIA_TYPE: {"schema": BINARY | {"description": "In the character set that its MSH-18 says"}}},
        },
        413: Problem,
        415: Problem,
        422: Problem,
    },
)
def send_message(raw: MessageBody) -> Response:
    """Send one HL7 v2 message; the answer is its acknowledgement, which says whether it was applied"""
    if request.args:
        raise InvalidInput("invalid_request", "It takes no parameters. POST hl7/validate tries a message out.")
    content = _content()
    _require_allowed(content)
    return Response(_door().post(content, origin()).ack, content_type=MEDIA_TYPE)


@blueprint.post("/validate", responses={200: TrialAnswer, 413: Problem, 415: Problem, 422: Problem})
def validate_message(raw: MessageBody) -> Response:
    """Try one HL7 v2 message out: what would become of it, and what it would change; nothing is kept"""
    content = _content()
    if not caller().may(Permission.INTERFACES):
        _require_allowed(content)
    return answer(_tried(_door().post(content, origin(), is_trial=True)))


@blueprint.get("/messages", responses={200: MessageList, 422: Problem})
def list_messages(query: MessageQuery) -> Response:
    """List messages of the last 30 days, latest first"""
    filters = MessageFilters(
        query.state, query.source, query.type, query.control_id, query.since, query.until, closed()
    )
    page = services().messages.search(filters, query.limit, query.offset, query.sort)
    return answer(MessageList.of(page, MessageSummary.model_validate))


@blueprint.get("/messages/<message_id>", responses={200: MessageAnswer, 404: Problem, 422: Problem})
def get_message(path: MessagePath) -> Response:
    """One message: as it came, how it was read, what it changed, and its acknowledgement"""
    return answer(_shown(services().messages.get(path.message_id)))


@blueprint.post("/messages/<message_id>/replay", responses={200: MessageAnswer, 404: Problem, 422: Problem})
def replay_message(path: MessagePath) -> Response:
    """Apply a message again, as if it came now; the answer says what became of it. A report needs bring_reports too"""
    message = services().messages.get(path.message_id)
    if not caller().may(Permission.BRING_REPORTS) and _door().needs(message.raw) == Permission.BRING_REPORTS:
        caller().require(Permission.BRING_REPORTS)
    _door().replay(message, origin())
    return answer(_shown(services().messages.get(path.message_id)))


@blueprint.get("/sources", responses={200: SourceList})
def list_sources() -> Response:
    """List the configured sources, and which of them have been silent for too long"""
    return answer(SourceList(items=[SourceAnswer.model_validate(one) for one in services().messages.sources()]))


def _require_allowed(content: bytes) -> None:
    """Reports need another permission than patients and orders; the message is read here only for those who have one
    of the two. Raises NotPermitted."""
    if caller().permissions >= {Permission.WRITE_ORDERS, Permission.BRING_REPORTS}:
        return
    need = _door().needs(content)
    if need is not None:
        caller().require(need)


def _content() -> bytes:
    if request.mimetype not in ACCEPTED:
        raise InvalidInput("unsupported_media_type", f"Send the message as {MEDIA_TYPE}.")
    content = request.get_data(cache=False)
    if len(content) > LARGEST:
        raise InvalidInput("too_large", f"A message has at most {LARGEST} bytes.")
    return content


def _door() -> MessageDoor:
    door: MessageDoor = current_app.extensions[DOOR]
    return door


def _tried(outcome: Outcome) -> TrialAnswer:
    fault = outcome.fault
    return TrialAnswer(
        ack=_lines(outcome.ack, "utf-8"),
        state=outcome.state,
        code=None if fault is None else str(fault.code),
        place=None if fault is None or fault.place is None else str(fault.place),
        reason=None if fault is None else fault.text,
        reading=outcome.reading,
        changes=[ChangeOfMessage.model_validate(one) for one in outcome.changes],
    )


def _shown(message: ReceivedMessage) -> MessageAnswer:
    codec = message.codec or "latin-1"
    of_row = {name: getattr(message, name) for name in MessageSummary.model_fields}
    return MessageAnswer(
        **of_row,
        sent_by=message.sent_by,
        address=message.address,
        size_bytes=len(message.raw),
        sha256=message.sha256,
        charset=message.codec,
        charset_from=message.charset_from,
        message=_lines(message.raw, codec)[:MOST_SHOWN],
        ack=_lines(message.ack, codec),
        reading=message.reading,
        changes=[ChangeOfMessage.model_validate(one) for one in message.changes],
    )


def _lines(content: bytes, codec: str) -> str:
    return content.decode(codec, "replace").replace("\r\n", "\n").replace("\r", "\n").strip("\n")
