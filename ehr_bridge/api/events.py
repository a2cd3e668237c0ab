"""Events of patients, orders, studies and reports, for systems that keep in step."""

from __future__ import annotations

import uuid
from typing import Literal

from flask import Response
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.schemas import Input, Model, Moment, Problem

LARGEST_SEQ = 2**63 - 1
PREFIX = "org.ehr-bridge."

blueprint = Blueprint("events", "Events", "/api/v1")


class EventsQuery(Input):
    after: int = Field(0, ge=0, le=LARGEST_SEQ, description="`next` of the answer before; 0 for all that are kept")
    limit: int = Field(100, ge=1, le=1000, description="How many at most")


class EventData(Model):
    """Our ids and StudyInstanceUIDs; null where one does not belong to the event."""

    patient_id: uuid.UUID | None = Field(None, description="Whose it is; of an unlinked or deleted study, whose it was")
    order_id: uuid.UUID | None = Field(None, description="Likewise")
    study_instance_uid: str | None = None
    into_patient_id: uuid.UUID | None = Field(None, description="The record that survives a merge")
    report_id: uuid.UUID | None = None
    version: int | None = Field(None, description="Of the report: the one that was issued, or was the latest")


class EventAnswer(Model):
    seq: int = Field(description="1, 2, 3 …; there are gaps where the caller may not see an event")
    id: uuid.UUID
    type: Literal[
        "org.ehr-bridge.patient.created",
        "org.ehr-bridge.patient.changed",
        "org.ehr-bridge.patient.merged",
        "org.ehr-bridge.order.created",
        "org.ehr-bridge.order.changed",
        "org.ehr-bridge.order.cancelled",
        "org.ehr-bridge.order.status",
        "org.ehr-bridge.study.linked",
        "org.ehr-bridge.study.unlinked",
        "org.ehr-bridge.study.changed",
        "org.ehr-bridge.study.available",
        "org.ehr-bridge.study.deleted",
        "org.ehr-bridge.report.preliminary",
        "org.ehr-bridge.report.final",
        "org.ehr-bridge.report.amended",
        "org.ehr-bridge.report.withdrawn",
        "org.ehr-bridge.report.critical",
    ]
    time: Moment
    data: EventData


class EventList(Model):
    items: list[EventAnswer]
    next: int = Field(description="`after` of the next question, whether there are items or not")


@blueprint.get("/events", responses={200: EventList, 410: Problem, 422: Problem})
def list_events(query: EventsQuery) -> Response:
    """What has happened since, in order, for 90 days"""
    told = services().feed.after(query.after, query.limit, closed())
    items = [EventAnswer.model_validate(one._asdict() | {"type": PREFIX + one.type}) for one in told.items]
    return answer(EventList(items=items, next=told.next))
