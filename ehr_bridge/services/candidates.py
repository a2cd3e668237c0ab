"""Whom a study could belong to: ranked, each with the evidence a person needs to choose."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Patient
from ehr_bridge.matching import HeaderIdentity, Match, match_study
from ehr_bridge.services.identity import order_facts, patient_facts

MOST = 10


def candidates(session: Session, identity: HeaderIdentity) -> list[tuple[Patient, Order | None, Match]]:
    """The patients and orders a study could belong to, the likeliest first, at most ten.

    Each match compares the study with that one patient (and order) alone and names both; its `score` ranks. Nothing
    is written.
    """
    keys = [Order.scheduled_study_instance_uid == identity.study_instance_uid]
    if identity.accession_number:
        keys.append(Order.accession_number == identity.accession_number)
    orders = list(session.scalars(select(Order).where(or_(*keys))))
    found: list[tuple[Patient, Order | None, Match]] = [
        (order.patient, order, match_study(identity, [order_facts(order)])) for order in orders
    ]
    if identity.patient_id:
        known = {order.patient_id for order in orders}
        found += [
            (patient, None, match_study(identity, [], [patient_facts(patient)]))
            for patient in session.scalars(select(Patient).where(Patient.mrn == identity.patient_id))
            if patient.id not in known
        ]
    found.sort(key=lambda one: (-one[2].score, one[0].mrn))
    return found[:MOST]
