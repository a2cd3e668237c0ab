"""A version is issued: its text, its digest in the audit trail, what its orders show, and those who are told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder, ReportSeen, ReportVersion
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.reporting.critical import is_more_urgent
from ehr_bridge.reporting.report import Outside, Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, chain_hash, written_in
from ehr_bridge.services.reporting.order_reports import follow_report
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import orders_of, version_of, version_row

type Listener = Callable[[Session, Report, Version], None]
"""Told in the transaction in which a version is issued, a report comes into doubt or out of it, its images come, or
those of a withdrawn one are moved: the report, and its latest version."""

ACTIONS = {
    ReportStatus.PRELIMINARY: "report.issued",
    ReportStatus.FINAL: "report.signed",
    ReportStatus.AMENDED: "report.signed",
    ReportStatus.CORRECTED: "report.signed",
    ReportStatus.APPENDED: "report.signed",
    ReportStatus.ENTERED_IN_ERROR: "report.withdrawn",
}


DISAGREES = {
    "moved": "The images are another patient's now: link the study to the patient of the report, or discard the draft.",
    "unlinked": "It is not certain whose the images are: link the study first, or discard the draft.",
    "orders": "The images do not answer an order of this report: link the study to it, or discard the draft.",
}
"""What is said where a version cannot be issued, by the doubt."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What is to be issued as the next version."""

    status: ReportStatus
    sections: Sequence[Section]
    author: Signer
    signer: Signer | None = None
    cosigner: Signer | None = None
    reason: str | None = None
    outside: Outside | None = None
    """Of a version that another system issued."""


def issue(session: Session, report: Report, what: Issue, who: Reporter, now: datetime) -> Version:
    """Write the next version and all that follows from it here; the caller tells the listeners. Raises Conflict when
    the images are not those of the report's patient and orders, unless it withdraws."""
    if what.status is not ReportStatus.ENTERED_IN_ERROR:
        join_orders(session, report)
        _require_agreement(session, report)
    version = Version(
        report.id,
        report.number + 1,
        what.status,
        report.title,
        report.language,
        tuple(what.sections),
        what.author,
        now,
        report.study_instance_uid,
        tuple(order.accession_number for order in orders_of(report)),
        what.signer,
        what.cosigner,
        report.number or None,
        what.reason,
        what.outside,
    )
    report.status, report.number, report.issued_at = version.status, version.number, now
    _publish_critical(report)
    detail = {"report_id": str(report.id), "version": version.number, "status": version.status.value}
    action = ACTIONS[version.status] if what.outside is None else "report.received"
    event = report_event(action, report, **detail, sha256=version.sha256)
    audit.append(session, who.origin, event, now)
    session.add(_row(version, written_in(session)[-1]["id"]))
    if what.outside is None:
        see(session, report, who.subject, now)
    follow_report(session, report, who.origin, now)
    session.flush()
    return version


def _publish_critical(report: Report) -> None:
    """What the draft says to be critical holds for everybody; it is open again where it is more urgent than before."""
    level, before = report.draft_critical_level, report.critical_level
    if level is None:
        return
    if before is None or is_more_urgent(level, before):
        report.critical_told_at = None
    report.critical_level, report.critical_note = level, report.draft_critical_note


def join_orders(session: Session, report: Report) -> None:
    """Orders that its study answers by now are answered by the report too, as long as they are the same patient's."""
    if report.study_instance_uid is None and report.orders and report.orders[0].order.orthanc_study_id is not None:
        report.study_instance_uid = report.orders[0].order.study_instance_uid  # its images came after it was begun
    if report.sender is not None:
        return  # it answers what its sender says, and a further report may come for each of the other orders
    study = session.scalar(select(Study).where(Study.study_instance_uid == report.study_instance_uid))
    if study is None or study.link_status != LinkStatus.LINKED or study.patient_id != report.patient_id:
        return
    known = {one.order_id for one in report.orders}
    for order in study.orders:
        if order.id not in known:
            report.orders.append(answering(report, order, len(report.orders)))
    if report.order_id is None and report.orders:
        report.order_id = report.orders[0].order_id


