"""Reports from outside: another system writes them, and we keep each version as it came. Never written or signed here.

Whose it is must be said and fit what is known: the patient, and an order or a study of that patient. A contradiction is
refused and changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.states import LinkStatus, OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportAttachment, ReportVersion
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, InvalidInput, NotFound
from ehr_bridge.reporting.received import LANGUAGE, Received
from ehr_bridge.reporting.report import Attachment, Outside, Signer, Version
from ehr_bridge.reporting.states import SIGNED, ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.reporting.issuing import Issue, Listener, answering, issue, new_report, report_event
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import find_report, is_purged, version_of, version_row
from ehr_bridge.services.visibility.asker import require_open


@dataclass(frozen=True, slots=True)
class Sender:
    """Another system that writes reports."""

    name: str
    """Of a source of HL7; where none is configured, what MSH-3 and MSH-4 say; by FHIR, who calls."""
    application: str | None = None
    """MSH-3 of its messages."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose report it is, as its sender says: the patient, and at least one of order and study."""

    patient_id: uuid.UUID
    order_id: uuid.UUID | None
    study_instance_uid: str | None


class Outcome(StrEnum):
    """What became of it."""

    ISSUED = "issued"
    KNOWN = "known"
    """It came before."""
    OUTDATED = "outdated"
    """A later version came first."""


@dataclass(frozen=True, slots=True)
class Taken:
    report_id: uuid.UUID
    outcome: Outcome
    is_new: bool
    """Whether nothing of this report was here before."""


class OutsideReports:
    def __init__(self, fresh: Fresh, clock: Callable[[], datetime], tell: Listener) -> None:
        """`tell` is told of every version, like of one that is signed here."""
        self._fresh = fresh
        self._clock = clock
        self._tell = tell

    def receive(self, said: Received, whose: Whose, sender: Sender, origin: Origin) -> Taken:
        """Keep what another system has issued as the next version of its report.

        Raises:
            NotFound: there is no such study.
            NotPermitted: the caller may not see its patient.
            InvalidInput: it says nothing that can be read.
            Conflict: patient, order and study do not fit each other or the versions before; the order is cancelled;
                the images are not certainly the patient's; a withdrawn report comes back, or a final one goes back.
        """
        if not said.is_withdrawal and not said.sections and not said.files:
            fault = (("sections", "send its text, or a file"),)
            raise InvalidInput("report_empty", "This report has neither text nor a file.", fault)
        now = self._clock()
        with self._fresh.write() as session:
            require_open(whose.patient_id)
            of_sender = Report.sender == sender.name, Report.sender_number == said.number
            report = session.scalar(select(Report).where(*of_sender))
            if is_new := report is None:
                report = _begin(session, said, whose, sender, now)
                outcome = Outcome.ISSUED
            else:
                _require_same(session, report, whose)
                outcome = _standing(session, report, said)
                if outcome is Outcome.ISSUED and _is_purged(session, report):
                    report.sender_number = (
                        f"{said.number[:200]} {report.id}"  # it stays hidden: the number is another's
                    )
                    session.flush()
                    report, is_new = _begin(session, said, whose, sender, now), True
            if outcome is Outcome.ISSUED:
                self._issue(session, report, said, sender, origin, now)
            else:
                event = report_event("report.passed_over", report, status=said.status.value, reason=outcome.value)
                audit.append(session, origin, event, now)
            return Taken(report.id, outcome, is_new)

    def is_of_another(self, report_id: uuid.UUID, sender: str) -> bool:
        """Whether there is such a report, of ours or of another sender."""
        with self._fresh.read() as session:
            report = session.get(Report, report_id)
            return report is not None and report.sender != sender

    def attachment(
        self, report_id: uuid.UUID, number: int, position: int, who: Reporter
    ) -> tuple[Attachment, bytes, Version]:
        """A file that came with a version, and its bytes. Raises NotFound, NotPermitted."""
        with self._fresh.read() as session:
            version = version_of(version_row(session, find_report(session, report_id, who).id, number))
            row = session.get(ReportAttachment, (report_id, number, position))
            if row is None or version.outside is None:
                raise NotFound("attachment_not_found", "This version came without a file at that position.")
            return version.outside.attachments[position], row.content, version

    def _issue(
        self, session: Session, report: Report, said: Received, sender: Sender, origin: Origin, now: datetime
    ) -> None:
        before = version_of(version_row(session, report.id, report.number)) if report.number else None
        files = tuple(file.described for file in said.files)
        outside = Outside(sender.name, said.number, said.said, said.said_at, files, said.is_dated_by_message)
        author = Signer(sender.name, (said.author or sender.name)[:255])
        sections = said.sections
        if said.is_withdrawal:
            sections = before.sections if before is not None else ()
            report.doubt = report.doubted_at = None
        report.title = (said.title or report.title)[:128]
        report.language = said.language or report.language
        what = Issue(_becomes(report.status, said.status), sections, author, outside=outside)
        version = issue(session, report, what, Reporter(author, origin), now)
        for position, file in enumerate(said.files):
            key = {"report_id": report.id, "number": version.number, "position": position}
            session.add(ReportAttachment(**key, content=file.content))
        self._tell(session, report, version)
        session.flush()


