"""Which studies a viewer token covers: of an order with its priors, of a patient, or named ones."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyOrder

type Match = Literal["auto", "patient", "modality", "body_part"]


@dataclass(frozen=True, slots=True)
class Priors:
    """Which priors (earlier studies of the same patient) go with a study or order.

    `auto` takes those with a common modality or the same body part, `patient` all.
    """

    match: Match = "auto"
    newest: int = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for."""

    kind: Literal["studies", "order", "patient", "share"]
    studies: frozenset[str] = field(default=frozenset())
    order_id: uuid.UUID | None = None
    patient_id: uuid.UUID | None = None
    priors: Priors | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """A stored study with its link."""

    study_instance_uid: str
    patient_id: uuid.UUID
    order_ids: frozenset[uuid.UUID]
    modalities: frozenset[str]
    body_parts: frozenset[str]
    study_date: date | None


def linked_to(session: Session, patient_ids: Collection[uuid.UUID]) -> list[Linked]:
    """All studies linked to these patients, newest first."""
    columns = (Study.study_instance_uid, Study.patient_id, Study.modalities, Study.study_date)
    query = select(*columns, Order.id.label("order_id"), Order.body_part).where(*_stored_and_linked())
    query = query.outerjoin(StudyOrder, StudyOrder.study_id == Study.id).outerjoin(
        Order, Order.id == StudyOrder.order_id
    )
    query = query.where(Study.patient_id.in_(patient_ids)).order_by(Study.study_date_key.desc(), Study.id)
    rows = groupby(session.execute(query), key=lambda row: row.study_instance_uid)
    return [_linked(list(of_study)) for _, of_study in rows]


def _linked(rows: Sequence[Any]) -> Linked:
    """A study, from a row for each order that it answers, or one without an order."""
    first = rows[0]
    return Linked(
        first.study_instance_uid,
        first.patient_id,
        frozenset(row.order_id for row in rows if row.order_id),
        frozenset(first.modalities),
        frozenset(row.body_part for row in rows if row.body_part),
        first.study_date,
    )


def covered(scope: Scope, linked: Sequence[Linked], patient_of_order: uuid.UUID | None = None) -> frozenset[str]:
    """The studies among `linked` that a scope covers; `patient_of_order` is the present patient of its order."""
    if scope.kind == "studies":
        return scope.studies
    if scope.kind == "patient":
        return frozenset(one.study_instance_uid for one in linked if one.patient_id == scope.patient_id)
    if scope.kind == "share":  # named, and only as long as they are that patient's
        theirs = (one for one in linked if one.patient_id == scope.patient_id)
        return frozenset(one.study_instance_uid for one in theirs) & scope.studies
    own = [one for one in linked if scope.order_id in one.order_ids]
    found = {one.study_instance_uid for one in own}
    if scope.priors is not None:
        others = [one for one in linked if one.patient_id == patient_of_order]
        found |= {one.study_instance_uid for one in priors_of(own, others, scope.priors)}
    return frozenset(found)


def priors_of(current: Sequence[Linked], linked: Sequence[Linked], policy: Priors) -> list[Linked]:
    """The priors among `linked` (newest first) that go with `current` by the policy: none of `current`, none later."""
    uids = {one.study_instance_uid for one in current}
    modalities = frozenset[str]().union(*(one.modalities for one in current))
    parts = frozenset[str]().union(*(one.body_parts for one in current))
    until = max((one.study_date for one in current if one.study_date), default=date.max)

    def goes_with(one: Linked) -> bool:
        same_modality, same_part = bool(one.modalities & modalities), bool(one.body_parts & parts)
        return {
            "patient": True,
            "modality": same_modality,
            "body_part": same_part,
            "auto": same_modality or same_part,
        }[policy.match]

    earlier = (one for one in linked if one.study_date is None or one.study_date <= until)
    return [one for one in earlier if one.study_instance_uid not in uids and goes_with(one)][: policy.newest]


def _stored_and_linked() -> tuple[ColumnElement[bool], ...]:
    return Study.link_status == LinkStatus.LINKED, Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None)
