"""What is being written: begun, saved, claimed, taken over, discarded. Never seen by those who only read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus, OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import NEW, Report, ReportOrder
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.reporting.critical import CriticalLevel
from ehr_bridge.reporting.headings import plain_sections
from ehr_bridge.reporting.report import Section, Signer
from ehr_bridge.reporting.states import AMENDMENTS, SIGNED, ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.reporting.issuing import answering, new_report, report_event
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.reporting.rows import is_purged, require_status, version_row
from ehr_bridge.services.studies.listing import find_study

HELD = timedelta(minutes=15)
"""How long a claim holds after the last saving."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a report is begun with."""

    title: str | None
    language: str
    sections: Sequence[Section]
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Critical:
    level: CriticalLevel | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is saved. None: as it was."""

    sections: Sequence[Section]
    title: str | None = None
    critical: Critical | None = None


def open_draft(
    session: Session, order: str | None, study_instance_uid: str | None, start: Start, who: Reporter, now: datetime
) -> Report:
    """A new report of an order or a study, for all orders of the study. Raises as `Reports.open` says."""
    study, orders = _of_what(session, order, study_instance_uid)
    _require_none(session, study, orders)
    patient_id = orders[0].patient_id if orders else study.patient_id if study else None
    assert patient_id is not None
    report = new_report(patient_id, study, orders, start.title, start.language, now)
    report.template = start.template
    session.add(report)
    report.orders = [answering(report, one, position) for position, one in enumerate(orders)]
    begin(report, NEW, start.sections or plain_sections(start.language), who, now)
    session.flush()
    event = report_event("report.opened", report, orders=len(orders), template=start.template)
    audit.append(session, who.origin, event, now)
    session.refresh(report)
    return report


def begin(report: Report, kind: str, sections: Sequence[Section], who: Reporter, now: datetime) -> None:
    """From now on this person writes a draft of it."""
    report.draft_kind, report.draft_sections = kind, [asdict(one) for one in sections]
    report.draft_author, report.draft_author_name = who.subject, who.signer.name
    report.draft_saved_at, report.presigned_by, report.presigned_name = now, None, None
    report.draft_critical_level, report.draft_critical_note = report.critical_level, report.critical_note
    hold(report, who, now)


def save(session: Session, report: Report, content: Content, who: Reporter, now: datetime) -> None:
    """Raises Conflict when nothing is being written, or somebody else has claimed it."""
    require_draft(report)
    require_free(report, who, now)
    report.draft_sections = [asdict(one) for one in content.sections]
    report.draft_revision, report.draft_saved_at = report.draft_revision + 1, now
    report.presigned_by = report.presigned_name = None
    report.title = content.title or report.title
    if content.critical is not None:
        set_critical(report, content.critical)
    hold(report, who, now)
    event = report_event("report.saved", report, revision=report.draft_revision, critical=report.draft_critical_level)
    audit.append(session, who.origin, event, now)


def set_critical(report: Report, critical: Critical) -> None:
    """What the draft says to be critical. Raises Conflict when it would be taken back after somebody was told, or read
    it."""
    if critical.level is None and report.critical_level is not None:
        if report.number > 0 or report.critical_told_at is not None:
            detail = "This critical result was issued or communicated; say in the report that it is none, and amend."
            raise Conflict("critical_stays", detail)
        report.critical_level = report.critical_note = None
    report.draft_critical_level, report.draft_critical_note = critical.level, critical.note


def hold(report: Report, who: Reporter, now: datetime) -> None:
    """From now on this person has claimed it, for a while."""
    report.claimed_by, report.claimed_name, report.claimed_until = who.subject, who.signer.name, now + HELD


def let_go(report: Report) -> None:
    report.claimed_by = report.claimed_name = report.claimed_until = None


def holder(report: Report, now: datetime) -> str | None:
    """Who has claimed it, if the claim still holds."""
    holds = report.claimed_until is not None and report.claimed_until > now
    return report.claimed_by if holds else None


def claim(session: Session, report: Report, reason: str | None, who: Reporter, now: datetime) -> None:
    """Claim what is being written; with a reason also from somebody else, and then as its author."""
    require_draft(report)
    by = holder(report, now)
    is_anothers = report.draft_author != who.subject
    if by not in (None, who.subject) and reason is None:
        raise _claimed(report)
    hold(report, who, now)
    if reason is not None and is_anothers:
        former = report.draft_author
        report.draft_author, report.draft_author_name = who.subject, who.signer.name
        event = report_event("report.taken_over", report, former=former, reason=reason)
    else:
        event = report_event("report.claimed", report)
    audit.append(session, who.origin, event, now)


def release(session: Session, report: Report, who: Reporter, now: datetime) -> None:
    """Raises Conflict when somebody else has claimed it. A report that nobody has claimed stays as it is."""
    require_free(report, who, now)
    if report.claimed_by is not None:
        let_go(report)
        audit.append(session, who.origin, report_event("report.released", report), now)


def amend(session: Session, report: Report, kind: ReportStatus, latest: Sequence[Section], reason: str,
          who: Reporter, now: datetime) -> None:  # fmt: skip
    """Open a draft of the next version. Raises Conflict when it is not signed, or one is open."""
    require_status(report, *sorted(SIGNED))
    if report.draft_kind is not None:
        raise Conflict(
            "report_draft_open", "An amendment of this report is being written; go on with it, or discard it."
        )
    begin(report, kind.value, latest, who, now)
    report.draft_reason, report.draft_revision = reason, 0
    event = report_event("report.amendment_opened", report, kind=kind.value, reason=reason)
    audit.append(session, who.origin, event, now)


def discard(session: Session, report: Report, reason: str, who: Reporter, now: datetime) -> None:
    """Throw away what is being written; a report of which nothing was issued is entered in error then."""
    require_draft(report)
    require_free(report, who, now)
    kind = report.draft_kind
    end_draft(report)
    if report.number == 0:
        report.status = ReportStatus.ENTERED_IN_ERROR
        report.critical_level = report.critical_note = None
    else:
        report.title = version_row(session, report.id, report.number).title
    audit.append(session, who.origin, report_event("report.discarded", report, kind=kind, reason=reason), now)


def end_draft(report: Report) -> None:
    """Nothing is being written any more, and nobody has claimed it."""
    report.draft_kind = report.draft_sections = report.draft_reason = None
    report.draft_author = report.draft_author_name = report.draft_saved_at = None
    report.presigned_by = report.presigned_name = None
    report.draft_critical_level = report.draft_critical_note = None
    let_go(report)


def written(report: Report, required: Collection[str] = ()) -> list[Section]:
    """The sections of the draft that say something. Raises InvalidInput when none does, or one of those required is
    empty."""
    drafted = [Section(**one) for one in report.draft_sections or []]
    sections = [one for one in drafted if one.text.strip()]
    if not sections:
        fault = (("sections", "write at least one section"),)
        raise InvalidInput("report_empty", "Nothing is written in this report yet.", fault)
    if missing := set(required) - {one.code for one in sections}:
        titles = {one.code: one.title for one in drafted}
        faults = [("sections", f"write the section {titles.get(code, code)}") for code in sorted(missing)]
        raise InvalidInput(
            "section_required", "Something that this report has to say is not written yet.", tuple(faults)
        )
    return sections


def author_of(report: Report) -> Signer:
    """Who writes the draft."""
    assert report.draft_author is not None
    return Signer(report.draft_author, report.draft_author_name or report.draft_author)


def becomes(report: Report) -> ReportStatus:
    """What the draft is when it is signed."""
    return ReportStatus(report.draft_kind) if report.draft_kind in AMENDMENTS else ReportStatus.FINAL


def require_draft(report: Report) -> None:
    """Raises Conflict when nothing is being written."""
    if report.draft_kind is not None:
        return
    if report.status in SIGNED:
        detail = "This report is signed and stays as it is; amend it to write a further version."
        raise Conflict("report_signed", detail)
    raise Conflict("report_state", f"This report is '{report.status}'; nothing is being written of it.")


def require_free(report: Report, who: Reporter, now: datetime) -> None:
    """Raises Conflict when somebody else has claimed it."""
    if holder(report, now) not in (None, who.subject):
        raise _claimed(report)


def _claimed(report: Report) -> Conflict:
    until = report.claimed_until.isoformat(timespec="minutes") if report.claimed_until else ""
    detail = f"{report.claimed_name} is writing this report, until {until} at least. To take it over, say why."
    return Conflict("report_claimed", detail)


def _of_what(session: Session, order: str | None, uid: str | None) -> tuple[Study | None, list[Order]]:
    """The study and the orders that a report is to be of."""
    if order is None:
        assert uid is not None
        named = find_study(session, uid)
        if named.link_status != LinkStatus.LINKED or named.patient_id is None:
            raise Conflict("study_uncertain", "It is not certain whose images these are; link the study first.")
        return named, named.orders
    found = find_order(session, order)
    if found.status == OrderStatus.CANCELLED:
        raise Conflict("order_state", "A cancelled order gets no report; report the study that answers it.")
    shown = select(Study).where(Study.study_instance_uid == found.study_instance_uid, Study.deleted_at.is_(None))
    study = session.scalar(shown) if found.orthanc_study_id is not None else None
    if study is None or found.id not in study.order_ids:
        return None, [found]
    return study, study.orders


def _require_none(session: Session, study: Study | None, orders: Sequence[Order]) -> None:
    """Raises Conflict when an order or the study has a report of ours that was not entered in error. One whose images
    are purged is hidden for ever, and in nobody's way; what another system has reported may be reported here too."""
    ids = [order.id for order in orders]
    of_orders = Report.id.in_(select(ReportOrder.report_id).where(ReportOrder.order_id.in_(ids)))
    of_study = Report.study_instance_uid == (study.study_instance_uid if study else None)
    query = select(Report).where(or_(of_orders, of_study) if study else of_orders, Report.sender.is_(None))
    found = session.scalar(query.where(Report.status != ReportStatus.ENTERED_IN_ERROR, ~is_purged()).limit(1))
    if found is not None:
        detail = (
            f"There is a report already ({found.id}, '{found.status}'). Go on with it, or amend it once it is signed."
        )
        raise Conflict("report_exists", detail)
