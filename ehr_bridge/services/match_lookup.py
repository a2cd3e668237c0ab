"""Finds what the matcher compares, by index: orders by their keys, patients that share a key with a header, counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.models import Order, Patient
from ehr_bridge.matching import (
    HeaderIdentity,
    Match,
    OrderFacts,
    PatientFacts,
    Population,
    Rules,
    add_order,
    match_study,
)
from ehr_bridge.matching.keys import EVERYBODY, asked_values, header_keys

MOST_PER_KEY = 100
"""A key that more patients have (a date of birth that stands for "unknown") finds nobody."""
PATIENT = (
    Patient.id,
    Patient.mrn,
    Patient.issuer,
    Patient.family_name,
    Patient.given_name,
    Patient.birth_date,
    Patient.sex,
)
ORDER = (
    Order.id,
    Order.accession_number,
    Order.scheduled_study_instance_uid,
    Order.status,
    Order.modality,
    Order.scheduled_at,
)
OPEN = ("scheduled", "arrived")
"""States of an order that no images have answered."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a header could belong to, as far as keys tell."""

    orders: list[OrderFacts]
    patients: list[PatientFacts]
    population: Population
    is_complete: bool


def give_opinion(session: Session, identity: HeaderIdentity, rules: Rules) -> Match:
    """The verdict on a study that nobody said anything about; nothing is written."""
    found = find(session, identity, rules)
    match = match_study(identity, found.orders, found.patients, found.population, rules, is_complete=found.is_complete)
    if found.orders or match.patient_id is None:
        return match
    return add_order(identity, match, open_orders(session, match.patient_id), rules)


def find(session: Session, identity: HeaderIdentity, rules: Rules) -> Found:
    """The orders and patients that share a key with a header, and how rare its values are."""
    keys, values = header_keys(identity), asked_values(identity)
    query = select(PatientValueCount.value, PatientValueCount.patients).where(PatientValueCount.value.in_(values))
    counts = {row.value: row.patients for row in session.execute(query)}
    few = {key for key in keys if counts.get(key, 0) <= MOST_PER_KEY}
    return Found(
        orders_of_keys(session, identity, rules),
        _patients(session, few),
        Population(counts.get(EVERYBODY, 0), counts),
        is_complete=few == keys,
    )


def orders_of_keys(session: Session, identity: HeaderIdentity, rules: Rules) -> list[OrderFacts]:
    """The orders that a key of the header points to; one with the number as it is written stands for all it means."""
    ways: list[Any] = []
    numbers: set[str] = set()
    if "study_instance_uid" in rules.order_keys and identity.study_instance_uid:
        ways.append(Order.scheduled_study_instance_uid == identity.study_instance_uid)
    if "accession_number" in rules.order_keys:
        numbers.add(identity.accession_number)
    if "scheduled_procedure_step_id" in rules.order_keys:
        numbers.add(identity.scheduled_procedure_step_id)
    if written := sorted({way for number in numbers for way in _spellings(number)}):
        ways.append(Order.accession_number.in_(written))
    if not ways:
        return []
    orders = _orders(session, _order_query().where(or_(*ways)))
    exact = {order.accession_number for order in orders} & numbers
    return [
        order
        for order in orders
        if not exact
        or order.accession_number in exact
        or order.scheduled_study_instance_uid == identity.study_instance_uid
    ]


def open_orders(session: Session, patient_id: UUID) -> list[OrderFacts]:
    """The orders of a patient that wait for images."""
    waiting = (Order.patient_id == patient_id, Order.status.in_(OPEN), Order.orthanc_study_id.is_(None))
    return _orders(session, _order_query().where(*waiting))


def _spellings(number: str) -> set[str]:
    """How the EHR may have written a number that a modality wrote like this."""
    bare = number.strip()
    return {bare, bare.upper(), bare.lower(), bare.lstrip("0")} - {""}


def _patients(session: Session, keys: Iterable[str]) -> list[PatientFacts]:
    query = (
        select(*PATIENT)
        .join(PatientMatchKey, PatientMatchKey.patient_id == Patient.id)
        .where(PatientMatchKey.key.in_(sorted(keys)))
        .distinct()
    )
    return [_patient(tuple(row)) for row in session.execute(query)]


def _order_query() -> Any:
    return select(*PATIENT, *ORDER).join_from(Order, Patient, Order.patient_id == Patient.id)


def _orders(session: Session, query: Any) -> list[OrderFacts]:
    return [_order(tuple(row)) for row in session.execute(query)]


def _patient(row: Sequence[Any]) -> PatientFacts:
    return PatientFacts(*row[:7])


def _order(row: Sequence[Any]) -> OrderFacts:
    order_id, accession_number, uid, status, modality, scheduled_at = row[7:]
    return OrderFacts(
        order_id,
        accession_number,
        uid,
        status == "cancelled",
        _patient(row),
        modality,
        scheduled_at.date() if scheduled_at else None,
    )
