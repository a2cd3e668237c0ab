"""Critical results: who was told, how, and whether they read it back. Each attempt is a row that never changes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.results.reports import Report, ReportCommunication
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.reporting.critical import CriticalLevel, Way, is_more_urgent
from ehr_bridge.services import audit
from ehr_bridge.services.reporting.issuing import report_event
from ehr_bridge.services.reporting.people import Reporter

AHEAD = timedelta(minutes=5)
"""Clocks differ by less."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whom somebody told of a critical result, or tried to."""

    to: str
    way: Way
    at: datetime | None
    was_reached: bool
    read_back: bool
    level: CriticalLevel | None = None
    """None: that of the report."""
    note: str | None = None


def record(session: Session, report: Report, told: Told, who: Reporter, now: datetime) -> ReportCommunication:
    """Write down an attempt; one that reached somebody settles the critical result.

    Raises:
        Conflict: the report is not critical, and no level is said.
        InvalidInput: it lies in the future, or nobody was reached who could have read it back.
    """
    at, level = told.at or now, told.level or _level_of(report, who)
    if level is None:
        raise Conflict("not_critical", "This report is not critical; send a level with what you record.")
    if at > now + AHEAD:
        raise InvalidInput("invalid_request", "That moment is still to come.", (("at", "not in the future"),))
    if told.read_back and not told.was_reached:
        message = "nobody was reached, so nobody has read it back"
        raise InvalidInput("invalid_request", f"{message.capitalize()}.", (("read_back", message),))
    if report.critical_level is None or is_more_urgent(level, report.critical_level):
        report.critical_level, report.critical_told_at = level, None
    written = report.draft_critical_level
    if report.draft_kind is not None and (written is None or is_more_urgent(level, written)):
        report.draft_critical_level = level  # the draft would say less than what somebody was told
    row = ReportCommunication(
        id=uuid.uuid4(),
        report_id=report.id,
        version=report.number,
        level=level,
        told=told.to,
        way=told.way,
        at=at,
        was_reached=told.was_reached,
        read_back=told.read_back,
        note=told.note,
        recorded_by=who.subject,
        recorded_name=who.signer.name,
        recorded_at=now,
    )
    session.add(row)
    if told.was_reached and report.critical_told_at is None:
        report.critical_told_at = at
    detail = {"level": level.value, "way": told.way.value, "reached": told.was_reached, "read_back": told.read_back}
    audit.append(session, who.origin, report_event("report.communicated", report, **detail), now)
    return row


def _level_of(report: Report, who: Reporter) -> CriticalLevel | None:
    """That of the draft, for whoever sees drafts; else what was issued."""
    written = report.draft_critical_level if who.writes else None
    return written or report.critical_level


def communications_of(session: Session, report: Report) -> list[ReportCommunication]:
    """All attempts, in the order in which they were written down."""
    query = select(ReportCommunication).where(ReportCommunication.report_id == report.id)
    return list(session.scalars(query.order_by(ReportCommunication.recorded_at, ReportCommunication.id)))
