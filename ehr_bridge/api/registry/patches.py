"""Partial upserts: an EHR says what it knows, and erases nothing that it does not know.

JSON Merge Patch (RFC 7396): a field that is left out stays, null erases it. Orthanc does not pass PATCH on, so it is a
POST. The whole that results is validated, written, audited and followed exactly as if it had been sent by PUT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from flask import Response
from flask_openapi3 import Tag
from pydantic import ConfigDict

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.schemas import Input
from ehr_bridge.api.registry.orders import AccessionPath, OrderAnswer, OrderBody, tags_of_told_order, tell_order
from ehr_bridge.api.registry.patients import MrnPath, PatientAnswer, PatientBody, tags_of_told_patient, tell_patient
from ehr_bridge.api.registry.tellers import teller
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import NotFound
from ehr_bridge.services.registry.orders import Orders
from ehr_bridge.services.registry.patients import PatientData, Patients
from ehr_bridge.services.registry.told_orders import OrderData

blueprint = Blueprint("patches", "Patients", problems=(400, 404, 409, 415, 422))
ORDERS = Tag(name="Orders")


class PatientPatch(Input):
    """Any fields of the body of `PUT patients/{patient}`; what is left out stays, null erases (RFC 7396)."""

    model_config = ConfigDict(extra="allow")


class OrderPatch(Input):
    """Any fields of the body of `PUT orders/{order}`; what is left out stays, null erases (RFC 7396)."""

    model_config = ConfigDict(extra="allow")


def _tags_of_patient(path: MrnPath, body: PatientPatch) -> list[str]:
    return tags_of_told_patient(*services().patients.number_of(path.patient, _issuer_sent(_sent(body))))


def _tags_of_order(path: AccessionPath, body: OrderPatch) -> list[str]:
    return tags_of_told_order(services().orders.number_of(path.order))


@blueprint.post("/patients/<patient>/patch", responses={200: PatientAnswer, 201: PatientAnswer})
@honours(_tags_of_patient)
def patch_patient(path: MrnPath, body: PatientPatch) -> Response:
    """Register a patient, or update some fields of one, by MRN"""
    with services().fresh.together():
        sent = _sent(body)
        mrn, issuer = services().patients.number_of(path.patient, _issuer_sent(sent))
        known = known_of_patient(services().patients, mrn, {"issuer": issuer})
        whole = PatientBody.model_validate(known | sent | ({} if issuer is None else {"issuer": issuer}))
        return tell_patient(mrn, whole, teller(whole.reason, frozenset(sent)))


@blueprint.post("/orders/<order>/patch", tags=[ORDERS], responses={200: OrderAnswer, 201: OrderAnswer})
@honours(_tags_of_order)
def patch_order(path: AccessionPath, body: OrderPatch) -> Response:
    """Place an order, or update some fields of one, by accession number"""
    with services().fresh.together():
        number, sent = services().orders.number_of(path.order), _sent(body)
        whole = OrderBody.model_validate(known_of_order(services().orders, number) | sent)
        return tell_order(number, whole, teller(whole.reason, frozenset(sent)))


def known_of_patient(patients: Patients, mrn: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the EHR told before of the patient for whom this is sent, as a body has it; nothing of a new one. Raises as
    `Patients.told` says."""
    patient = patients.told(mrn, _issuer_sent(sent))
    return {} if patient is None else told_of_patient(patient)


def told_of_patient(patient: Patient) -> dict[str, Any]:
    """What the EHR told of a patient, as a body has it."""
    return {name: _written(getattr(patient, name)) for name in PatientData.__slots__}


def known_of_order(orders: Orders, accession_number: str) -> dict[str, Any]:
    """What the EHR told before of the order with this number, as a body has it; nothing of a new one. Raises
    NotPermitted when the caller may not see its patient."""
    try:
        order = orders.get(accession_number)
    except NotFound:
        return {}
    return told_of_order(orders, order)


def told_of_order(orders: Orders, order: Order) -> dict[str, Any]:
    """What the EHR told of an order, as a body has it; without its state and Study Instance UID, which stay where they
    are not sent."""
    known = {field.name: _written(getattr(order, field.name)) for field in fields(OrderData)}
    steps = [{name: _written(value) for name, value in asdict(step).items()} for step in order.further_steps]
    return known | {"further_steps": steps, "mrn": orders.told_of(order)}


def _sent(body: PatientPatch | OrderPatch) -> dict[str, Any]:
    return dict(body.model_extra or {})


def _issuer_sent(sent: Mapping[str, Any]) -> str | None:
    """As the whole body would have it; one that is malformed is refused when the whole is validated."""
    issuer = sent.get("issuer")
    return issuer.strip() or None if isinstance(issuer, str) else None


def _written(value: Any) -> Any:
    """As JSON writes it."""
    return value.isoformat() if isinstance(value, date | datetime) else value
