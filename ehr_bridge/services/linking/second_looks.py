"""Finds the studies to be judged again when something has changed that may have caused their doubt.

Whoever changes a patient or order calls this in the same transaction. It only finds studies by index and records their
turns; they are judged later, a few at a time (`linking.late_links`). A turn is a row, so a killed process loses none.
Only studies that wait are concerned, and those with a patient but no order.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, null, select, text, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.rows import Among, Question, ask_at_the_end
from ehr_bridge.db.states import UNCERTAIN, LinkStatus
from ehr_bridge.db.tables.match_keys import PatientValueCount
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.second_looks import SecondLook, StudyMatchKey
from ehr_bridge.db.tables.studies import WAITS, Study
from ehr_bridge.matching import PatientFacts
from ehr_bridge.matching.keys import finding_keys, number_key, order_keys
from ehr_bridge.services.identity.attributes import patient_facts
from ehr_bridge.services.registry.numbers import mrns_of
from ehr_bridge.services.verdict.lookup import MOST_PER_KEY


class Cause(StrEnum):
    """What changed."""

    PATIENT_REGISTERED = "patient_registered"
    PATIENT_CORRECTED = "patient_corrected"
    PATIENTS_MERGED = "patients_merged"
    PATIENTS_PARTED = "patients_parted"
    ORDER_PLACED = "order_placed"
    ORDER_CHANGED = "order_changed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REINSTATED = "order_reinstated"
    CORRECTION_DECIDED = "correction_decided"
    STORED_LATE = "stored_late"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Cause.PATIENT_REGISTERED: "a patient was registered",
    Cause.PATIENT_CORRECTED: "a patient was corrected",
    Cause.PATIENTS_MERGED: "two patient records were merged",
    Cause.PATIENTS_PARTED: "a merge was undone",
    Cause.ORDER_PLACED: "an order was placed",
    Cause.ORDER_CHANGED: "an order was changed",
    Cause.ORDER_CANCELLED: "an order was cancelled",
    Cause.ORDER_REINSTATED: "an order was reinstated",
    Cause.CORRECTION_DECIDED: "somebody decided about a corrected patient",
    Cause.STORED_LATE: "nobody could link its images when they came",
}
_WITH_ORDERS = frozenset({Cause.PATIENTS_MERGED, Cause.PATIENTS_PARTED})
"""Changes that affect which orders a patient has."""
_FIELDS = tuple(PatientFacts.__slots__)
_WAITS = text(f"studies.{WAITS}")
"""As the indexes of these studies say it: SQLite finds none by parameters, and would read every study for an order."""
_OPEN = Study.link_status.in_(UNCERTAIN) | Study.order_id.is_(None)
_NO_KEY, _NO_ID = cast(null(), StudyMatchKey.key.type), cast(null(), Study.match_patient_id.type)
_USED = (
    select(StudyMatchKey.key, _NO_ID)
    .join(Study, Study.id == StudyMatchKey.study_id)
    .where(Among(StudyMatchKey.key, "keys"), _OPEN)
    .distinct()
)
"""Those of some keys by which an open study is found."""
_MATCH_PATIENTS = select(_NO_KEY, Study.match_patient_id).where(Among(Study.match_patient_id, "patients"), _WAITS)
_MATCH_ORDERS = select(_NO_KEY, Study.match_order_id).where(Among(Study.match_order_id, "orders"), _WAITS)
_WITHOUT_ORDER = select(_NO_KEY, Study.patient_id).where(Among(Study.patient_id, "patients"), Study.order_id.is_(None))
_SURVIVORS = select(_NO_KEY, Patient.merged_into_id).where(Among(Patient.merged_into_id, "patients"))
_OF_PATIENTS = union(_USED, _MATCH_PATIENTS, _SURVIVORS)
_OF_ORDERS = union(_USED, _MATCH_PATIENTS, _WITHOUT_ORDER, _MATCH_ORDERS)
"""Which of some keys, patients and orders such studies or other records name: one question, each part of it with an
index of its own. Statements are made once, because to make one takes longer than to ask."""
_ORDER_NUMBERS = (
    "accession_number",
    "scheduled_study_instance_uid",
    "scheduled_procedure_step_id",
    "requested_procedure_id",
)
"""What an order has once; its further steps have ids of their own."""


def patient_changed(
    session: Session, patient: Patient, cause: Cause, now: datetime, before: Mapping[str, Any] | None = None
) -> int:
    """Request another look at the studies that may be this patient's, or were taken for theirs; returns how many.
    `before` are former values."""
    session.flush()
    concerned = concerned_by_patient(session, patient, before, with_orders=cause in _WITH_ORDERS)
    return _ask(session, concerned, cause, now, patient_id=patient.id)


def order_changed(
    session: Session, order: Order, cause: Cause, now: datetime, before: Mapping[str, Any] | None = None
) -> int:
    """Request another look at the studies that may answer this order, or were thought to; returns how many. `before`
    are former values."""
    session.flush()
    return _ask(session, concerned_by_order(order, before), cause, now, order_id=order.id)


type Before = Mapping[str, Any] | None
"""Former values of the changed fields; None for what is new."""


def patients_told(session: Session, told: Sequence[tuple[Patient, Before]], now: datetime) -> None:
    """Like `patient_changed`, for many that the EHR has told. Most concern no study: one question about all of them
    says which ones may, and only these are looked at one by one."""
    session.flush()
    keys = {patient.id: _keys_of_patient(patient, before) for patient, before in told}
    known = {patient.id for patient, before in told if before is not None}  # what is new is named by nothing

    def look(named: set[Any]) -> None:
        for patient, before in told:
            if patient.id in named or keys[patient.id] & named:
                cause = Cause.PATIENT_REGISTERED if before is None else Cause.PATIENT_CORRECTED
                patient_changed(session, patient, cause, now, before)

    _ask_who_waits(session, _OF_PATIENTS if known else _USED, look, keys=set().union(*keys.values()), patients=known)


def orders_told(session: Session, told: Sequence[tuple[Order, Before]], now: datetime) -> None:
    """Like `order_changed`, for many that the EHR has told; see `patients_told`."""
    session.flush()
    keys = {order.id: set(order_keys(*_all_numbers(order, before or {}))) for order, before in told}
    people = {
        order.id: {order.patient_id, (before or {}).get("patient_id", order.patient_id)} for order, before in told
    }
    known = {order.id for order, before in told if before is not None}
    patients = set().union(*people.values())

    def look(named: set[Any]) -> None:
        for order, before in told:
            if order.id in named or people[order.id] & named or keys[order.id] & named:
                cause = Cause.ORDER_PLACED if before is None else Cause.ORDER_CHANGED
                order_changed(session, order, cause, now, before)

    _ask_who_waits(session, _OF_ORDERS, look, keys=set().union(*keys.values()), patients=patients, orders=known)


def _keys_of_patient(patient: Patient, before: Before) -> set[str]:
    facts = patient_facts(patient)
    return finding_keys(facts) | finding_keys(_former(facts, before)) | set(number_key(patient.mrn))


def _former(facts: PatientFacts, before: Before) -> PatientFacts:
    return replace(facts, **{name: value for name, value in (before or {}).items() if name in _FIELDS})


def _ask_who_waits(
    session: Session, question: Question, look: Callable[[set[Any]], None], **among: set[str] | set[uuid.UUID]
) -> None:
    """Ask, when the transaction ends, which of these keys and ids are named by anything."""
    values = {name: [*given] for name, given in among.items()}
    ask_at_the_end(session, question, values, lambda rows: look({one for row in rows for one in row if one}))


def stored_late(session: Session, study: Study, now: datetime) -> None:
    """Request another look at a study whose images arrived while nobody could link it."""
    session.flush()
    _write(session, [study.id], Cause.STORED_LATE, now)


def concerned_by_patient(
    session: Session, patient: Patient, before: Mapping[str, Any] | None, *, with_orders: bool
) -> list[Select[uuid.UUID]]:
    """Queries for the ids of studies that a changed patient concerns, each with its own index."""
    facts = patient_facts(patient)
    keys = _that_find(session, finding_keys(facts) | finding_keys(_former(facts, before)))
    keys |= {key for mrn in mrns_of(session, patient) for key in number_key(mrn)}
    queries = [_sharing(keys), _waiting(Study.match_patient_id == patient.id)]
    if with_orders:
        orders = session.scalars(select(Order).where(Order.patient_id == patient.id))
        numbers = (number for order in orders for number in _numbers_of(order))
        queries += [_sharing(order_keys(*numbers)), _without_order(Study.patient_id == patient.id)]
    return queries


def concerned_by_order(order: Order, before: Mapping[str, Any] | None) -> list[Select[uuid.UUID]]:
    """Queries for the ids of studies that a changed order concerns, each with its own index."""
    former = before or {}
    numbers = _all_numbers(order, former)
    patients = {order.patient_id, former.get("patient_id", order.patient_id)}
    return [
        _sharing(order_keys(*numbers)),
        _waiting(Study.match_order_id == order.id),
        *(_waiting(Study.match_patient_id == patient_id) for patient_id in patients),
        *(_without_order(Study.patient_id == patient_id) for patient_id in patients),
        _without_order(_with_keys(order_keys(*numbers))),
    ]


def _all_numbers(order: Order, former: Mapping[str, Any]) -> list[str | None]:
    """Present and former."""
    further = (step.scheduled_procedure_step_id for step in former.get("further_steps", ()))
    return [*_numbers_of(order), *(former.get(name) for name in _ORDER_NUMBERS), *further]


def _numbers_of(order: Order) -> list[str | None]:
    further = (step.scheduled_procedure_step_id for step in order.further_steps)
    return [*(getattr(order, name) for name in _ORDER_NUMBERS), *further]


def _that_find(session: Session, keys: set[str]) -> set[str]:
    """Without keys that too many patients share to be of use."""
    counts = select(PatientValueCount.value).where(
        PatientValueCount.value.in_(sorted(keys)), PatientValueCount.patients > MOST_PER_KEY
    )
    return keys - set(session.scalars(counts))


def _sharing(keys: Collection[str]) -> Select[uuid.UUID]:
    return _waiting(_with_keys(keys))


def _with_keys(keys: Collection[str]) -> ColumnElement[bool]:
    return Study.id.in_(select(StudyMatchKey.study_id).where(StudyMatchKey.key.in_(sorted(keys))))


def _waiting(concerns: Any) -> Select[uuid.UUID]:
    """Includes claims: a study that is on its way is judged when it has arrived."""
    return select(Study.id).where(_WAITS, concerns)


def _without_order(concerns: Any) -> Select[uuid.UUID]:
    return select(Study.id).where(concerns, Study.order_id.is_(None), Study.link_status == LinkStatus.LINKED)


def _ask(
    session: Session,
    concerned: Iterable[Select[uuid.UUID]],
    cause: Cause,
    now: datetime,
    patient_id: uuid.UUID | None = None,
    order_id: uuid.UUID | None = None,
) -> int:
    """Separate queries, because one condition with OR would use none of the indexes."""
    ids = list(session.scalars(union(*concerned)))
    _write(session, ids, cause, now, patient_id, order_id)
    return len(ids)


def _write(
    session: Session,
    ids: list[uuid.UUID],
    cause: Cause,
    now: datetime,
    patient_id: uuid.UUID | None = None,
    order_id: uuid.UUID | None = None,
) -> None:
    if not ids:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(SecondLook)
    asked = ("turn", "cause", "patient_id", "order_id")  # but not the time of the first request
    upsert = insert.on_conflict_do_update(
        index_elements=["study_id"], set_={name: insert.excluded[name] for name in asked}
    )
    said = {"turn": uuid.uuid4(), "cause": cause, "patient_id": patient_id, "order_id": order_id, "asked_at": now}
    session.execute(upsert, [{"study_id": study_id, **said} for study_id in ids])
