"""Performed procedure steps: what modalities say of their work (PS3.4 annex F), and what follows from it.

Whatever a modality says is kept durably before it is answered. Messages, images and orders come in any order: a step
whose orders are not known yet, whose images are missing, or whose group is not linked is looked at again every few
seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import STILL_OPEN, PerformedStep
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.dicom import is_storable_uid
from ehr_bridge.dicom.mpps import OF_PATIENT, Performed
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.matching import Rules
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, Event, Origin
from ehr_bridge.services.interfaces.performed_images import (
    count_here,
    is_group_open,
    link_group,
    study_of_group,
    study_of_images,
    without_images,
)
from ehr_bridge.services.interfaces.performed_orders import assign, may_change, move_on, would_assign
from ehr_bridge.services.interfaces.performed_values import (
    Fault,
    RefusedStep,
    content_of,
    requests_of,
    said_of,
    status_of,
    study_of,
    take,
)
from ehr_bridge.services.visibility.asker import require_open

AT_ONCE = 20
"""Unsettled steps of one look."""
LOOKED_AT = timedelta(days=30)
"""Steps that nobody has said anything of for longer are looked at no more."""


class PerformedSteps:
    def __init__(
        self,
        database: Database,
        rules: Rules,
        clock: Callable[[], datetime],
        time_zone: str,
        new_uid: Callable[[], str],
    ) -> None:
        """`time_zone` is that of the modalities' clocks."""
        self._database = database
        self._rules = rules
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._new_uid = new_uid
        self._seen: uuid.UUID | None = None

    def create(self, uid: str | None, said: Performed, ae_title: str, origin: Origin) -> str:
        """A step begins (N-CREATE); returns its UID, a new one where the modality gives none. A repeated request is
        refused with `exists` and changes nothing. Raises RefusedStep."""
        if status_of(said, is_needed=True) != PerformedStatus.IN_PROGRESS:
            raise RefusedStep(Fault.INVALID_VALUE, "a step begins with IN PROGRESS")
        if uid is not None and not is_storable_uid(uid):
            raise RefusedStep(Fault.INVALID_UID, "the SOP Instance UID is none")
        uid = uid or self._new_uid()
        now = self._clock()
        with self._database.write() as session:
            if _find(session, uid) is not None:
                raise RefusedStep(Fault.EXISTS, "the step exists")
            step = PerformedStep(
                id=uuid.uuid4(), sop_instance_uid=uid, ae_title=ae_title[:16], status=PerformedStatus.IN_PROGRESS,
                said=said_of(said.values, OF_PATIENT), requests=requests_of(said), series=[], number_of_series=0,
                number_of_images=0, number_here=0, is_settled=False, follows_study=True, is_grouped=False,
                created_at=now, received_at=now,
            )  # fmt: skip
            step.study_instance_uid = study_of(step)
            take(step, said, self._zone)
            session.add(step)
            session.flush()
            assign(session, step, self._rules)
            self._follow(session, step, "performed_step.created", origin, now)
        return uid

    def change(self, uid: str, said: Performed, origin: Origin) -> None:
        """A step goes on or ends (N-SET). One that says nothing new changes nothing. Raises RefusedStep."""
        status = status_of(said, is_needed=False)
        now = self._clock()
        with self._database.write() as session:
            step = _find(session, uid)
            if step is None:
                raise RefusedStep(Fault.UNKNOWN, "there is no such step")
            if step.is_final:
                raise RefusedStep(Fault.ENDED, "the step may no longer be updated")
            before = content_of(step)
            take(step, said, self._zone)
            step.status = status or step.status
            if content_of(step) == before:
                return
            step.received_at = now
            step.closed_by = step.closed_at = step.close_reason = None  # something has come of it after all
            assign(session, step, self._rules)
            self._follow(session, step, _ACTIONS[step.status], origin, now)

    def reported_by(self, ae_title: str, uid: str) -> PerformedStep:
        """A step that this modality has reported. Raises RefusedStep, also for those of others."""
        with self._database.read() as session:
            step = _find(session, uid)
            if step is None or step.ae_title != ae_title[:16]:
                raise RefusedStep(Fault.UNKNOWN, "there is no such step of yours")
        return step

    def close(self, uid: str, reason: str, origin: Origin) -> PerformedStep:
        """A person says that nothing more will come of a step: no images, no order, no end.

        Raises:
            NotFound: there is no such step.
            Conflict: there is nothing to wait for.
        """
        now = self._clock()
        with self._database.write() as session:
            step = _find(session, uid)
            if step is None:
                raise NotFound("performed_step_not_found", "No modality has reported a step with this UID.")
            for order in step.orders:
                require_open(order.patient_id)
            if step.closed_at is not None or (step.is_settled and step.is_final):
                raise Conflict("performed_step_settled", "Nothing is open about this step.")
            step.closed_by, step.closed_at, step.close_reason = origin.actor, now, reason
            step.is_settled = True
            self._audit(session, step, "performed_step.closed", origin, now)
            move_on(session, step.orders, origin, now)
            return step

    def look(self) -> int:
        """Look again at steps about which something is open; returns how many have changed.

        They take turns, so that many that wait for ever keep none away.
        """
        since = self._clock() - LOOKED_AT
        query = select(PerformedStep.id).where(text(STILL_OPEN), PerformedStep.received_at > since)
        query = query.order_by(PerformedStep.id).limit(AT_ONCE)
        with self._database.read() as session:
            ids = list(session.scalars(query if self._seen is None else query.where(PerformedStep.id > self._seen)))
            due = [one for one in ids if self._is_news(session, session.get_one(PerformedStep, one))]
        self._seen = ids[-1] if len(ids) == AT_ONCE else None
        for one in due:
            with self._database.write() as session:
                step = session.get(PerformedStep, one)
                if step is not None and not step.is_settled:
                    self._settle(session, step)
        return len(due)

    def _is_news(self, session: Session, step: PerformedStep) -> bool:
        """Whether anything would change; reads only, so that waiting costs no writer's turn."""
        if would_assign(session, step, self._rules):
            return True
        if step.number_missing and count_here(session, step) != step.number_here:
            return True
        if _is_done(step):
            return True
        return is_group_open(step) and study_of_group(session, step) is not None

    def _settle(self, session: Session, step: PerformedStep) -> None:
        now = self._clock()
        if orders := assign(session, step, self._rules):
            self._audit(session, step, "performed_step.assigned", OURSELVES, now)
            move_on(session, orders, OURSELVES, now)
        self._look_at_images(session, step, now)

    def _follow(self, session: Session, step: PerformedStep, action: str, origin: Origin, now: datetime) -> None:
        self._audit(session, step, action, origin, now)
        move_on(session, step.orders, origin, now)
        self._look_at_images(session, step, now)

    def _look_at_images(self, session: Session, step: PerformedStep, now: datetime) -> None:
        if step.study_instance_uid is None:
            step.study_instance_uid = study_of_images(session, step)
        if step.number_missing:
            step.number_here = count_here(session, step)
        if step.is_final and not step.number_missing:
            step.series = without_images(step)
        if is_group_open(step):
            step.is_grouped = link_group(session, step, now)
        step.is_settled = _is_done(step)

    def _audit(self, session: Session, step: PerformedStep, action: str, origin: Origin, now: datetime) -> None:
        orders = step.orders
        detail: dict[str, Any] = {
            "sop_instance_uid": step.sop_instance_uid,
            "status": step.status,
            "images": step.number_of_images,
            "orders": len(orders),
        }
        first: Order | None = orders[0] if orders else None
        whose, order = (first.patient_id, first.id) if first is not None else (None, None)
        audit.append(session, origin, Event(action, "success", whose, order, step.study_instance_uid, detail), now)


_ACTIONS = {
    PerformedStatus.IN_PROGRESS: "performed_step.changed",
    PerformedStatus.COMPLETED: "performed_step.completed",
    PerformedStatus.DISCONTINUED: "performed_step.discontinued",
}


def _find(session: Session, uid: str) -> PerformedStep | None:
    return session.scalar(select(PerformedStep).where(PerformedStep.sop_instance_uid == uid))


def _is_done(step: PerformedStep) -> bool:
    """Whether nothing is open about it but its own end."""
    if step.closed_at is not None:
        return True
    if may_change(step) or is_group_open(step):
        return False
    return step.is_final and step.number_missing == 0
