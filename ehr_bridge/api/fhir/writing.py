"""Create and update: a resource becomes the body of our own requests, and goes their way.

What the resource can say and does not is erased, as with PUT. What FHIR has no element for (further steps, the station)
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from ehr_bridge.api.fhir.allowed import may_read, require_writing
from ehr_bridge.api.fhir.answers import Answer
from ehr_bridge.api.fhir.reading import kind_of, matching
from ehr_bridge.api.fhir.referring import invalid, patient_of
from ehr_bridge.api.fhir.results import receive_report, report_known_as
from ehr_bridge.api.fhir.shown import Shown, require_version, shown_order, shown_patient, shown_report, version_changed
from ehr_bridge.api.http.context import origin, services
from ehr_bridge.api.registry.batches import OrderItem, PatientItem
from ehr_bridge.api.registry.orders import told_order
from ehr_bridge.api.registry.patches import known_of_order
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict, InvalidInput, NotFound
from ehr_bridge.fhir.patients import patient_values
from ehr_bridge.fhir.searching import Pairs
from ehr_bridge.fhir.service_requests import ENDED, PRIORITIES, order_values
from ehr_bridge.fhir.structures import require_resource
from ehr_bridge.services.interfaces.fhir.reports import FoundReport
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.wrong_values import told

ELEMENTS = {
    "mrn": "identifier",
    "issuer": "identifier",
    "accession_number": "identifier",
    "placer_order_number": "identifier",
    "requested_procedure_id": "identifier",
    "scheduled_procedure_step_id": "identifier",
    "scheduled_study_instance_uid": "identifier",
    "family_name": "name.family",
    "given_name": "name.given",
    "middle_name": "name.given",
    "prefix": "name.prefix",
    "suffix": "name.suffix",
    "birth_date": "birthDate",
    "sex": "gender",
    "modality": "orderDetail",
    "description": "code.text",
    "procedure_code": "code.coding",
    "scheduled_at": "occurrenceDateTime",
    "ordered_by": "requester.display",
    "body_part": "bodySite",
}
"""Where a field of ours stands in a resource; others have the same name."""


def create(name: str, document: Any, if_none_exist: Pairs | None = None) -> Answer:
    """A new resource; with `if_none_exist`, only where no other fits it, else that one (200). Raises BridgeError."""
    _require_written(name)
    document = require_resource(name, document)
    with services().fresh.together():
        if if_none_exist is not None and (found := _only(matching(name, if_none_exist))) is not None:
            return Answer(200, _told(name, found))
        return _made(document)


def update(name: str, key: str, document: Any, if_match: str | None = None) -> Answer:
    """A resource by id; ids are given here, so none is created by this. Raises BridgeError."""
    _require_written(name)
    document = require_resource(name, document)
    if document.get("id") != key:
        raise invalid(f"{name}.id", "write the id that the address has")
    with services().fresh.together():
        known = _known(name, key)
        require_version(_shown(known), if_match)
        return Answer(200, _told(name, _write(document, known)))


def update_where(name: str, pairs: Pairs, document: Any, if_match: str | None = None) -> Answer:
    """The resource that a search names; a new one where there is none. Raises BridgeError."""
    _require_written(name)
    document = require_resource(name, document)
    with services().fresh.together():
        known = _only(matching(name, pairs))
        if known is None:
            if if_match is not None:
                raise version_changed()
            return _made(document)
        if document.get("id") not in (None, str(known.id)):
            raise invalid(f"{name}.id", "it is not that of the resource which the search names")
        require_version(_shown(known), if_match)
        return Answer(200, _told(name, _write(document, known)))


def _require_written(name: str) -> None:
    if not kind_of(name).is_written:
        raise InvalidInput("interaction_not_supported", f"A {name} is read and searched only.")
    require_writing(name)


def _made(document: Mapping[str, Any]) -> Answer:
    """A new resource; of a report that its sender has sent before, its next version (200)."""
    kind = document["resourceType"]
    if kind != "DiagnosticReport":
        return Answer(201, _told(kind, _write(document, None)), is_made=True)
    report, is_new = receive_report(document, None)
    return Answer(201 if is_new else 200, _shown(report), is_made=is_new)


def _known(name: str, key: str) -> Patient | Order | FoundReport:
    number = as_uuid(key)
    if number is None:
        raise NotFound("resource_not_found", f"There is no {name} with this id; create it by POST.")
    if name == "DiagnosticReport":
        return report_known_as(number)
    found: Patient | Order = services().patients.get(key) if name == "Patient" else services().orders.get(key)
    return found


def _only(rows: list[Any]) -> Any | None:
    if len(rows) > 1:
        raise Conflict("several_match", "Several resources fit this condition; name one of them.")
    return rows[0] if rows else None


def _write(document: Mapping[str, Any], known: Any | None) -> Patient | Order | FoundReport:
    if document["resourceType"] == "DiagnosticReport":
        return receive_report(document, known)[0]
    return _patient(document, known) if document["resourceType"] == "Patient" else _order(document, known)


def _patient(document: Mapping[str, Any], known: Patient | None) -> Patient:
    patients = services().patients
    with _in_elements("Patient"):
        item = PatientItem.model_validate(patient_values(document, services().fhir_search.systems))
    present = patients.told(item.mrn, item.issuer)
    if known is None and present is not None:
        raise _duplicate("A patient has this number already")
    if known is not None and (present is None or present.id != known.id):
        raise _other_number("Patient", "An MRN changes by a merge, or by HL7 A47")
    patient, _ = patients.upsert(item.mrn, item.data(), origin())
    return patient


def _order(document: Mapping[str, Any], known: Order | None) -> Order:
    orders, patients = services().orders, services().patients
    is_ended = document["status"] in ENDED
    values = order_values(document) | {"mrn": patient_of(document)}
    if known is None:
        if values["accession_number"] is not None and known_of_order(orders, values["accession_number"]):
            raise _duplicate("An order has this accession number already")
    else:
        if known.status == OrderStatus.CANCELLED:
            if not is_ended:
                raise Conflict("order_cancelled", "This order is cancelled, and stays so; place another.")
            return known
        if values["accession_number"] not in (None, known.accession_number):
            raise _other_number("ServiceRequest", "POST /api/v1/orders/{order}/accession-number changes it")
        values["accession_number"] = known.accession_number
        values = known_of_order(orders, known.accession_number) | _as_known(values, known)
    _leave_what_stands_for_it(values, known)
    with _in_elements("ServiceRequest"):
        item = OrderItem.model_validate(values)
    order, _ = orders.upsert(told_order(item.accession_number, item, patients), origin())
    return orders.cancel(str(order.id), origin()) if is_ended else order


def _as_known(values: dict[str, Any], known: Order) -> dict[str, Any]:
    """Without what would only come back coarser than it is known, or was shown of the images."""
    if values["priority"] == PRIORITIES.get(known.priority or "", "routine"):
        values["priority"] = known.priority
    if values.get("scheduled_study_instance_uid") in (known.study_instance_uid, known.scheduled_study_instance_uid):
        del values["scheduled_study_instance_uid"]
    if values["description"] is None:
        values["description"] = known.description
    return values


def _leave_what_stands_for_it(values: dict[str, Any], known: Order | None) -> None:
    """Where no procedure or step has an id of its own, the accession number is shown for it, and comes back."""
    for name in ("requested_procedure_id", "scheduled_procedure_step_id"):
        if values.get(name) == values["accession_number"]:
            values[name] = None if known is None else getattr(known, name)


@contextmanager
def _in_elements(resource: str) -> Iterator[None]:
    """Names what does not fit by its element."""
    try:
        yield
    except ValidationError as error:
        found = [(f"{resource}.{ELEMENTS.get(name.partition('.')[0], name)}", why) for name, why in told(error)]
        detail = "; ".join(f"{element}: {why}" for element, why in found)
        raise InvalidInput("resource_invalid", f"{detail}.", tuple(found)) from None


def _shown(row: Any) -> Shown:
    if isinstance(row, FoundReport):
        return shown_report(row)
    return shown_patient(row) if isinstance(row, Patient) else shown_order(row)


def _told(name: str, row: Any) -> Shown:
    """A resource to who has written it; its id alone to those who may not read it. Of reports, a condition finds only
    those of who may not read."""
    shown = _shown(row)
    if name == "DiagnosticReport" or may_read(name):
        return shown
    return {key: shown[key] for key in ("resourceType", "id", "meta") if key in shown}


def _duplicate(what: str) -> Conflict:
    return Conflict("duplicate_resource", f"{what}. Update it, or create with If-None-Exist.")


def _other_number(resource: str, how: str) -> Conflict:
    field = f"{resource}.identifier"
    return Conflict("number_changed", f"{field}: it is not the number on record. {how}.", ((field, "another number"),))
