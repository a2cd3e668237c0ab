"""Finds what the matcher compares, by index: orders by their keys, patients that share a key with a header, counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Select, bindparam, exists, or_, select, union
from sqlalchemy.orm import Session

from ehr_bridge.db.states import UNDER_WAY, JobKind, OrderStatus
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.matching import (
    Evidence,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
    Population,
    Rules,
    StepFacts,
    add_order,
    match_study,
)
from ehr_bridge.matching.keys import EVERYBODY, asked_values, header_keys
from ehr_bridge.matching.order_keys import OF_PROCEDURE, has_key, keys_of, known_keys, pointed_to
from ehr_bridge.services.registry.numbers import of_survivor, records_of

PATIENTS, ORDERS, ANSWERS = Patient.__table__.c, Order.__table__.c, StudyOrder.__table__.c
STUDIES = Study.__table__.c
STEPS = ScheduledStep.__table__.c
KEYS, COUNTS = PatientMatchKey.__table__.c, PatientValueCount.__table__.c
SHARED_ONCE = Evidence.against("PatientID", "id_of_merged")
MOST_PER_KEY = 50
"""A key that more patients have (a birth date that stands for "unknown") is ignored."""
_PATIENT = [PATIENTS[name] for name in PatientFacts.__slots__]
_ORDER_NAMES = (
    "id", "accession_number", "scheduled_study_instance_uid", "status", "requested_procedure_id", "body_part",
    "laterality",
)  # fmt: skip
_STEP_NAMES = ("scheduled_procedure_step_id", "modality", "scheduled_at")
_STEP_BEGINS, _ORDER_BEGINS = len(_PATIENT) + len(_ORDER_NAMES), len(_PATIENT)
_ORDER = (
    select(*_PATIENT, *(ORDERS[name] for name in _ORDER_NAMES), *(STEPS[name] for name in _STEP_NAMES))
    .join_from(Order.__table__, Patient.__table__, ORDERS.patient_id == PATIENTS.id)
    .join(ScheduledStep.__table__, STEPS.order_id == ORDERS.id)
    .order_by(ORDERS.id, STEPS.position)
)
"""A row for each step of an order."""
_COUNTS_OF_VALUES = select(COUNTS.value, COUNTS.patients).where(COUNTS.value.in_(bindparam("values", expanding=True)))
_PATIENTS_OF_KEYS = (
    select(*_PATIENT)
    .join_from(PatientMatchKey.__table__, Patient.__table__, KEYS.patient_id == PATIENTS.id)
    .where(KEYS.key.in_(bindparam("keys", expanding=True)), PATIENTS.merged_into_id.is_(None))
)
_ORDERS_OF_KEYS = _ORDER.where(
    or_(
        ORDERS.scheduled_study_instance_uid == bindparam("uid"),
        ORDERS.accession_number.in_(bindparam("numbers", expanding=True)),
    )
)
LONGEST = 16
"""Characters of a DICOM identifier (SH, PS3.5 section 6.2); none is padded to more."""
MOST_OF_ONE_ID = 20
"""Most orders read for one step or procedure id; an id with more names none."""
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OF_STEP = union(
    select(STEPS.order_id).where(STEPS.scheduled_procedure_step_id.in_(_IDS)),
    select(STEPS.order_id)
    .join(Order.__table__, ORDERS.id == STEPS.order_id)
    .where(STEPS.scheduled_procedure_step_id.is_(None), ORDERS.accession_number.in_(_IDS)),
)
_OF_PROCEDURE = select(ORDERS.id).where(
    or_(
        ORDERS.requested_procedure_id.in_(_IDS),
        ORDERS.requested_procedure_id.is_(None) & ORDERS.accession_number.in_(_IDS),
    )
)
_ORDERS_OF_PROCEDURES = {
    key: _ORDER.where(ORDERS.id.in_(ids.limit(MOST_OF_ONE_ID)))
    for key, ids in zip(OF_PROCEDURE, (_OF_STEP, _OF_PROCEDURE), strict=True)
}
_ORDERS_OF_PATIENT = _ORDER.where(ORDERS.patient_id == bindparam("patient_id"))
_OPEN_ORDERS = _ORDERS_OF_PATIENT.where(
    ORDERS.status != OrderStatus.CANCELLED,
    ORDERS.orthanc_study_id.is_(None),
    ~exists().where(ANSWERS.order_id == ORDERS.id, ANSWERS.study_id == STUDIES.id, ~STUDIES.is_document),
)
"""A study on its way has its order too: of two that arrive together, one is first."""


@dataclass(frozen=True, slots=True)
class Found:
    """The patients and orders that a header's keys find."""

    orders: list[OrderFacts]
    patients: list[PatientFacts]
    population: Population
    is_complete: bool


def give_opinion(session: Session, identity: HeaderIdentity, rules: Rules) -> Match:
    """The match of a study without a confirmation; nothing is written."""
    identity = rules.with_issuer(identity)
    records = records_of(session, identity)
    identity = of_survivor(session, identity, records)
    found = find(session, identity, rules)
    match = match_study(identity, found.orders, found.patients, found.population, rules, is_complete=found.is_complete)
    if match.is_automatic and len(records) > 1 and any(one.merged_into_id is not None for one in records):
        # The candidates are surviving records: the matcher has not seen all records with the number.
        match = replace(match, kind=MatchKind.PROBABLE, is_automatic=False, evidence=(SHARED_ONCE, *match.evidence))
    if found.orders or match.kind not in (MatchKind.EXACT, MatchKind.PROBABLE):
        return match
    return with_order(session, identity, match, rules)


