"""A report whose images turn out to be somebody else's is in doubt, and is not delivered until somebody decides.

Like `db.facts` it watches the rows that a session writes, so every way in which a study is moved, unlinked or taken
from an order leads here; before the commit, so that a merge, which moves study and order together, is no reason.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import InstanceState, Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import moment
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import SHOWN, ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.modifying.moving import SPLIT_STUDIES
from ehr_bridge.services.reporting.issuing import Listener, doubt_of, report_event
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import is_purged, version_of, version_row

_MOVED = "studies_whose_link_has_changed"
SPLIT = "split"
"""Some images were moved to another patient or order: until a person keeps or withdraws it, or that is undone."""
_LINK = frozenset({"patient_id", "link_status", "order_id", "answers"})

NOT_KEPT = {
    "moved": "The images are another patient's now: link the study back, or withdraw the report.",
    "unlinked": "It is not certain whose the images are: link the study back, or withdraw the report.",
}


def watch_links(database: Database, clock: Callable[[], datetime], tell: Listener) -> None:
    """From now on reports come into doubt, and out of it, in the transaction that changes the link of their study."""

    def note(session: Session, _flush: Any, _instances: Any) -> None:
        moved: set[str] = session.info.setdefault(_MOVED, set())
        moved.update(row.study_instance_uid for row in session.dirty if isinstance(row, Study) and _is_moved(row))

    def judge(session: Session) -> None:
        session.flush()
        split: dict[str, bool] = session.info.pop(SPLIT_STUDIES, {})
        moved: set[str] = session.info.pop(_MOVED, set()) | set(split)
        if not moved:
            return
        of_these = select(Report).where(Report.study_instance_uid.in_(sorted(moved)), ~is_purged())
        for report in session.scalars(of_these.where(Report.status.in_(sorted(SHOWN)))).all():
            lost_images = split.get(report.study_instance_uid or "", report.doubt == SPLIT)
            doubt = doubt_of(session, report) or (SPLIT if lost_images else None)
            if doubt != report.doubt:
                _set(session, report, doubt, moment(session, clock), tell)
        # a withdrawn one is in no doubt, but its notice is in the study while that is its patient's; of a discarded
        # draft nothing was issued
        withdrawn = of_these.where(Report.status == ReportStatus.ENTERED_IN_ERROR, Report.number > 0)
        for report in session.scalars(withdrawn).all():
            tell(session, report, version_of(version_row(session, report.id, report.number)))

    event.listen(database.write_session, "before_flush", note)
    event.listen(database.write_session, "before_commit", judge, insert=True)


def keep(session: Session, report: Report, reason: str, who: Reporter, now: datetime) -> Version:
    """The report is right although its images do not answer all of its orders. Raises Conflict when it is not in doubt,
    or its images are not certainly its patient's: one report is never of two people."""
    if report.doubt is None:
        raise Conflict("report_state", "This report is not in doubt; there is nothing to decide.")
    if (detail := NOT_KEPT.get(doubt_of(session, report) or "")) is not None:
        raise Conflict("study_uncertain", detail)
    event = report_event("report.kept", report, doubt=report.doubt, reason=reason)
    report.doubt = report.doubted_at = None
    audit.append(session, who.origin, event, now)
    return version_of(version_row(session, report.id, report.number))


def _is_moved(study: Study) -> bool:
    state: InstanceState[Any] = inspect(study)
    return any(state.attrs[name].history.has_changes() for name in _LINK & (set(state.mapper.attrs.keys())))


def _set(session: Session, report: Report, doubt: str | None, now: datetime, tell: Listener) -> None:
    before, report.doubt = report.doubt, doubt
    report.doubted_at = None if doubt is None else now
    action = "report.doubt_ended" if doubt is None else "report.doubted"
    audit.append(session, OURSELVES, report_event(action, report, before=before, doubt=doubt), now)
    tell(session, report, version_of(version_row(session, report.id, report.number)))
    session.flush()
