"""The list of orders, narrowed and sorted as people work through it."""

from __future__ import annotations

import uuid
from typing import Annotated

from flask import Response
from pydantic import Field

from ehr_bridge.api.cursors import CursorList, CursorQuery, counts
from ehr_bridge.api.filters import (
    At,
    ByAccession,
    Former,
    OfStudy,
    Sort,
    Words,
    at_or_after,
    before,
    each,
    formerly,
    some_of,
    sorted_by,
)
from ehr_bridge.api.http.context import answer, caller, closed, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Model, Problem, Text16
from ehr_bridge.api.registry import orders
from ehr_bridge.api.registry.orders import Modality, OrderAnswer, order_answer
from ehr_bridge.api.reporting.answers import reporter
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.day.listing import NO_REPORT, Row
from ehr_bridge.services.registry.order_search import ALSO, PRIORITIES, SORTS, OrderWish

ME, NOBODY = "me", "nobody"
PersonName = Annotated[str, Field(max_length=255)]
REPORT_STATES = (NO_REPORT, *(state for state in ReportStatus if state is not ReportStatus.ENTERED_IN_ERROR))


class OrderQuery(CursorQuery, OfStudy):
    accession_number: ByAccession = None
    q: Words = None
    status: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=255,
        pattern=some_of(OrderStatus, "a state"),
        description="One state, or several: scheduled,arrived",
    )
    modality: Annotated[Modality | None, EmptyIsNone] = Field(None, description="Orders with a step of it")
    station_ae_title: Annotated[Text16 | None, EmptyIsNone] = Field(None, description="Orders with a step on it")
    body_part: Annotated[Text16 | None, EmptyIsNone] = Field(None, description="As the order says it, in any case")
    priority: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=64,
        pattern=some_of(PRIORITIES, "a priority"),
        description="One, or several: STAT,HIGH; an order that says none is ROUTINE",
    )
    report: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=128,
        pattern=some_of(REPORT_STATES, "a state of a report"),
        description="How far the report is, one state or several; `none`: there is no report that the caller may see",
    )
    assigned_to: Annotated[PersonName | None, EmptyIsNone] = Field(
        None, description="Orders whose examination this person does, by user name; `me`: the caller, `nobody`: free"
    )
    since: At = at_or_after("Appointments")
    until: At = before("Appointments")
    also: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=64,
        pattern=some_of(ALSO, "a kind"),
        description="With `from` or `to`, whatever their appointment: `emergencies`, and orders that are `unscheduled`"
        "; emergencies that are done only where `status` names their state",
    )
    sort: Sort = sorted_by(SORTS)
    scheduled_from: Former = formerly("from")
    scheduled_to: Former = formerly("to")

    def wish(self) -> OrderWish:
        """Raises NotFound, Conflict and NotPermitted like `records_of`."""
        return OrderWish(
            text=self.q,
            patients=self.records,
            order_id=self.named_order_id,
            study_instance_uid=self.study,
            accession_number=self.accession_number,
            modality=self.modality,
            station_ae_title=self.station_ae_title,
            body_part=self.body_part,
            priorities=each(self.priority),
            states=each(self.status),
            since=self.since,
            until=self.until,
            also=each(self.also),
            assigned_to=_person(self.assigned_to),
            closed=closed(),
            updated_since=self.updated_since,
        )


def _person(asked: str | None) -> str | None:
    return {ME: caller().subject, NOBODY: ""}.get(asked, asked) if asked else None


class StandingAnswer(Model):
    id: uuid.UUID
    status: ReportStatus
    is_being_written: bool = Field(description="There is a draft; only told to those who write reports")
    claimed_by: str | None = Field(description="Who is at it just now; only told to those who write reports")
    is_critical: bool = Field(description="A critical result of which nobody has been told yet")


class OrderRow(OrderAnswer):
    report: StandingAnswer | None = Field(
        description="How far the report is; null: there is none that the caller may see. Of several, the one that "
        "changed last"
    )


class OrderList(CursorList):
    items: list[OrderRow]


@orders.blueprint.get(  # OpenAPI lists a path once, so this belongs to the blueprint of its other method
    "/orders", responses={200: OrderList, 404: Problem, 409: Problem, 422: Problem}
)
def list_orders(query: OrderQuery) -> Response:
    """List orders, latest appointment first"""
    page = services().results.day.search(
        query.wish(), each(query.report), reporter(), query.limit, query.offset, query.after, query.sort
    )
    return answer(OrderList(items=[_row(one) for one in page.items], **counts(page)))


def _row(row: Row) -> OrderRow:
    report = None if row.report is None else StandingAnswer.model_validate(row.report)
    return OrderRow(**order_answer(row.order).model_dump(), report=report)
