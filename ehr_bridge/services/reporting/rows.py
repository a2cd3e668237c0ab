"""Rows of reports: finding them, for those who may see them, and reading back what was issued."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, CompoundSelect, and_, exists, func, not_, or_, select, union
from sqlalchemy.orm import Session

from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportVersion
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.reporting.report import Outside, Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.reporting.people import Reporter
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import Closed, without


def visible() -> ColumnElement[bool]:
    """A report is hidden with its study: while a deletion waits or has its grace period, and after the purge for ever,
    also when images come again under the same UID."""
    deleted = Study.deleted_at.is_not(None)
    return and_(~exists().where(Study.study_instance_uid == Report.study_instance_uid, deleted), ~is_purged())


def studies_that_hide() -> CompoundSelect[str]:
    """The UIDs of all studies that may hide a report. Where few were ever deleted, to begin with them is quicker than
    to ask `visible` of every report; they are as many as the studies that were purged, of all years."""
    purged = select(Study.study_instance_uid).join(DeletionRequest, DeletionRequest.study_id == Study.id)
    return union(
        select(Study.study_instance_uid).where(Study.deleted_at.is_not(None)),
        purged.where(DeletionRequest.status == DeletionStatus.PURGED),
    )


def count_shown(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """All reports that fit, less those that are hidden; by one statement, so that both are of one moment."""
    return session.scalar(select(number_shown(conditions))) or 0


def number_shown(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    """The same, as a part of a statement."""
    count = select(func.count()).select_from(Report).where(*conditions)
    may_be_hidden = Report.study_instance_uid.in_(studies_that_hide())
    hidden = count.where(may_be_hidden, not_(visible()))
    return count.scalar_subquery() - hidden.scalar_subquery()


def is_purged() -> ColumnElement[bool]:
    """The images that a report is of are deleted for good. It is of none that came after the purge, so what was issued,
    or begun, before that counts for nothing."""
    said_at = func.coalesce(Report.issued_at.expression, Report.created_at.expression)
    return exists().where(
        Study.study_instance_uid == Report.study_instance_uid,
        DeletionRequest.study_id == Study.id,
        DeletionRequest.status == DeletionStatus.PURGED,
        or_(Study.deleted_at.is_not(None), said_at <= DeletionRequest.purged_at),
    )


def shown_to(who: Reporter) -> list[ColumnElement[bool]]:
    """What this person may read at all: what was issued; who writes reports also sees drafts."""
    return [visible(), *issued_for(who)]


def issued_for(who: Reporter) -> list[ColumnElement[bool]]:
    """The same, but for what is hidden with its study."""
    return [] if who.writes else [Report.number > 0]


def open_to(closed: Closed) -> list[ColumnElement[bool]]:
    """Leaves out what concerns patients whom the caller may not see."""
    if not closed.patients:
        return []
    uid = Report.study_instance_uid
    return [without(Report.patient_id, closed), or_(uid.is_(None), uid.not_in(closed.studies))]


def find_report(session: Session, report_id: uuid.UUID, who: Reporter) -> Report:
    """Raises NotFound, also where it is hidden or not for this person, and NotPermitted for a restricted patient."""
    report = session.scalar(select(Report).where(Report.id == report_id, and_(*shown_to(who))))
    if report is None:
        raise NotFound("report_not_found", "There is no such report, or nothing of it was issued yet.")
    require_open(report.patient_id)
    for patient_id in _patients_of_study(session, report):
        require_open(patient_id)
    return report


def patients_of(session: Session, report_id: uuid.UUID) -> list[uuid.UUID | None]:
    """Whose a report is, and whose its images are."""
    report = session.get(Report, report_id)
    return [] if report is None else [report.patient_id, *_patients_of_study(session, report)]


def _patients_of_study(session: Session, report: Report) -> list[uuid.UUID | None]:
    if report.study_instance_uid is None:
        return []
    of_study = Study.study_instance_uid == report.study_instance_uid
    return list(session.scalars(select(Study.patient_id).where(of_study)))


def orders_of(report: Report) -> list[Order]:
    """The orders of its patient that it answers, the primary one first. An order of it that the EHR has moved to
    somebody else is not named beside this patient."""
    return [one.order for one in report.orders if one.order.patient_id == report.patient_id]


def version_row(session: Session, report_id: uuid.UUID, number: int) -> ReportVersion:
    """Raises NotFound."""
    row = session.get(ReportVersion, (report_id, number))
    if row is None:
        raise NotFound("report_version_not_found", "This report has no version with that number.")
    return row


def latest_versions(session: Session, reports: Collection[Report]) -> dict[uuid.UUID, ReportVersion]:
    """The latest version of each of these that has one, by the id of the report."""
    ids = [one.id for one in reports if one.number > 0]
    of_these = select(ReportVersion).join(
        Report, and_(Report.id == ReportVersion.report_id, Report.number == ReportVersion.number)
    )
    return {row.report_id: row for row in session.scalars(of_these.where(Report.id.in_(ids)))} if ids else {}


def version_of(row: ReportVersion) -> Version:
    """The version as it is read, filed and delivered."""
    return Version(
        row.report_id,
        row.number,
        row.status,
        row.title,
        row.language,
        tuple(Section(**one) for one in row.sections),
        Signer(row.author, row.author_name),
        row.issued_at,
        row.study_instance_uid,
        tuple(row.accession_numbers),
        _signer(row.signer, row.signer_name),
        _signer(row.cosigner, row.cosigner_name),
        row.replaces,
        row.reason,
        None if row.outside is None else Outside.of_json(row.outside),
    )


def _signer(subject: str | None, name: str | None) -> Signer | None:
    return None if subject is None else Signer(subject, name or subject)


def require_ours(report: Report) -> None:
    """Raises Conflict for a report of another system: who wrote it changes it."""
    if report.sender is not None:
        detail = f"This report is {report.sender}'s: only its sender changes, signs or withdraws it."
        raise Conflict("report_from_outside", detail)


def require_status(report: Report, *allowed: ReportStatus) -> None:
    """Raises Conflict `report_state` when the latest version has another status."""
    if report.status not in allowed:
        detail = f"This report is '{report.status}'; that is possible while it is {' or '.join(allowed)}."
        raise Conflict("report_state", detail)
