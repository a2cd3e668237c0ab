"""What waits for somebody: critical results that nobody was told of, and reports that got stuck."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, exists, or_, select, union

from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.reporting.states import ReportStatus


class WaitsFor(StrEnum):
    """What a report waits for."""

    COMMUNICATION = "communication"
    """It is critical, and nobody was reached yet."""
    COSIGNER = "cosigner"
    """Its author has signed it, and a supervisor has to sign after them."""
    SIGNATURE = "signature"
    """It is preliminary for longer than a site allows."""
    AUTHOR = "author"
    """Its author's account is switched off; somebody has to take it over."""
    DECISION = "decision"
    """Its images were moved or unlinked, so it is not delivered."""
    ANYTHING = "anything"


def waits_for(what: WaitsFor, now: datetime, patience: timedelta) -> ColumnElement[bool]:
    """The condition for reports that wait for this; `patience` is how long one may stay preliminary."""
    row = Report
    switched_off = exists().where(User.username == row.draft_author, User.is_active.is_(False))
    conditions = {
        WaitsFor.COMMUNICATION: and_(
            row.critical_told_at.is_(None),
            row.id.in_(_critical_or_open()),
            or_(
                and_(row.critical_level.is_not(None), row.status != ReportStatus.ENTERED_IN_ERROR),
                and_(row.draft_kind.is_not(None), row.draft_critical_level.is_not(None), row.number == 0),
            ),
        ),
        WaitsFor.COSIGNER: and_(row.draft_kind.is_not(None), row.presigned_by.is_not(None)),
        WaitsFor.SIGNATURE: and_(row.status == ReportStatus.PRELIMINARY, row.issued_at < now - patience),
        WaitsFor.AUTHOR: and_(row.draft_kind.is_not(None), switched_off),
        WaitsFor.DECISION: row.doubt.is_not(None),
    }
    if what is WaitsFor.ANYTHING:
        return and_(row.id.in_(_that_may_wait()), or_(*conditions.values()))
    return conditions[what]


def _critical_or_open() -> CompoundSelect[uuid.UUID]:
    """The ids of reports that are critical, and of those that are being written: each has an index of its own, and no
    index finds both with OR."""
    return union(_ids(Report.critical_level.is_not(None)), _ids(Report.draft_kind.is_not(None)))


def _that_may_wait() -> CompoundSelect[uuid.UUID]:
    """In the same way, whatever they wait for."""
    return union(
        _ids(Report.critical_level.is_not(None)),
        _ids(Report.draft_kind.is_not(None)),
        _ids(Report.status == ReportStatus.PRELIMINARY),
        _ids(Report.doubt.is_not(None)),
    )


def _ids(condition: ColumnElement[bool]) -> Select[uuid.UUID]:
    return select(Report.id).where(condition).correlate(None)
