"""A report stays with its patient: it follows its order, and a study without an order through merges. When its images
are purged, its orders can be reported again.

Like `db.facts` it watches the rows that a session writes, so whoever moves an order or a study tells it.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import InstanceState, Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import changed
from ehr_bridge.db.states import DeletionStatus, LinkStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.reporting.states import SHOWN
from ehr_bridge.services.reporting.issuing import Listener
from ehr_bridge.services.reporting.rows import version_of, version_row

_SHOWN = "orders_whose_images_have_come"


def follow_patients(database: Database) -> None:
    """From now on `Report.patient_id` follows, in the transaction of what it follows, and the purge of a study lets the
    orders of its reports go. Before `keep_dates` and
    `tell_facts`, which see what it changes."""

    def follow(session: Session, _flush: Any, _instances: Any) -> None:
        for row in list(session.dirty):
            if isinstance(row, Order | Study) and _has_moved(row):
                _follow(session, row)
            elif isinstance(row, DeletionRequest) and row.status == DeletionStatus.PURGED:
                _let_orders_go(session, row.study_instance_uid)

    event.listen(database.write_session, "before_flush", follow, insert=True)


def _has_moved(row: Order | Study) -> bool:
    state: InstanceState[Any] = inspect(row)
    return state.attrs["patient_id"].history.has_changes()


def _follow(session: Session, row: Order | Study) -> None:
    if isinstance(row, Order):
        for report in session.scalars(select(Report).where(Report.order_id == row.id)):
            report.patient_id = row.patient_id
    elif row.patient_id is not None:
        of_study = select(Report).where(Report.study_instance_uid == row.study_instance_uid)
        for report in session.scalars(of_study.where(Report.order_id.is_(None))):
            if row.patient_id in _records(session, report.written_for_id):
                report.patient_id = row.patient_id


def _let_orders_go(session: Session, study_instance_uid: str) -> None:
    """Nobody can read or withdraw the report any more, so it binds no order."""
    for report in session.scalars(select(Report).where(Report.study_instance_uid == study_instance_uid)):
        for one in report.orders:
            one.order.has_signed_report = False


def _records(session: Session, patient_id: uuid.UUID) -> set[uuid.UUID]:
    """A record and those that it was merged into, one after the other."""
    found: set[uuid.UUID] = set()
    following: uuid.UUID | None = patient_id
    while following is not None and following not in found:
        found.add(following)
        patient = session.get(Patient, following)
        following = patient.merged_into_id if patient is not None else None
    return found


def join_late_images(database: Database, tell: Listener) -> None:
    """From now on a report from outside that came before its images is of them from the transaction in which its order
    gets them, not only from its next version. A report of ours is not touched: who signed it had not seen them."""

    def note(session: Session, _flush: Any, _instances: Any) -> None:
        shown: set[uuid.UUID] = session.info.setdefault(_SHOWN, set())
        for row in session.dirty:
            if isinstance(row, Order) and row.orthanc_study_id is not None and "orthanc_study_id" in changed(row):
                shown.add(row.id)

    def join(session: Session) -> None:
        session.flush()
        shown: set[uuid.UUID] = session.info.pop(_SHOWN, set())
        if not shown:
            return
        waiting = select(Report).where(
            Report.order_id.in_(shown),
            Report.study_instance_uid.is_(None),
            Report.sender.is_not(None),
            Report.status.in_(sorted(SHOWN)),
        )
        for report in session.scalars(waiting).all():
            _join(session, report, tell)

    event.listen(database.write_session, "before_flush", note)
    event.listen(database.write_session, "before_commit", join, insert=True)


def _join(session: Session, report: Report, tell: Listener) -> None:
    order = session.get_one(Order, report.order_id)
    study = session.scalar(select(Study).where(Study.study_instance_uid == order.study_instance_uid))
    if study is None or study.deleted_at is not None or study.link_status != LinkStatus.LINKED:
        return
    if study.patient_id != report.patient_id or order.id not in study.order_ids:
        return
    report.study_instance_uid = study.study_instance_uid
    tell(session, report, version_of(version_row(session, report.id, report.number)))
    session.flush()
