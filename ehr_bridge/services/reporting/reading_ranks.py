"""Keeps `Study.reading_rank`, from which the reading list is read.

Like `db.facts` it watches the rows that a session writes, so whoever links a study, changes an order or signs a report
moves it on the list or takes it off, in the same transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event, inspect, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import changed, is_new
from ehr_bridge.db.states import DeletionStatus, OrderStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.reporting.states import SIGNED
from ehr_bridge.services.identity.reading_rank import rank_of_order, rank_of_study
from ehr_bridge.services.reporting.rows import is_purged

_TOUCHED = "what_moves_studies_on_the_reading_list"


@dataclass(slots=True)
class _Touched:
    studies: set[uuid.UUID] = field(default_factory=set)
    orders: set[uuid.UUID] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)

    def note(self, row: object) -> None:
        if isinstance(row, Study):
            if "answers" in changed(row):
                self.studies.add(row.id)
        elif isinstance(row, Order):
            if not is_new(row) and changed(row) & {"status", "priority"} and _is_moved(row):
                self.orders.add(row.id)
        elif isinstance(row, Report) and changed(row) & {"status", "study_instance_uid"}:
            uids = (row.study_instance_uid, *inspect(row).attrs["study_instance_uid"].history.deleted)
            self.uids.update(uid for uid in uids if uid is not None)
        elif isinstance(row, DeletionRequest) and row.status == DeletionStatus.PURGED:
            self.uids.add(row.study_instance_uid)


def keep_reading_ranks(database: Database) -> None:
    """From now on it is kept. Claims of new studies write their own, because no report is of them yet."""

    def note(session: Session, _flush: Any, _instances: Any) -> None:
        touched: _Touched = session.info.setdefault(_TOUCHED, _Touched())
        for row in (*session.new, *session.dirty):
            touched.note(row)

    def judge(session: Session) -> None:
        session.flush()
        touched: _Touched = session.info.pop(_TOUCHED, _Touched())
        studies = _studies(session, touched)
        if not studies:
            return
        uids = sorted(study.study_instance_uid for study in studies)
        signed = select(Report.study_instance_uid).where(
            Report.study_instance_uid.in_(uids),
            Report.status.in_(sorted(SIGNED)),
            or_(Report.sender.is_(None), Report.order_id.is_(None)),  # from outside it answers its own order only
            ~is_purged(),
        )
        reported, freed = set(session.scalars(signed)), _freed(session, studies)
        for study in studies:
            of_orders = (
                rank_of_order(OrderStatus.COMPLETED if order.id in freed else order.status, order.priority)
                for order in study.orders
            )
            needs_none = study.is_document or study.study_instance_uid in reported
            study.reading_rank = None if needs_none else rank_of_study(of_orders)
        session.flush()

    event.listen(database.write_session, "before_flush", note)
    event.listen(database.write_session, "before_commit", judge, insert=True)


def _freed(session: Session, studies: list[Study]) -> set[uuid.UUID]:
    """The orders of these that stay reported by a report of images that are purged: what they show now is not read."""
    ids = [order.id for study in studies for order in study.orders if order.status is OrderStatus.REPORTED]
    if not ids:
        return set()
    by_purged = select(ReportOrder.order_id).join(Report, Report.id == ReportOrder.report_id)
    return set(
        session.scalars(
            by_purged.where(ReportOrder.order_id.in_(ids), Report.status.in_(sorted(SIGNED)), is_purged())
            .join(Order, Order.id == ReportOrder.order_id)
            .where(Order.has_signed_report.is_(False))
        )
    )


def _is_moved(order: Order) -> bool:
    """Whether its rank is another one than before."""
    attrs = inspect(order).attrs
    before = {name: [*attrs[name].history.deleted, getattr(order, name)][0] for name in ("status", "priority")}
    return rank_of_order(**before) != rank_of_order(order.status, order.priority)


def _studies(session: Session, touched: _Touched) -> list[Study]:
    found: dict[uuid.UUID, Study] = {}
    if touched.orders:
        answers = select(StudyOrder.study_id).where(StudyOrder.order_id.in_(touched.orders))
        touched.studies.update(session.scalars(answers))
    if touched.studies:
        found |= {one.id: one for one in session.scalars(select(Study).where(Study.id.in_(touched.studies)))}
    if touched.uids:
        of_reports = select(Study).where(Study.study_instance_uid.in_(sorted(touched.uids)))
        found |= {one.id: one for one in session.scalars(of_reports)}
    return list(found.values())
