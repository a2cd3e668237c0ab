"""Who was told of a critical result."""

from __future__ import annotations

import uuid
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.filters import At
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Model, Moment, Problem, ReasonText, no_control_characters
from ehr_bridge.api.reporting.answers import SignerAnswer, reporter
from ehr_bridge.api.reporting.reports import ReportPath
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.db.tables.results.reports import ReportCommunication
from ehr_bridge.reporting.critical import CriticalLevel, Way
from ehr_bridge.services.reporting.communications import Told

blueprint = Blueprint("report_communications", "Reports", "/api/v1/reports/<report_id>/communications")


class CommunicationBody(Input):
    told: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(no_control_characters)] = (
        Field(description="Whom, as they would be called: `Dr. Ekström, ward 3`")
    )
    way: Way = Field(description="How")
    at: At = Field(None, description="When, with time zone; left out: now")
    was_reached: bool = Field(True, description="False: they could not be reached; it stays open")
    read_back: bool = Field(description="They have said it back, and it was right")
    level: CriticalLevel | None = Field(None, description="Left out: that of the report")
    note: Annotated[ReasonText | None, EmptyIsNone] = Field(None, description="What else there is to say")


class CommunicationAnswer(Model):
    id: uuid.UUID
    report_id: uuid.UUID
    version: int = Field(description="The latest version of the report by then; 0: nothing was issued yet")
    level: CriticalLevel = Field(description="Within which time they had to know")
    told: str = Field(description="Whom")
    way: Way = Field(description="How")
    at: Moment = Field(description="When")
    was_reached: bool
    read_back: bool = Field(description="They have said it back, and it was right")
    note: str | None
    recorded: SignerAnswer = Field(description="Who wrote it down")
    recorded_at: Moment


class CommunicationList(Model):
    items: list[CommunicationAnswer]


@blueprint.get("", responses={200: CommunicationList, 404: Problem, 422: Problem})
def list_report_communications(path: ReportPath) -> Response:
    """Who was told of a critical result, and who could not be reached, in order"""
    rows = services().results.reports.communications(path.report_id, reporter())
    return answer(CommunicationList(items=list(map(_answer, rows))))


@blueprint.post(
    "",
    responses={201: CommunicationAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@repeatable
def note_report_communication(path: ReportPath, body: CommunicationBody) -> Response:
    """Write down that somebody was told of a critical result, or could not be reached; it never changes"""
    told = Told(body.told, body.way, body.at, body.was_reached, body.read_back, body.level, body.note)
    return answer(_answer(services().results.reports.communicate(path.report_id, told, reporter())), 201)


def _answer(row: ReportCommunication) -> CommunicationAnswer:
    own = {name: getattr(row, name) for name in CommunicationAnswer.model_fields if name != "recorded"}
    return CommunicationAnswer(**own, recorded=SignerAnswer(subject=row.recorded_by, name=row.recorded_name))
