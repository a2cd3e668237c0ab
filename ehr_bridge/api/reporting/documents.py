"""Reports as PDF."""

from __future__ import annotations

from flask import Response

from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.schemas import Problem
from ehr_bridge.api.reporting.answers import reporter
from ehr_bridge.api.reporting.reports import ReportPath, VersionPath
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.errors import NotFound
from ehr_bridge.reporting.report import Version

blueprint = Blueprint("report_documents", "Reports")
A_PDF = {"description": "A PDF (PDF/A-2a, PDF/UA-1)", "content": {"application/pdf": {"schema": BINARY}}}


@blueprint.get("/reports/<report_id>/pdf", responses={200: A_PDF, 404: Problem, 422: Problem})
def get_report_pdf(path: ReportPath) -> Response:
    """The latest version of a report as PDF"""
    versions = services().results.reports.versions(path.report_id, reporter())
    if not versions:
        raise NotFound("report_version_not_found", "Nothing of this report was issued yet.")
    return _pdf(versions[-1])


@blueprint.get("/reports/<report_id>/versions/<number>/pdf", responses={200: A_PDF, 404: Problem, 422: Problem})
def get_report_version_pdf(path: VersionPath) -> Response:
    """One version of a report as PDF"""
    return _pdf(services().results.reports.version_for(path.report_id, path.number, reporter()))


def _pdf(version: Version) -> Response:
    response = Response(services().results.pdfs.pdf(version, archive()), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="report-{version.report_id}-{version.number}.pdf"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response
