"""Reports: the one door to them. Every change is one transaction, audited, and told to those who listen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, Position
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportCommunication, ReportVersion
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import SHOWN, SIGNED, ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.reporting import doubts, drafting
from ehr_bridge.services.reporting.attention import waits_for
from ehr_bridge.services.reporting.communications import Told, communications_of, record
from ehr_bridge.services.reporting.drafting import Content, Start
from ehr_bridge.services.reporting.issuing import Issue, Listener, Proof, issue, prove, report_event, see
from ehr_bridge.services.reporting.listing import ReportFilters, search_reports
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import (
    find_report,
    latest_versions,
    open_to,
    orders_of,
    require_ours,
    require_status,
    version_of,
    version_row,
    visible,
)
from ehr_bridge.services.reporting.signing import issue_preliminary, sign_draft
from ehr_bridge.services.reporting.templates import required_of
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report with what its page shows."""

    report: Report
    latest: Version | None
    """What was issued last; None: nothing yet."""
    holder: str | None
    """Who has claimed it, as long as the claim holds."""
    orders: tuple[Order, ...]
    """Those of its patient that it answers, the primary one first."""
    required: frozenset[str]
    """Codes of the sections that must be written before the draft is signed."""


@dataclass(frozen=True, slots=True)
class ReportRules:
    """What a site asks for."""

    cosign_roles: frozenset[str] = frozenset()
    """Roles of people in training, whose signature needs another."""
    patience: timedelta = timedelta(hours=24)
    """How long a report may stay preliminary before it stands on everybody's list."""


