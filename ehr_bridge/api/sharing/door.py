"""The routes of people outside: a share is opened, and reports are read with what it gives."""

from __future__ import annotations

import uuid
from datetime import date

from flask import Response, request
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import address, answer, caller, services
from ehr_bridge.api.http.limits import count_opening
from ehr_bridge.api.http.schemas import Input, Model, Moment, Problem
from ehr_bridge.api.reporting.documents import A_PDF
from ehr_bridge.api.reporting.reports import ReportPath
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.auth.tokens import digest
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.viewing.tokens import Minted

blueprint = Blueprint("share_door", "Sharing", "/api/v1/share", is_public=True)


class OpenBody(Input):
    secret: str = Field(min_length=1, max_length=256, description="What the link has behind its #")
    pin: str | None = Field(None, max_length=64, description="Only where it is asked for (`share_pin_required`)")


class SharedReportEntry(Model):
    """A signed report of the study."""

    report_id: uuid.UUID
    number: int = Field(description="Its latest version")
    title: str
    status: ReportStatus
    issued_at: Moment | None


class OpenedAnswer(Model):
    token: str = Field(description="A viewer token for this study; `POST dicom/viewer-token/exchange` renews it")
    token_id: uuid.UUID
    expires_at: Moment
    open_until: Moment = Field(description="When the link expires, at the latest")
    url: str = Field(description="Opens the study in the viewer, with the token")
    study_instance_uid: str
    study_date: date | None
    study_description: str | None
    modalities: list[str]
    reports: list[SharedReportEntry]


@blueprint.post(
    "/open",
    responses={
        201: OpenedAnswer,
        400: Problem,
        403: Problem,
        404: Problem,
        415: Problem,
        422: Problem,
        503: Problem,
    },
)
def open_share(body: OpenBody) -> Response:
    """Open the link of somebody outside: counts one use

    Unknown, expired, ended and used-up links are answered alike (404).
    """
    services().sharing.require_on()
    count_opening(services().rate_limits, request.environ, digest(body.secret))
    opened = services().sharing.door.open(body.secret, body.pin, address())
    services().authenticator.expect(opened.token)
    minted = Minted(opened.token, opened.token_id, opened.expires_at, [opened.study_instance_uid])
    shown = {name: getattr(opened, name) for name in OpenedAnswer.model_fields if hasattr(opened, name)}
    return answer(OpenedAnswer.model_validate(shown | {"url": services().viewer.link(minted)}), 201)


@blueprint.get(
    "/reports/<report_id>/pdf",
    responses={200: A_PDF, 401: Problem, 403: Problem, 404: Problem, 422: Problem, 503: Problem},
    security=[{"bearer": []}],
)
def get_shared_report_pdf(path: ReportPath) -> Response:
    """The latest signed version of a report of the shared study as PDF"""
    services().sharing.require_on()
    report_id, number = services().sharing.door.report(path.report_id, caller(), address())
    version = services().results.reports.version(report_id, number)
    response = Response(services().results.pdfs.pdf(version, archive()), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="report-{number}.pdf"'
    return response
