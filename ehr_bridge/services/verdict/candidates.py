"""The patients and orders a study could belong to: ranked, each with the evidence a person needs to choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.matching import (
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
    Rules,
    judge_order,
    match_study,
)
from ehr_bridge.matching.compare import compare_person
from ehr_bridge.matching.order_keys import lines_against
from ehr_bridge.matching.patients import rank
from ehr_bridge.services.identity.attributes import order_facts, patient_facts
from ehr_bridge.services.registry.numbers import of_survivor
from ehr_bridge.services.verdict.group_case import orders_of_items
from ehr_bridge.services.verdict.judge import compared
from ehr_bridge.services.verdict.lookup import Found, find, with_order

MOST = 10
RULES = Rules()


def candidates(
    session: Session, identity: HeaderIdentity, rules: Rules = RULES
) -> list[tuple[Patient, Order | None, Match]]:
    """The patients and orders a study could belong to, likeliest first, at most ten.

    Those that a key of an order names come first. Each match compares the study with that one patient (and order) alone
    and names both; its `score` says how likely that is. Nothing is written.
    """
    identity = of_survivor(session, rules.with_issuer(identity))
    found = find(session, identity, rules)
    of_items = [(said, order) for said, orders in orders_of_items(session, identity, rules) for order in orders]
    by_key = {order.id: (said, order) for said, order in [*((identity, order) for order in found.orders), *of_items]}
    matches = [_of_order(said, order, found, rules) for said, order in by_key.values()]
    named = {order.patient.id for _, order in by_key.values()}
    for patient in _likeliest(identity, (one for one in found.patients if one.id not in named), found):
        match = match_study(identity, [], [patient], found.population, rules)
        if match.patient_id is not None:
            matches.append(_of_patient(session, identity, match, found, rules))
    return _rows(session, matches[:MOST])


def of_one(session: Session, identity: HeaderIdentity, patient: Patient, order: Order | None, rules: Rules) -> Match:
    """The same for a patient and order that somebody chose."""
    identity = of_survivor(session, rules.with_issuer(identity))
    population = find(session, identity, rules).population
    orders = [order_facts(order)] if order is not None else []
    match = match_study(identity, orders, [patient_facts(patient)], population, rules)
    order_id = order.id if order is not None else None
    evidence = compared(session, identity, patient, [order] if order else [], rules)
    return _never_exact_against(replace(match, evidence=evidence, patient_id=patient.id, order_id=order_id))


def _of_order(identity: HeaderIdentity, order: OrderFacts, found: Found, rules: Rules) -> Match:
    others = [one for one in found.orders if one.id != order.id]
    return judge_order(identity, order, population=found.population, rules=rules, others=others)


def _of_patient(session: Session, identity: HeaderIdentity, match: Match, found: Found, rules: Rules) -> Match:
    """Adds the order that the study may answer; where its keys name orders of others, with that as evidence."""
    if match.patient_id is not None and (against := lines_against(identity, match.patient_id, rules, found.orders)):
        return _never_exact_against(replace(match, evidence=(*against, *match.evidence)))
    return with_order(session, identity, match, rules)


def _never_exact_against(match: Match) -> Match:
    """The match, at most probable where anything contradicts."""
    if match.kind is MatchKind.EXACT and any(line.agrees is False for line in match.evidence):
        return replace(match, kind=MatchKind.PROBABLE, is_automatic=False)
    return match


def _likeliest(identity: HeaderIdentity, patients: Iterable[PatientFacts], found: Found) -> list[PatientFacts]:
    compared = [compare_person(identity, patient, found.population) for patient in patients]
    return [one.comparison.patient for one in rank(compared, found.population)[:MOST]]


def _rows(session: Session, matches: list[Match]) -> list[tuple[Patient, Order | None, Match]]:
    patients = {
        row.id: row for row in session.scalars(select(Patient).where(Patient.id.in_([m.patient_id for m in matches])))
    }
    wanted = [match.order_id for match in matches if match.order_id]
    orders = {row.id: row for row in session.scalars(select(Order).where(Order.id.in_(wanted)))}
    return [
        (patients[match.patient_id], orders.get(match.order_id) if match.order_id else None, match)
        for match in matches
        if match.patient_id in patients
    ]
