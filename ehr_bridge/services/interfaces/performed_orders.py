"""Of which orders a performed step is, and how far they are by what modalities say.

The matcher decides, as for images: only where keys name the orders and nothing speaks against their patient is it
certain. Everything else waits for a person, who links the study; the step then follows it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus, PerformedStatus
from ehr_bridge.db.tables.interfaces import PerformedOrder, PerformedStep
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import date_text
from ehr_bridge.matching import Basis, HeaderIdentity, Rules
from ehr_bridge.matching.model import RequestAttributes
from ehr_bridge.matching.order_keys import plain_key
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.order_states import perform
from ehr_bridge.services.verdict.group_case import opinion_on_all

STEP_ID: Final = "ScheduledProcedureStepID"
KEYS: Final = ("AccessionNumber", "RequestedProcedureID", STEP_ID, "StudyInstanceUID")


def identity_of(step: PerformedStep) -> HeaderIdentity:
    """What the step says about patient and order, as the header of one of its images would."""
    requests = [
        RequestAttributes(
            accession_number=one.get("AccessionNumber", ""),
            scheduled_procedure_step_id=one.get(STEP_ID, ""),
            requested_procedure_id=one.get("RequestedProcedureID", ""),
        )
        for one in step.requests
    ]
    first = requests[0] if requests else RequestAttributes()
    return HeaderIdentity(
        study_instance_uid=step.study_instance_uid or "",
        accession_number=first.accession_number,
        patient_id=step.said.get("PatientID", ""),
        issuer_of_patient_id=step.said.get("IssuerOfPatientID", ""),
        patient_name=step.said.get("PatientName", ""),
        patient_birth_date=step.said.get("PatientBirthDate", ""),
        patient_sex=step.said.get("PatientSex", ""),
        scheduled_procedure_step_id=first.scheduled_procedure_step_id,
        requested_procedure_id=first.requested_procedure_id,
        modality=step.modality or "",
        study_date=date_text(step.started_at.date()) if step.started_at else "",
        requests=tuple(requests) if len(requests) > 1 else (),
    )


def find_orders(session: Session, step: PerformedStep, rules: Rules) -> tuple[list[Order], bool]:
    """The orders that the step is of, none where that is not certain; and whether it follows its study.

    First by its own keys. Where they name none, those that its study answers: whoever linked it has said so.
    """
    if any(one.get(key) for one in step.requests for key in KEYS):
        match = opinion_on_all(session, identity_of(step), rules)
        if match.is_automatic and match.basis is Basis.ORDER:
            return [session.get_one(Order, key) for key in match.order_ids], False
    if step.study_instance_uid is None:
        return [], True
    linked = select(Study).where(
        Study.study_instance_uid == step.study_instance_uid,
        Study.link_status == LinkStatus.LINKED,
        Study.deleted_at.is_(None),
        Study.orthanc_study_id.is_not(None),
    )
    study = session.scalar(linked)
    return [] if study is None else study.orders, True


def assign(session: Session, step: PerformedStep, rules: Rules) -> list[Order]:
    """Look for the orders of a step that are not known yet or may have changed; returns all whose performed steps are
    others now, none where nothing has changed."""
    if not may_change(step):
        return []
    found, follows_study = find_orders(session, step, rules)
    if not _are_news(step, found, follows_study):
        return []
    former = step.orders
    step.follows_study = follows_study
    _attach(session, step, found)
    return list({order.id: order for order in (*former, *found)}.values())


def would_assign(session: Session, step: PerformedStep, rules: Rules) -> bool:
    """Whether `assign` would change anything; reads only."""
    return may_change(step) and _are_news(step, *find_orders(session, step, rules))


def _are_news(step: PerformedStep, found: Sequence[Order], follows_study: bool) -> bool:
    """What a step names itself is only added to; what follows its study may also go."""
    known = [one.order_id for one in step.of_orders]
    ids = [order.id for order in found]
    return set(ids) != set(known) if follows_study and step.follows_study else len(ids) > len(known)


def may_change(step: PerformedStep) -> bool:
    """Whether its orders are not all known yet, or follow its study."""
    return step.follows_study or names_more(step)


def names_more(step: PerformedStep) -> bool:
    """Whether some of its orders are not known yet."""
    numbers = {number for one in step.requests if (number := one.get("AccessionNumber"))}
    return len(step.of_orders) < max(len(numbers), 1)


def _attach(session: Session, step: PerformedStep, orders: Sequence[Order]) -> None:
    """From now on the step is of these orders."""
    known = {one.order_id: one for one in step.of_orders}
    step.of_orders = [known.get(order.id) or PerformedOrder(order_id=order.id, order=order) for order in orders]
    for position, one in enumerate(step.of_orders):
        one.position = position
    session.flush()


def move_on(session: Session, orders: Iterable[Order], origin: Origin, now: datetime) -> None:
    """Bring the states of orders in line with what modalities say of them; each change is audited."""
    for order in sorted(orders, key=lambda one: one.id):
        steps = steps_of(session, order.id)
        if not steps:  # a person has taken its study away, which has set its state
            order.performed = None
            continue
        performed = performed_of(order, steps)
        if performed == order.performed and performed is not None:
            continue
        before = perform(order, performed)
        if before is not None:
            detail = {"before": before, "after": order.status, "by": "mpps"}
            audit.append(
                session, origin, Event("order.performed", "success", order.patient_id, order.id, detail=detail), now
            )


def steps_of(session: Session, order_id: uuid.UUID) -> list[PerformedStep]:
    """The performed steps of an order, the first one first."""
    query = select(PerformedStep).join(PerformedOrder).where(PerformedOrder.order_id == order_id)
    return list(session.scalars(query.order_by(PerformedStep.created_at, PerformedStep.id)))


def performed_of(order: Order, steps: Sequence[PerformedStep]) -> PerformedStatus | None:
    """How far an order is by its performed steps; None where a part of it has been done and nothing is under way.

    What a person has closed while it was under way says nothing; without images the order waits again.
    """
    if any(not step.is_final and step.closed_at is None for step in steps):
        return PerformedStatus.IN_PROGRESS
    done = [step for step in steps if step.status == PerformedStatus.COMPLETED]
    if done:
        is_all = all(any(_is_of(step, planned, order) for step in done) for planned in order.steps)
        return PerformedStatus.COMPLETED if is_all else None
    is_given_back = order.orthanc_study_id is None or any(step.is_final for step in steps)
    return PerformedStatus.DISCONTINUED if is_given_back else None


def _is_of(step: PerformedStep, planned: ScheduledStep, order: Order) -> bool:
    """Whether a performed step of an order does this scheduled one. One that names no step of the order does those of
    its modality."""
    if len(order.steps) == 1:
        return True
    own = {plain_key(one.scheduled_procedure_step_id or order.accession_number) for one in order.steps}
    named = {plain_key(one.get(STEP_ID, "")) for one in step.requests} & own
    if named:
        return plain_key(planned.scheduled_procedure_step_id or order.accession_number) in named
    return step.modality in (None, planned.modality)
