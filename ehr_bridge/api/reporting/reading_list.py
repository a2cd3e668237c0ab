"""What waits to be read."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal, get_args

from flask import Response
from pydantic import Field

from ehr_bridge.api.cursors import CursorList, CursorQuery, counts
from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, each, some_of, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import EmptyIsNone, Model, Moment, Problem
from ehr_bridge.api.reporting.answers import ReportItem, report_item
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.services.identity.persons import person_of_study
from ehr_bridge.services.reporting.reading_list import RANKS, SORTS, ReadingFilters, Unread

blueprint = Blueprint("reading_list", "Reports", "/api/v1/reading-list")

Urgency = Literal["stat", "high", "routine", "low", "no_order"]


class ReadingQuery(CursorQuery, OfStudy):
    """Of patients with every record merged into theirs; a study of several orders is found by each of them."""

    urgency: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=64,
        pattern=some_of(get_args(Urgency), "an urgency"),
        description="One, or several: stat,high; `no_order`: nobody has ordered it",
    )
    modality: Annotated[Annotated[str, Field(max_length=16)] | None, EmptyIsNone] = Field(
        None, description="Studies with images of it"
    )
    begun: bool | None = Field(None, description="Whether a report of it was begun")
    since: At = at_or_after("Studies whose first image came")
    until: At = before("Studies whose first image came")
    sort: Sort = sorted_by(SORTS)

    def filters(self) -> ReadingFilters:
        """Raises NotFound, Conflict and NotPermitted like `records_of`."""
        ranks = {name: rank for rank, name in RANKS.items()}
        return ReadingFilters(
            tuple(ranks[name] for name in each(self.urgency)),
            self.modality,
            self.begun,
            self.records,
            self.named_order_id,
            self.study,
            self.since,
            self.until,
            self.updated_since,
            closed(),
        )


class OrderToRead(Model):
    id: uuid.UUID
    accession_number: str
    description: str
    priority: str | None
    status: OrderStatus
    modality: str
    body_part: str | None
    ordered_by: str | None
    scheduled_at: Moment | None


class UnreadAnswer(PersonAnswer):
    """A study that waits for a report."""

    study_instance_uid: str
    patient_id: uuid.UUID
    urgency: Urgency = Field(description="Of its most urgent order; `no_order`: it has none, or only cancelled ones")
    waiting_since: Moment = Field(description="When its first image came")
    is_receiving: bool = Field(description="Images are still coming")
    modalities: list[str]
    study_date: date | None
    study_description: str | None
    number_of_instances: int
    orders: list[OrderToRead] = Field(description="Those of its patient that it answers, the primary one first")
    report: ReportItem | None = Field(
        description="What was begun of it for its patient, and who has claimed it; null: nobody has begun"
    )


class UrgencyCounts(Model):
    """How many studies wait, with these filters."""

    stat: int
    high: int
    routine: int
    low: int
    no_order: int


class ReadingListAnswer(CursorList):
    items: list[UnreadAnswer]
    counts: UrgencyCounts


@blueprint.get("", responses={200: ReadingListAnswer, 404: Problem, 409: Problem, 422: Problem})
def list_unread_studies(query: ReadingQuery) -> Response:
    """List studies that wait for a report, emergencies first, then what has waited longest"""
    found = services().results.reading_list.search(query.filters(), query.limit, query.offset, query.after, query.sort)
    items = [_shown(one) for one in found.page.items]
    return answer(ReadingListAnswer(items=items, counts=UrgencyCounts(**found.counts), **counts(found.page)))


def _shown(unread: Unread) -> UnreadAnswer:
    study = unread.study
    return UnreadAnswer.model_validate(
        {
            **asdict(person_of_study(study)),
            "study_instance_uid": study.study_instance_uid,
            "patient_id": study.patient_id,
            "urgency": unread.urgency,
            "waiting_since": study.created_at,
            "is_receiving": not study.is_available,
            "modalities": study.modalities,
            "study_date": study.study_date,
            "study_description": study.study_description,
            "number_of_instances": study.number_of_instances,
            "orders": [_order(one) for one in unread.orders],
            "report": report_item(unread.report) if unread.report is not None else None,
        }
    )


def _order(order: Order) -> OrderToRead:
    return OrderToRead.model_validate({name: getattr(order, name) for name in OrderToRead.model_fields})
