"""Deliveries: what became of each event on its way to a destination, and what people decide about it."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from ehr_bridge.api.events import LARGEST_SEQ
from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, GivenMoment, Input, ListOf, Model, Moment, Problem, ReasonText
from ehr_bridge.api.interfaces.destinations import DestinationPath, EventType
from ehr_bridge.db.states import DeliveryState
from ehr_bridge.db.tables.logs import Delivery
from ehr_bridge.services.delivery.deliveries import AGAIN_AT_ONCE, SORTS, DeliveryFilters

blueprint = Blueprint("deliveries", "Interfaces", "/api/v1")
MOST_SHOWN = 100_000
"""Characters of what is sent that are shown."""


class DeliveryPath(Input):
    delivery_id: int = Field(ge=1, le=LARGEST_SEQ, description="As the list of deliveries has it")


class DeliveryQuery(OfStudy):
    state: Annotated[DeliveryState | None, EmptyIsNone] = Field(None, description="What became of it")
    type: Annotated[EventType | None, EmptyIsNone] = Field(None, description="What happened, such as `order.status`")
    since: At = at_or_after("What happened")
    until: At = before("What happened")
    sort: Sort = sorted_by(SORTS)


class ResendBody(Input):
    since: GivenMoment = Field(description="What happened from here on: a moment with time zone, included")
    states: list[DeliveryState] = Field(
        default_factory=lambda: [DeliveryState.PARKED, DeliveryState.DEAD],
        min_length=1,
        max_length=len(DeliveryState),
        description="Those that are sent again. Left out: the ones that were refused",
    )


class DropBody(Input):
    reason: ReasonText


class FailedAttempt(Model):
    at: Moment
    milliseconds: int
    error: str


class DeliverySummary(Model):
    id: int
    seq: int = Field(description="Number of the event in `GET events`")
    event_id: uuid.UUID = Field(description="What the receiver knows doubles by")
    type: str = Field(description="What happened, such as `order.status`")
    time: Moment = Field(description="When it happened")
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    study_instance_uid: str | None
    report_id: uuid.UUID | None
    state: DeliveryState = Field(description="What became of it")
    attempts: int = Field(description="How often it was refused; an attempt that reached nobody does not count")
    last_error: str | None
    ended_at: Moment | None = Field(description="When it was sent, given up or dropped")
    milliseconds: int | None = Field(description="Until the receiver had answered")
    dropped_by: str | None = Field(description="Who said that it is not sent; null: there was nothing to tell")
    drop_reason: str | None


class DeliveryAnswer(DeliverySummary):
    destination: str = Field(description="Name of the destination")
    report_version: int | None
    order_status: str | None = Field(description="What the order was when it happened")
    tries: list[FailedAttempt] = Field(description="The last attempts that failed")
    receipt: str | None = Field(description="The beginning of the receiver's answer")
    content: str | None = Field(
        description=f"What is sent to HL7 and FHIR destinations, at most {MOST_SHOWN} characters; null: not known yet"
    )


class DeliveryList(ListOf[DeliverySummary]):
    pass


class DestinationQueue(Model):
    """How a destination fares."""

    name: str
    enabled: bool
    waiting: int = Field(description="Deliveries that are not sent yet, parked ones included")
    parked: int = Field(description="Deliveries that were refused, before which everything stands still")
    dead: int = Field(description="Deliveries that were refused and passed over")
    waiting_since: Moment | None = Field(description="When the first of them happened")
    failing_since: Moment | None = Field(description="Since when it cannot be reached, or answers that it cannot now")
    next_at: Moment | None = Field(description="When it is tried next; null: at once")
    stopped_at: Moment | None = Field(description="When it was given up; nothing is tried until somebody starts it")
    stopped_because: Literal["gone", "failing"] | None = Field(
        description="`gone`: it answered 410; `failing`: a webhook that failed for five days"
    )
    last_error: str | None
    last_error_at: Moment | None
    last_sent_at: Moment | None = Field(description="When it last took something")
    fails_at: int | None = Field(
        description="Id of the first delivery that waits, where the destination answers and fails at it again and "
        "again: it may fail at nothing else. null: no such"
    )


class DestinationQueueList(Model):
    items: list[DestinationQueue]


class ResentAnswer(Model):
    count: int = Field(description=f"How many are sent again, at most {AGAIN_AT_ONCE} by one request")


@blueprint.get(
    "/destinations/<name>/deliveries", responses={200: DeliveryList, 404: Problem, 409: Problem, 422: Problem}
)
def list_deliveries(path: DestinationPath, query: DeliveryQuery) -> Response:
    """List deliveries to a destination, latest first"""
    filters = DeliveryFilters(
        query.state,
        query.type,
        query.records,
        query.named_order_id,
        query.study,
        query.since,
        query.until,
        closed(),
    )
    page = services().outbox.deliveries.search(path.name, filters, query.limit, query.offset, query.sort)
    return answer(DeliveryList.of(page, DeliverySummary.model_validate))


@blueprint.post(
    "/destinations/<name>/resend",
    responses={200: ResentAnswer, 400: Problem, 404: Problem, 415: Problem, 422: Problem},
)
def resend_deliveries(path: DestinationPath, body: ResendBody) -> Response:
    """Send again, in their order, what has happened since; receivers know doubles by the id"""
    deliveries = services().outbox.deliveries
    return answer(ResentAnswer(count=deliveries.resend_since(path.name, body.since, body.states, closed(), origin())))


@blueprint.get("/delivery-queues", responses={200: DestinationQueueList})
def list_delivery_queues() -> Response:
    """How each destination fares: what waits for it, since when, and why"""
    return answer(
        DestinationQueueList(
            items=[DestinationQueue.model_validate(one) for one in services().outbox.deliveries.states()]
        )
    )


@blueprint.get("/deliveries/<delivery_id>", responses={200: DeliveryAnswer, 404: Problem, 422: Problem})
def get_delivery(path: DeliveryPath) -> Response:
    """One delivery: what is sent, what was answered, which attempts failed"""
    return answer(_shown(*services().outbox.deliveries.get(path.delivery_id, closed())))


@blueprint.post("/deliveries/<delivery_id>/resend", responses={200: DeliveryAnswer, 404: Problem, 422: Problem})
def resend_delivery(path: DeliveryPath) -> Response:
    """Send one delivery again, before all that waits behind it"""
    return answer(_shown(*services().outbox.deliveries.resend(path.delivery_id, closed(), origin())))


@blueprint.post(
    "/deliveries/<delivery_id>/drop",
    responses={200: DeliveryAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def drop_delivery(path: DeliveryPath, body: DropBody) -> Response:
    """Say that a delivery is not sent; what waits behind it goes on"""
    return answer(_shown(*services().outbox.deliveries.drop(path.delivery_id, body.reason, closed(), origin())))


def _shown(row: Delivery, destination: str) -> DeliveryAnswer:
    is_shown = row.content is not None and services().outbox.deliveries.is_shown(row)
    content = (
        None if row.content is None or not is_shown else row.content.decode("utf-8", "replace").replace("\r", "\n")
    )
    made = {"destination": destination, "content": content and content[:MOST_SHOWN]}
    own = {name: getattr(row, name) for name in DeliveryAnswer.model_fields if name not in made}
    return DeliveryAnswer(**made, **own)
