"""Reports as PDF."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.schemas import Problem
from ehr_bridge.api.reporting.answers import reporter
from ehr_bridge.api.reporting.reports import ReportPath, VersionPath
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.errors import NotFound
from ehr_bridge.reporting.received import PDF
from ehr_bridge.reporting.report import Version

blueprint = Blueprint("report_documents", "Reports")
A_FILE = {
    "description": "The file",
    "content": {"application/pdf": {"schema": BINARY}, "application/octet-stream": {"schema": BINARY}},
}
A_PDF = {"description": "A PDF (PDF/A-2a, PDF/UA-1)", "content": {"application/pdf": {"schema": BINARY}}}


@blueprint.get("/reports/<report_id>/pdf", responses={200: A_PDF, 404: Problem, 422: Problem})
def get_report_pdf(path: ReportPath) -> Response:
    """The latest version of a report as PDF

    Of a report from outside it is the PDF that its sender sent with it, if there is one.
    """
    versions = services().results.reports.versions(path.report_id, reporter())
    if not versions:
        raise NotFound("report_version_not_found", "Nothing of this report was issued yet.")
    return _pdf(versions[-1])


@blueprint.get("/reports/<report_id>/versions/<number>/pdf", responses={200: A_PDF, 404: Problem, 422: Problem})
def get_report_version_pdf(path: VersionPath) -> Response:
    """One version of a report as PDF"""
    return _pdf(services().results.reports.version_for(path.report_id, path.number, reporter()))


class AttachmentPath(VersionPath):
    position: int = Field(ge=0, le=9999, description="0 for the first, as in `outside.attachments`")


@blueprint.get(
    "/reports/<report_id>/versions/<number>/attachments/<position>",
    responses={200: A_FILE, 404: Problem, 422: Problem},
)
def get_report_attachment(path: AttachmentPath) -> Response:
    """A file that came with a version from outside, as it came

    A PDF is shown; everything else is a download, whatever its sender says it is.
    """
    outside = services().results.outside
    said, content, version = outside.attachment(path.report_id, path.number, path.position, reporter())
    is_pdf = said.content_type == PDF and content.startswith(b"%PDF-")
    response = Response(content, content_type=PDF if is_pdf else "application/octet-stream")
    name = f"report-{version.report_id}-{version.number}-{path.position}{'.pdf' if is_pdf else ''}"
    response.headers["Content-Disposition"] = f'{"inline" if is_pdf else "attachment"}; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _pdf(version: Version) -> Response:
    response = Response(services().results.pdfs.pdf(version, archive()), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="report-{version.report_id}-{version.number}.pdf"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response
