"""How long examinations take, and the examinations behind each number."""

from __future__ import annotations

import uuid
from datetime import date
from enum import IntEnum
from typing import Annotated, Literal, cast

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import PageQuery, Sort, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, Problem, Versioned
from ehr_bridge.api.registry.orders import Modality
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.services.dashboard.milestones import LEGS
from ehr_bridge.services.dashboard.percentiles import FEWEST, Spread
from ehr_bridge.services.dashboard.times import SORTS, LegTimes, Slow
from ehr_bridge.services.identity.persons import person_of

blueprint = Blueprint("turnaround", "Dashboard", "/api/v1/dashboard")


class Span(IntEnum):
    """How many days, today the last of them."""

    WEEK = 7
    MONTH = 30
    QUARTER = 90


LegName = Literal[
    "order_to_arrival",
    "appointment_to_images",
    "arrival_to_images",
    "images_to_completed",
    "completed_to_preliminary",
    "preliminary_to_signed",
    "completed_to_signed",
    "order_to_signed",
]
Priority = Literal["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"]
Days = Annotated[Span, Field(description="How many days, today the last: 7, 30 or 90; days as they are at the site")]
ByModality = Annotated[
    Annotated[Modality | None, EmptyIsNone], Field(description="Of this modality, as the order's first step has it")
]
ByPriority = Annotated[
    Annotated[Priority | None, EmptyIsNone], Field(description="Of this priority; an order that says none is ROUTINE")
]


class TurnaroundQuery(Input):
    days: Days = Span.MONTH
    modality: ByModality = None
    priority: ByPriority = None


class ExaminationQuery(PageQuery):
    days: Days = Span.MONTH
    modality: ByModality = None
    priority: ByPriority = None
    leg: Annotated[LegName | None, EmptyIsNone] = Field(
        None, description="Those of which this time is known; left out: all"
    )
    sort: Sort = sorted_by(SORTS)


class SpreadAnswer(Model):
    number: int = Field(description="Examinations of which this time is known; `total` of the list behind it")
    median_minutes: float | None = Field(description=f"In minutes; null of fewer than {FEWEST}")
    p90_minutes: float | None = Field(description=f"90 of 100 took no longer, in minutes; null of fewer than {FEWEST}")


class ModalitySpread(SpreadAnswer):
    modality: str


class PrioritySpread(SpreadAnswer):
    priority: str


class LegAnswer(SpreadAnswer):
    leg: LegName
    modalities: list[ModalitySpread]
    priorities: list[PrioritySpread]


class TurnaroundAnswer(Versioned):
    """Of orders whose study got its first image in the period. The list behind a number: `GET
    dashboard/turnaround/examinations` with the same `days`, `modality` and `priority`, and `leg`."""

    days: Span = Field(description="How many days, today the last")
    first_day: date
    last_day: date
    examinations: int = Field(description="With and without known times; `total` of the list without a leg")
    is_cut: bool = Field(description="There were more than are measured; the latest were")
    modalities: list[str] = Field(description="All of the period, whichever was asked for")
    legs: list[LegAnswer]


class ExaminationAnswer(PersonAnswer):
    order_id: uuid.UUID
    accession_number: str
    patient_id: uuid.UUID
    description: str
    modality: str
    priority: str | None
    status: OrderStatus
    study_instance_uid: str
    began_at: Moment
    ended_at: Moment
    minutes: float | None = Field(
        description="Minutes between both; null without a leg: both moments are that of the first image"
    )


class ExaminationList(ListOf[ExaminationAnswer]):
    pass


@blueprint.get("/turnaround", responses={200: TurnaroundAnswer, 422: Problem})
def get_turnaround(query: TurnaroundQuery) -> Response:
    """How long examinations of the last days took, from order to signed report; some seconds old at most"""
    found = services().results.times.look(query.days, query.modality, query.priority, closed())
    shown = TurnaroundAnswer(
        days=query.days,
        first_day=found.period.first,
        last_day=found.period.last,
        examinations=found.number,
        is_cut=found.is_cut,
        modalities=list(found.modalities),
        legs=[_leg(one) for one in found.legs],
    )
    return answer(shown)


@blueprint.get("/turnaround/examinations", responses={200: ExaminationList, 422: Problem})
def list_examinations(query: ExaminationQuery) -> Response:
    """List the examinations behind a number of the turnaround, slowest first"""
    leg = next((one for one in LEGS if one.name == query.leg), None)
    page = services().results.times.search(
        leg, query.days, query.modality, query.priority, closed(), query.limit, query.offset, query.sort
    )
    return answer(ExaminationList.of(page, lambda one: _examination(one, is_timed=leg is not None)))


def _leg(one: LegTimes) -> LegAnswer:
    return LegAnswer(
        leg=cast(LegName, one.leg.name),
        modalities=[ModalitySpread(modality=name, **_spread(each)) for name, each in one.modalities],
        priorities=[PrioritySpread(priority=name, **_spread(each)) for name, each in one.priorities],
        **_spread(one.all),
    )


def _spread(found: Spread) -> dict[str, int | float | None]:
    return {"number": found.number, "median_minutes": _shown(found.median), "p90_minutes": _shown(found.upper)}


def _shown(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 1)


def _examination(one: Slow, *, is_timed: bool) -> ExaminationAnswer:
    order = one.order
    person = person_of(order.patient, {})
    return ExaminationAnswer(
        mrn=person.mrn,
        issuer=person.issuer,
        patient_name=person.patient_name,
        patient_birth_date=person.patient_birth_date,
        patient_sex=order.patient.sex,
        order_id=order.id,
        accession_number=order.accession_number,
        patient_id=order.patient_id,
        description=order.description,
        modality=order.modality,
        priority=order.priority,
        status=order.status,
        study_instance_uid=order.study_instance_uid,
        began_at=one.start,
        ended_at=one.end,
        minutes=_shown(one.minutes) if is_timed else None,
    )