def doubt_of(session: Session, report: Report) -> str | None:
    """Why what it says may not be of these images; None where it is. Of a deleted study nothing is said."""
    study = session.scalar(select(Study).where(Study.study_instance_uid == report.study_instance_uid))
    if study is None or study.deleted_at is not None:
        return report.doubt
    if study.link_status != LinkStatus.LINKED or study.patient_id is None:
        return "unlinked"
    if study.patient_id != report.patient_id:
        return "moved"
    return None if {one.order_id for one in report.orders} <= set(study.order_ids) else "orders"


def _require_agreement(session: Session, report: Report) -> None:
    doubt = doubt_of(session, report)
    is_kept = doubt == "orders" and report.number > 0 and report.doubt is None
    if doubt is not None and not is_kept:
        raise Conflict("study_uncertain", DISAGREES[doubt])


def new_report(
    patient_id: uuid.UUID, study: Study | None, orders: Sequence[Order], title: str | None, language: str, now: datetime
) -> Report:
    """A report of a study, for all these orders, of which nothing is issued yet; the session does not know it yet. Its
    title is what was ordered, unless somebody gives another."""
    told = ", ".join(dict.fromkeys(one.description for one in orders)) or (study.study_description if study else "")
    return Report(
        id=uuid.uuid4(),
        status=ReportStatus.DRAFT,
        number=0,
        patient_id=patient_id,
        written_for_id=patient_id,
        order_id=orders[0].id if orders else None,
        study_instance_uid=study.study_instance_uid if study else None,
        title=(title or told or "Imaging report")[:128],
        language=language,
        created_at=now,
        draft_revision=0,
    )


def answering(report: Report, order: Order, position: int) -> ReportOrder:
    return ReportOrder(report_id=report.id, order_id=order.id, order=order, position=position)


def report_event(action: str, report: Report, **detail: object) -> Event:
    """An event of the audit trail about a report; ids and numbers only."""
    return Event(
        action,
        patient_id=report.patient_id,
        order_id=report.order_id,
        study_instance_uid=report.study_instance_uid,
        detail={"report_id": str(report.id), **detail},
    )


def see(session: Session, report: Report, subject: str, now: datetime) -> bool:
    """Note that a person has seen the latest version; whether that is new."""
    seen = session.get(ReportSeen, (report.id, subject))
    if seen is None:
        session.add(ReportSeen(report_id=report.id, subject=subject, number=report.number, at=now))
        return True
    is_new = seen.number < report.number
    if is_new:
        seen.number, seen.at = report.number, now
    return is_new


def _row(version: Version, audit_event_id: int) -> ReportVersion:
    people = (("author", version.author), ("signer", version.signer), ("cosigner", version.cosigner))
    named = {role: one.subject if one else None for role, one in people}
    named |= {f"{role}_name": one.name if one else None for role, one in people}
    return ReportVersion(
        report_id=version.report_id,
        number=version.number,
        status=version.status,
        title=version.title,
        language=version.language,
        sections=[asdict(one) for one in version.sections],
        issued_at=version.issued_at,
        study_instance_uid=version.study_instance_uid,
        accession_numbers=list(version.accession_numbers),
        replaces=version.replaces,
        reason=version.reason,
        signed_text=version.signed_text(),
        sha256=version.sha256,
        audit_event_id=audit_event_id,
        outside=None if version.outside is None else version.outside.as_json(),
        **named,
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a version is what was issued."""

    version: Version
    sha256: str
    faults: tuple[str, ...]
    """What does not fit: `text`, `digest`, `audit_event`, `audit_hash`."""

    @property
    def ok(self) -> bool:
        return not self.faults


def prove(session: Session, report_id: uuid.UUID, number: int) -> Proof:
    """Compare a version with the bytes that were signed, their digest, and the event of the audit trail that holds it.
    Whether the trail itself is whole says `audit.verify`. Raises NotFound."""
    row = version_row(session, report_id, number)
    version = version_of(row)
    faults = []
    if version.signed_text() != row.signed_text:
        faults.append("text")
    if sha256(row.signed_text).hexdigest() != row.sha256:
        faults.append("digest")
    event = session.get(AuditEvent, row.audit_event_id)
    said = {} if event is None else event.detail
    wanted = {"report_id": str(report_id), "version": number, "sha256": row.sha256}
    if event is None or any(said.get(name) != value for name, value in wanted.items()):
        faults.append("audit_event")
    elif chain_hash(event) != event.hash:
        faults.append("audit_hash")
    return Proof(version, row.sha256, tuple(faults))