class Reports:
    def __init__(self, database: Database, fresh: Fresh, clock: Callable[[], datetime], rules: ReportRules) -> None:
        self._database = database
        self._fresh = fresh
        self._clock = clock
        self._rules = rules
        self._listeners: list[Listener] = []

    def on_issued(self, listener: Listener) -> None:
        """From now on it is told of every version that is issued, and when a report comes into doubt or out of it, in
        the same transaction."""
        self._listeners.append(listener)

    def tell(self, session: Session, report: Report, version: Version) -> None:
        """Tell all who listen."""
        for listener in self._listeners:
            listener(session, report, version)

    def search(
        self,
        filters: ReportFilters,
        who: Reporter,
        limit: int,
        offset: int,
        after: Position | None = None,
        sort: str | None = None,
    ) -> Page[ReportView]:
        """Reports, last changed first unless asked otherwise. Raises InvalidInput when the list cannot be sorted like
        that or has no position `after`."""
        waiting = lambda what: waits_for(what, self._clock(), self._rules.patience)  # noqa: E731
        with self._database.read() as session:
            page = search_reports(session, filters, who, limit, offset, after, sort, waiting)
            return page.of(self.views_of(session, page.items))

    def get(self, report_id: uuid.UUID, who: Reporter) -> ReportView:
        """Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            return self._view(session, find_report(session, report_id, who))

    def open(self, order: str | None, study_instance_uid: str | None, start: Start, who: Reporter) -> ReportView:
        """Begin a report of an order, or of a study and all of its orders.

        Raises:
            NotFound: there is no such order or study.
            NotPermitted: the caller may not see its patient.
            Conflict: it has a report; the order is cancelled; or the study is not linked.
        """
        with self._fresh.write() as session:
            report = drafting.open_draft(session, order, study_instance_uid, start, who, self._clock())
            return self._view(session, report)

    def save(self, report_id: uuid.UUID, content: Content, who: Reporter) -> ReportView:
        """Save the draft, which renews the claim. Raises Conflict when nothing is being written or somebody else has
        claimed it."""
        return self._change(report_id, who, lambda s, report, now: drafting.save(s, report, content, who, now))

    def claim(self, report_id: uuid.UUID, reason: str | None, who: Reporter) -> ReportView:
        """Claim the draft for a while; with a reason, take it over. Raises Conflict when somebody else has claimed it
        and there is no reason."""
        return self._change(report_id, who, lambda s, report, now: drafting.claim(s, report, reason, who, now))

    def release(self, report_id: uuid.UUID, who: Reporter) -> ReportView:
        """Let go of the claim. Raises Conflict when it is somebody else's."""
        return self._change(report_id, who, lambda s, report, now: drafting.release(s, report, who, now))

    def discard(self, report_id: uuid.UUID, reason: str, who: Reporter) -> ReportView:
        """Throw away what is being written. Raises Conflict like `save`."""
        return self._change(report_id, who, lambda s, report, now: drafting.discard(s, report, reason, who, now))

    def preliminary(self, report_id: uuid.UUID, who: Reporter) -> ReportView:
        """Issue the draft before anybody has signed it; it can be written on.

        Raises:
            Conflict: it was signed once; its images are not certainly its patient's; or like `save`.
            InvalidInput: nothing is written.
        """

        def act(session: Session, report: Report, now: datetime) -> None:
            self.tell(session, report, issue_preliminary(session, report, who, now))

        return self._change(report_id, who, act)

    def sign(self, report_id: uuid.UUID, who: Reporter) -> ReportView:
        """Sign the draft as it stands. The caller has proved who they are a moment ago. What is signed by somebody with
        a role of `cosign_roles` is preliminary until a supervisor has signed it too.

        Raises:
            Conflict: nothing is being written, somebody else has claimed it, it waits for a supervisor, or its images
                are not certainly its patient's.
            InvalidInput: nothing is written, or not what the template requires.
        """
        in_training = not who.roles.isdisjoint(self._rules.cosign_roles)

        def act(session: Session, report: Report, now: datetime) -> None:
            version = sign_draft(session, report, who, now, in_training)
            if version is not None:
                self.tell(session, report, version)

        return self._change(report_id, who, act)

    def keep(self, report_id: uuid.UUID, reason: str, who: Reporter) -> ReportView:
        """Say that a report in doubt is right all the same; it is delivered then. Raises Conflict when it is not in
        doubt, or its images are not certainly its patient's."""

        def act(session: Session, report: Report, now: datetime) -> None:
            self.tell(session, report, doubts.keep(session, report, reason, who, now))

        return self._change(report_id, who, act, also_from_outside=True)

    def amend(self, report_id: uuid.UUID, kind: ReportStatus, reason: str, who: Reporter) -> ReportView:
        """Open a draft of the next version of a signed report. Raises Conflict when it is not signed, or one is
        open."""

        def act(session: Session, report: Report, now: datetime) -> None:
            latest = version_of(version_row(session, report.id, report.number)) if report.number else None
            drafting.amend(session, report, kind, latest.sections if latest else (), reason, who, now)

        return self._change(report_id, who, act)

    def withdraw(self, report_id: uuid.UUID, reason: str, who: Reporter) -> ReportView:
        """Say that what was issued was entered in error: of the wrong patient, for example. What is being written of it
        is discarded. Raises Conflict when nothing was issued, or it is withdrawn."""

        def act(session: Session, report: Report, now: datetime) -> None:
            require_status(report, ReportStatus.PRELIMINARY, *sorted(SIGNED))
            latest = version_of(version_row(session, report.id, report.number))
            what = Issue(ReportStatus.ENTERED_IN_ERROR, latest.sections, latest.author, who.signer, reason=reason)
            drafting.end_draft(report)
            report.doubt = report.doubted_at = None
            self.tell(session, report, issue(session, report, what, who, now))

        return self._change(report_id, who, act)

    def seen(self, report_id: uuid.UUID, who: Reporter) -> None:
        """Note that the caller has seen the latest version."""
        now = self._clock()
        with self._database.write() as session:
            report = find_report(session, report_id, who)
            if report.number and see(session, report, who.subject, now):
                audit.append(session, who.origin, report_event("report.seen", report, version=report.number), now)

    def versions(self, report_id: uuid.UUID, who: Reporter) -> list[Version]:
        """All that was issued of it, oldest first. Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            report = find_report(session, report_id, who)
            query = select(ReportVersion).where(ReportVersion.report_id == report.id).order_by(ReportVersion.number)
            return [version_of(row) for row in session.scalars(query)]

    def version_for(self, report_id: uuid.UUID, number: int, who: Reporter) -> Version:
        """Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            return version_of(version_row(session, find_report(session, report_id, who).id, number))

    def version(self, report_id: uuid.UUID, number: int) -> Version:
        """For work without a caller, such as filing. Raises NotFound."""
        with self._database.read() as session:
            return version_of(version_row(session, report_id, number))

    def communicate(self, report_id: uuid.UUID, told: Told, who: Reporter) -> ReportCommunication:
        """Write down that somebody was told of a critical result. Raises as `communications.record` says."""
        now = self._clock()
        with self._database.write() as session:
            return record(session, find_report(session, report_id, who), told, who, now)

    def communications(self, report_id: uuid.UUID, who: Reporter) -> list[ReportCommunication]:
        """Who was told of its critical result, in order. Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            return communications_of(session, find_report(session, report_id, who))

    def priors(self, report_id: uuid.UUID, limit: int, who: Reporter, closed: Closed = NOTHING) -> list[ReportView]:
        """What was issued of other studies of the patient, latest first: for comparison, or to be taken over as before.
        Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            report = find_report(session, report_id, who)
            query = select(Report).where(
                Report.patient_id == report.patient_id,
                Report.id != report.id,
                Report.status.in_(sorted(SHOWN)),
                visible(),
                *open_to(closed),
            )
            query = query.order_by(Report.issued_at.desc(), Report.id).limit(limit)
            return self.views_of(session, session.scalars(query).all())

    def verify(self, report_id: uuid.UUID, number: int, who: Reporter) -> Proof:
        """Whether a version is what was issued (`issuing.prove`). Raises NotFound, NotPermitted."""
        with self._database.read() as session:
            return prove(session, find_report(session, report_id, who).id, number)

    def _change(
        self,
        report_id: uuid.UUID,
        who: Reporter,
        act: Callable[[Session, Report, datetime], None],
        *,
        also_from_outside: bool = False,
    ) -> ReportView:
        now = self._clock()
        with self._database.write() as session:
            report = find_report(session, report_id, who)
            if not also_from_outside:
                require_ours(report)
            act(session, report, now)
            session.flush()
            return self._view(session, report)

    def views_of(self, session: Session, reports: Sequence[Report]) -> list[ReportView]:
        """Reports that somebody has found, as lists show them."""
        latest = latest_versions(session, reports)
        return [self._view(session, one, latest) for one in reports]

    def _view(
        self, session: Session, report: Report, known: Mapping[uuid.UUID, ReportVersion] | None = None
    ) -> ReportView:
        rows = latest_versions(session, [report]) if known is None else known
        latest = version_of(rows[report.id]) if report.number else None
        required = required_of(session, report.template) if report.draft_kind is not None else frozenset()
        holder = drafting.holder(report, self._clock())
        return ReportView(report, latest, holder, tuple(orders_of(report)), required)