def _is_purged(session: Session, report: Report) -> bool:
    """Its images are deleted for good: it takes no further version, which would show those before again."""
    return session.scalar(select(Report.id).where(Report.id == report.id, is_purged())) is not None


def _begin(session: Session, said: Received, whose: Whose, sender: Sender, now: datetime) -> Report:
    """A report of which nothing is issued yet."""
    order, study = _of_what(session, whose)
    orders = [order] if order is not None else study.orders if study is not None else []
    if order is not None and order.status == OrderStatus.CANCELLED and not said.is_withdrawal:
        raise Conflict("order_state", "This order is cancelled; its report would be of nothing that was ordered.")
    patient_id = orders[0].patient_id if orders else study.patient_id if study is not None else whose.patient_id
    assert patient_id is not None
    report = new_report(patient_id, study, orders, said.title, said.language or LANGUAGE, now)
    report.sender, report.sender_application, report.sender_number = sender.name, sender.application, said.number
    session.add(report)
    report.orders = [answering(report, one, position) for position, one in enumerate(orders)]
    session.flush()
    session.refresh(report)
    return report


def _of_what(session: Session, whose: Whose) -> tuple[Order | None, Study | None]:
    """The order and the study, after both were compared with the patient and with each other."""
    people = frozenset(survivors(session, [whose.patient_id]))
    order = None if whose.order_id is None else session.get_one(Order, whose.order_id)
    if order is not None and order.patient_id not in people:
        raise Conflict("report_patient_differs", "The order is another patient's than this report says.")
    uid = whose.study_instance_uid
    if uid is None:
        assert order is not None
        uid = order.study_instance_uid
    study = session.scalar(select(Study).where(Study.study_instance_uid == uid, Study.deleted_at.is_(None)))
    if study is None or study.orthanc_study_id is None:
        if order is None:
            raise NotFound("study_not_found", "The archive holds no study with this Study Instance UID.")
        if whose.study_instance_uid is not None and order.orthanc_study_id is not None:
            raise Conflict("study_of_another_order", "The study that this report names is not the order's.")
        return order, None
    if order is not None and order.id not in study.order_ids:
        if whose.study_instance_uid is None:
            return order, None
        raise Conflict("study_of_another_order", "The study that this report names does not answer the order.")
    if study.link_status != LinkStatus.LINKED or study.patient_id is None:
        raise Conflict("study_uncertain", "It is not certain whose images these are; link the study first.")
    if study.patient_id not in people:
        raise Conflict("report_patient_differs", "The study is another patient's than this report says.")
    return order, study


def _require_same(session: Session, report: Report, whose: Whose) -> None:
    """A further version is of the same patient, order and study as those before."""
    require_open(report.patient_id)
    people = frozenset(survivors(session, [whose.patient_id]))
    if report.patient_id not in people:
        raise Conflict("report_of_another_patient", "The versions before it are another patient's report.")
    ours = {one.order_id for one in report.orders}
    is_other = whose.order_id is not None and whose.order_id not in ours
    if not is_other and whose.study_instance_uid not in (None, report.study_instance_uid):
        here = select(Study).where(Study.study_instance_uid == whose.study_instance_uid)
        study = session.scalar(here)
        if study is None and whose.order_id is None:
            raise NotFound("study_not_found", "The archive holds no study with this Study Instance UID.")
        is_other = study is not None and ours.isdisjoint(study.order_ids)
    if is_other:
        raise Conflict("report_of_another_order", "The versions before it are of another order or study.")


def _standing(session: Session, report: Report, said: Received) -> Outcome:
    """Whether it is the next version. What was signed follows what was not, and a withdrawal holds, whatever the time;
    of two others the one that came last is the next, unless it is surely older. Raises Conflict when the report cannot
    become what it says."""
    rows = session.scalars(select(ReportVersion).where(ReportVersion.report_id == report.id))
    versions = sorted(map(version_of, rows), key=lambda one: one.number)
    latest = versions[-1]
    is_withdrawn = report.status is ReportStatus.ENTERED_IN_ERROR
    if said.is_withdrawal:
        return Outcome.KNOWN if is_withdrawn else Outcome.ISSUED
    is_older = said.is_surely_older(latest)
    if said.is_said_by(latest) or any(
        said.is_said_by(one) and (is_older or said.is_of_moment(one)) for one in versions
    ):
        return Outcome.KNOWN
    if report.status is ReportStatus.PRELIMINARY and said.status in SIGNED:
        return Outcome.ISSUED
    if is_older:
        return Outcome.OUTDATED
    if is_withdrawn:
        raise Conflict("report_state", "This report was withdrawn, and stays so; send a further one by another number.")
    if report.status in SIGNED and said.status is ReportStatus.PRELIMINARY:
        raise Conflict("report_state", "This report was final already, and cannot be preliminary again.")
    return Outcome.ISSUED


def _becomes(before: ReportStatus, said: ReportStatus) -> ReportStatus:
    """What is final a second time with another text is amended; otherwise it is what its sender says."""
    return ReportStatus.AMENDED if before in SIGNED and said is ReportStatus.FINAL else said