def with_order(session: Session, identity: HeaderIdentity, match: Match, rules: Rules) -> Match:
    """The match of a patient, with the order that the study answers where no key names one (`add_order`)."""
    if match.patient_id is None:
        return match
    if "accession_number" in keys_of(identity, rules):
        orders = _orders(session, _ORDERS_OF_PATIENT, patient_id=match.patient_id)
    else:
        can_fit = identity.modality and identity.study_date
        orders = open_orders(session, match.patient_id, identity.study_instance_uid) if can_fit else []
    return add_order(identity, match, orders, rules)


def find(session: Session, identity: HeaderIdentity, rules: Rules) -> Found:
    """The orders and patients that share a key with a header, and how rare its values are."""
    keys, values = header_keys(identity), asked_values(identity)
    counts = {row.value: row.patients for row in session.execute(_COUNTS_OF_VALUES, {"values": sorted(values)})}
    few = {key for key in keys if counts.get(key, 0) <= MOST_PER_KEY}
    return Found(
        orders_of_keys(session, identity, rules),
        _patients(session, few),
        Population(counts.get(EVERYBODY, 0), counts),
        is_complete=few == keys,
    )


def other_orders(
    session: Session, identity: HeaderIdentity, rules: Rules, chosen: Sequence[OrderFacts]
) -> list[OrderFacts]:
    """The orders besides the chosen ones that keys of the header name."""
    known = {order.id for order in chosen}
    return [order for order in orders_of_keys(session, identity, rules, chosen) if order.id not in known]


def orders_of_keys(
    session: Session, identity: HeaderIdentity, rules: Rules, chosen: Sequence[OrderFacts] = ()
) -> list[OrderFacts]:
    """The orders that keys of the header name (`ehr_bridge.matching.order_keys`), and those chosen."""
    said = keys_of(identity, rules)
    named = list({order.id: order for order in (*chosen, *_named(session, said))}.values())
    by_procedure = {
        key: _as_written(_orders(session, _ORDERS_OF_PROCEDURES[key], ids=sorted(_spellings(said[key]))), key, said)
        for key in OF_PROCEDURE
        if key in said and not any(has_key(order, key, said[key]) for order in named)
    }
    return pointed_to(named, by_procedure, said)


def _named(session: Session, said: Mapping[str, str]) -> list[OrderFacts]:
    """The orders with the study UID or the accession number."""
    uid, number = said.get("study_instance_uid"), said.get("accession_number", "")
    if uid is None and not number:
        return []
    orders = _orders(session, _ORDERS_OF_KEYS, uid=uid, numbers=sorted(_spellings(number)))
    written = {order.id for order in _as_written(orders, "accession_number", said)}
    return [order for order in orders if order.id in written or order.scheduled_study_instance_uid == uid]


def _as_written(orders: list[OrderFacts], key: str, said: Mapping[str, str]) -> list[OrderFacts]:
    """Those with exactly this key, if there are any; otherwise all that it may mean."""
    return [order for order in orders if said.get(key) in known_keys(order, key)] or orders


def _orders(session: Session, query: Select[Any], **values: Any) -> list[OrderFacts]:
    rows = (tuple(row) for row in session.execute(query, values))
    return [_order(list(steps)) for _, steps in groupby(rows, key=lambda row: row[_ORDER_BEGINS])]


def open_orders(session: Session, patient_id: UUID, study_instance_uid: str) -> list[OrderFacts]:
    """The orders of a patient without images, whatever state the EHR reports.

    Without cancelled ones, and those that a job is about to give to another study than this one.
    """
    orders = _orders(session, _OPEN_ORDERS, patient_id=patient_id)
    if not orders:
        return []
    begun = select(Modification.link_after).where(
        Modification.status.in_(UNDER_WAY),
        Modification.kind == JobKind.LINK,
        Modification.study_instance_uid != study_instance_uid,
    )
    taken = {order_id for link in session.scalars(begun) if link is not None for order_id in link.order_ids}
    return [order for order in orders if order.id not in taken]


def _spellings(number: str) -> set[str]:
    """How the EHR may have written a number from a modality: in another case, with or without padding zeros."""
    bare = number.strip()
    plain = bare.lstrip("0")
    padded = {plain.zfill(length) for length in range(len(plain), LONGEST + 1)} if plain.isdecimal() else {plain}
    return {form for one in {bare, *padded} for form in (one, one.upper(), one.lower(), one.title())} - {""}


def _patients(session: Session, keys: Iterable[str]) -> list[PatientFacts]:
    found = {row[0]: tuple(row) for row in session.execute(_PATIENTS_OF_KEYS, {"keys": sorted(keys)})}
    return [_patient(row) for row in found.values()]


def _patient(row: Sequence[Any]) -> PatientFacts:
    return PatientFacts(*row[: len(_PATIENT)])


def _order(rows: Sequence[Sequence[Any]]) -> OrderFacts:
    """An order, from the rows of its steps."""
    order_id, accession_number, uid, status, *more = rows[0][_ORDER_BEGINS:_STEP_BEGINS]
    steps = tuple(_step(*row[_STEP_BEGINS:]) for row in rows)
    is_cancelled = status == OrderStatus.CANCELLED
    return OrderFacts(order_id, accession_number, uid, is_cancelled, _patient(rows[0]), steps, *more)


def _step(step_id: str | None, modality: str, scheduled_at: datetime | None) -> StepFacts:
    return StepFacts(step_id, modality, scheduled_at.date() if scheduled_at else None)
