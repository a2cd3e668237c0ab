"""Signing: by one person, or by somebody in training and then by their supervisor."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ehr_bridge.db.tables.results.reports import NEW, Report
from ehr_bridge.errors import Conflict
from ehr_bridge.reporting.report import Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.reporting import drafting
from ehr_bridge.services.reporting.issuing import Issue, issue, report_event
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.templates import required_of


def issue_preliminary(session: Session, report: Report, who: Reporter, now: datetime) -> Version:
    """Issue the draft before anybody has signed it. Raises as `Reports.preliminary` says."""
    drafting.require_draft(report)
    if report.draft_kind != NEW:
        raise Conflict("report_signed", "What was signed once cannot be preliminary again; sign the amendment.")
    drafting.require_free(report, who, now)
    what = Issue(ReportStatus.PRELIMINARY, drafting.written(report), drafting.author_of(report))
    return issue(session, report, what, who, now)


def sign_draft(session: Session, report: Report, who: Reporter, now: datetime, in_training: bool) -> Version | None:
    """Sign the draft as it stands; the version that was issued, if one was. What somebody in training signs is
    preliminary until a supervisor has signed too. Raises as `Reports.sign` says."""
    drafting.require_draft(report)
    drafting.require_free(report, who, now)
    sections = drafting.written(report, required_of(session, report.template))
    if in_training:
        return _presign(session, report, who, now)
    first = _presigner(report)
    signer, cosigner = (first, who.signer) if first is not None and first != who.signer else (who.signer, None)
    status, author = drafting.becomes(report), drafting.author_of(report)
    what = Issue(status, sections, author, signer, cosigner, report.draft_reason)
    version = issue(session, report, what, who, now)
    drafting.end_draft(report)
    return version


def _presign(session: Session, report: Report, who: Reporter, now: datetime) -> Version | None:
    if report.presigned_by is not None:
        raise Conflict("cosigner_needed", f"{report.presigned_name} has signed this; now a supervisor signs it.")
    version = issue_preliminary(session, report, who, now) if report.draft_kind == NEW else None
    report.presigned_by, report.presigned_name = who.subject, who.signer.name
    drafting.let_go(report)
    event = report_event("report.presigned", report, revision=report.draft_revision)
    audit.append(session, who.origin, event, now)
    return version


def _presigner(report: Report) -> Signer | None:
    if report.presigned_by is None:
        return None
    return Signer(report.presigned_by, report.presigned_name or report.presigned_by)
