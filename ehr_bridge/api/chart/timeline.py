"""Everything about a patient by date."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Annotated

from flask import Response
from pydantic import Field

from ehr_bridge.api.cursors import opened, sealed
from ehr_bridge.api.filters import MEANINGS, each, some_of
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Issuer, Model, Moment, PatientRef, Problem
from ehr_bridge.api.reporting.answers import reporter
from ehr_bridge.services.chart.timeline import Entry, EntryKind, TimelineWish

blueprint = Blueprint("timeline", "Patients")


class TimelineQuery(Input):
    patient: PatientRef = Field(description=MEANINGS["patient"])
    issuer: Issuer = None
    kind: Annotated[
        Annotated[str, Field(max_length=128, pattern=some_of(EntryKind, "a kind"))] | None,
        EmptyIsNone,
    ] = Field(None, description="One or several with commas between; left out: all")
    modality: Annotated[Annotated[str, Field(max_length=16)] | None, EmptyIsNone] = Field(
        None, description="Orders, studies and reports of it; documents and uploads have none"
    )
    limit: int = Field(50, ge=1, le=500, description=MEANINGS["limit"])
    cursor: Annotated[Annotated[str, Field(max_length=2048)] | None, EmptyIsNone] = Field(
        None, description="`next` of the page before, with the same query otherwise"
    )

    def of(self) -> bytes:
        """What a cursor belongs to."""
        said = self.model_dump(exclude={"cursor", "limit"})
        return b"timeline " + json.dumps(said, sort_keys=True, default=str).encode()


class TimelineEntry(Model):
    """Null, and an empty list, mean that it does not apply to this kind."""

    kind: EntryKind
    at: Moment = Field(description="Appointment of an order, date of a study or document, issue of a report, or upload")
    day: date = Field(description="The day of it at the site")
    title: str | None
    status: str | None = Field(
        description="Of an order, report or upload; of a study its link, of a document its kind",
        json_schema_extra={"example": "completed"},
    )
    modalities: list[str]
    accession_number: str | None
    number_of_images: int | None
    order_id: uuid.UUID | None
    study_instance_uid: str | None
    report_id: uuid.UUID | None
    document_id: uuid.UUID | None
    upload_id: uuid.UUID | None


class TimelineAnswer(Model):
    items: list[TimelineEntry]
    total: int = Field(description="Of all pages")
    next: str | None = Field(description="`cursor` for the page after this one; null at the end")


@blueprint.get("/timeline", responses={200: TimelineAnswer, 404: Problem, 409: Problem, 422: Problem})
def get_timeline(query: TimelineQuery) -> Response:
    """Orders, studies, reports, documents and uploads of a patient by date, the latest first"""
    patients = services().patients
    wish = TimelineWish(
        patients.records(patients.named(query.patient, query.issuer)),
        reporter(),
        each(query.kind) or tuple(EntryKind),
        query.modality,
        query.limit,
        tuple(opened(query.cursor, query.of())) if query.cursor else None,
        closed(),
    )
    page = services().results.timeline.of(wish)
    return answer(
        TimelineAnswer(
            items=[_entry(one) for one in page.items],
            total=page.total,
            next=sealed(page.last, query.of()) if page.last is not None else None,
        )
    )


def _entry(entry: Entry) -> TimelineEntry:
    return TimelineEntry.model_validate(entry)
