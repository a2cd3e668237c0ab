"""Which order a report from outside is of: the one whose numbers it says, and of its patient, or none at all."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.hl7.faults import Code, Fault
from ehr_bridge.hl7.results import ResultTold
from ehr_bridge.services.registry.orders import Orders


def reported_order(orders: Orders, told: ResultTold, records: Collection[uuid.UUID]) -> Order | None:
    """None where it names a study only. Raises Fault: the order is not known, or another patient's, or its numbers are
    those of several orders."""
    placed = orders.placed_as(told.placer_order_number) if told.placer_order_number is not None else []
    if told.accession_number is not None:
        order = orders.known(told.accession_number)
        if order is None:
            raise Fault(Code.UNKNOWN_KEY, "no order has the accession number that it says", told.place)
    else:
        order = orders.known(told.filler_order_number) if told.filler_order_number is not None else None
        own = [one for one in placed if one.patient_id in records]
        if order is None and len(own) > 1:
            raise Fault(Code.UNKNOWN_KEY, "several orders have this number of the placer", told.place)
        order = order or next(iter(own or placed), None)
    if order is None:
        if told.study_instance_uid is None:
            raise Fault(Code.UNKNOWN_KEY, "no order has a number that it says, and it names no study", told.place)
        return None
    if order.patient_id not in records:
        raise Fault(Code.UNKNOWN_KEY, "the order is another patient's than PID says", told.place)
    if placed and order.id not in {one.id for one in placed}:
        raise Fault(Code.UNKNOWN_KEY, "its numbers of placer and filler are those of two orders", told.place)
    return order
