"""Completes an order when its study, with images of its kind, has received nothing new for a while: the bridge's own
version of Orthanc's stable study. Not while a modality says by MPPS that it is still at it.

It is derived from what was recorded, not from Orthanc's events, which a killed process loses and other nodes never get.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, or_, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus, OrderStatus, PerformedStatus
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.matching.kinds import answering_modalities
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, Event

AT_ONCE = 100


def _has(modality: Any) -> ColumnElement[bool]:
    return Study.modality_key.contains("|" + modality + "|")


def _of_its_kind() -> ColumnElement[bool]:
    """Whether a study has images of the kind of each step of its order; one that cannot be compared takes any."""
    answers, asked = answering_modalities(), ScheduledStep.modality
    ways = [(asked == term) & or_(*map(_has, sorted(terms))) for term, terms in sorted(answers.items())]
    answered = or_(_has(asked), asked.not_in(sorted(answers)), *ways)
    return ~exists().where(ScheduledStep.order_id == Order.id, ~answered)


NEWS = exists().where(Instance.study_id == Study.id, Instance.received_at > bindparam("quiet_since"))
DUE = (
    select(Order.id)
    .join(StudyOrder, StudyOrder.order_id == Order.id)
    .join(Study, (Study.id == StudyOrder.study_id) & (Study.study_instance_uid == Order.study_instance_uid))
    .where(
        Order.status == OrderStatus.IN_PROGRESS,
        Order.performed.is_distinct_from(PerformedStatus.IN_PROGRESS),
        Study.link_status == LinkStatus.LINKED,
        Study.deleted_at.is_(None),
        Study.is_settled,
        Study.number_of_instances > 0,
        _of_its_kind(),
        ~NEWS,
    )
    .limit(AT_ONCE)
)
DUE_ORDERS = select(Order).where(Order.id.in_(DUE)).with_for_update(of=Order)
"""Asked every few seconds for as long as the server runs, so the queries are built once."""


class Completion:
    def __init__(self, database: Database, clock: Callable[[], datetime], quiet: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._quiet = quiet

    def run(self) -> int:
        """Complete the orders whose study received nothing new for that long; returns how many."""
        now = self._clock()
        since = {"quiet_since": now - self._quiet}
        with self._database.read() as session:
            if session.scalar(DUE, since) is None:
                return 0
        with self._database.write() as session:
            orders = session.scalars(DUE_ORDERS, since).all()
            for order in orders:
                order.status, order.quiet_since = OrderStatus.COMPLETED, since["quiet_since"]
                event = Event(
                    "order.completed",
                    patient_id=order.patient_id,
                    order_id=order.id,
                    study_instance_uid=order.study_instance_uid,
                    detail={"before": OrderStatus.IN_PROGRESS, "after": order.status},
                )
                audit.append(session, OURSELVES, event, now)
        return len(orders)
