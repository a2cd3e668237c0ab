"""Does what a message asks for, as if it were sent as our own requests: the same checks, services and audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from ehr_bridge.api.messages.reported import reported_order
from ehr_bridge.api.registry.batches import OrderItem, PatientItem
from ehr_bridge.api.registry.orders import told_order
from ehr_bridge.api.registry.patches import told_of_order, told_of_patient
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import BridgeError, Unavailable
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.reading import Act, Kind, OrderTold, PatientTold, Reading
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.linking.used_again import is_somebody_else
from ehr_bridge.services.messages.inbox import Applying
from ehr_bridge.services.messages.refusals import fault_of
from ehr_bridge.services.registry.desk import Teller, is_ours
from ehr_bridge.services.reporting.outside import Sender, Whose

_CODES = {"missing": Code.MISSING, "literal_error": Code.NOT_IN_TABLE}
"""Of pydantic's errors; all others say that a value does not fit."""
_NUMBERS = (("mrn",), ("accession_number",))
"""What names a thing is told first where several values do not fit."""
_ABSENT = frozenset({"string_type", "none_required"})


class Hl7Commands:
    """Applies messages through the services; an instance may be used by several threads."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, work: Applying) -> None:
        """Raises Fault or BridgeError; then nothing may be kept (the caller's transaction ends)."""
        reading = work.reading
        if reading.kind in (Kind.MERGE, Kind.NEW_NUMBER):
            self._merge(work, is_new_number=reading.kind == Kind.NEW_NUMBER)
        elif reading.kind == Kind.PATIENT and reading.patient is not None:
            self._upsert_patient(work, reading.patient)
        elif reading.kind == Kind.RESULTS:
            self._results(work)
        else:
            self._orders(work)

    def _results(self, work: Applying) -> None:
        """Reports of another system, of a patient and an order that are known: nobody is registered by a report."""
        reading = work.reading
        assert reading.patient is not None
        patient = self._find(reading.patient)
        if patient is None:
            raise Fault(Code.UNKNOWN_KEY, "the patient in PID is not known here", reading.patient.number.place)
        work.patient_id = patient.id
        _require_same_person(reading.patient, patient)
        records = self._services.patients.records(str(patient.id))
        for told in reading.results:
            with _placed({}, told.place):
                order = reported_order(self._services.orders, told, records)
                whose = Whose(patient.id, None if order is None else order.id, told.study_instance_uid)
                sender = Sender(reading.sender[0], reading.sender[1] or None)
                self._services.results.outside.receive(told.received, whose, sender, work.origin)

    def _upsert_patient(self, work: Applying, told: PatientTold, further: Mapping[str, Any] | None = None) -> Patient:
        """Register or update a patient; what the message does not say stays, or is `further` for a new one."""
        number, known = told.number, self._find(told)
        work.patient_id = known.id if known is not None else work.patient_id
        values = {**told.values, "mrn": number.mrn, "issuer": number.issuer}
        before = dict(further or {}) if known is None else told_of_patient(known)
        with _placed(told.places, number.place):
            item = _checked(PatientItem, before | values, told.places)
            who = Teller(said=frozenset(told.values))
            patient, _ = self._services.patients.upsert(item.mrn, item.data(), work.origin, teller=who)
        work.patient_id = patient.id
        return patient

    def _find(self, told: PatientTold) -> Patient | None:
        """The record with that number. Raises Fault when the number is another authority's."""
        number = told.number
        with _placed({}, Place(*number.place[:3], 4)):
            return self._services.patients.told(number.mrn, number.issuer)

    def _merge(self, work: Applying, *, is_new_number: bool) -> None:
        """A40: two records are one person. A47: a record gets a new number; the old one stays known and leads to it,
        so that images which a modality still sends under it are the patient's."""
        reading = work.reading
        assert reading.patient is not None and reading.prior is not None
        prior, known = self._find(reading.prior), self._find(reading.patient)
        if prior is not None and known is not None and prior.merged_into_id == known.id:
            work.patient_id = known.id
            return
        further: Mapping[str, Any] = {}
        if is_new_number:
            if known is not None:
                text = "another record has the new number; to merge the two, send A40"
                raise Fault(Code.DUPLICATE_KEY, text, reading.patient.number.place)
            if prior is not None:
                further = told_of_patient(prior)
        survivor = self._upsert_patient(work, reading.patient, further)
        if prior is None:
            prior = self._upsert_patient(work, reading.prior)
            work.patient_id = survivor.id
        with _placed({}, reading.prior.number.place):
            self._services.identity_changes.merge(str(prior.id), str(survivor.id), work.name, work.origin)

    def _orders(self, work: Applying) -> None:
        reading = work.reading
        patient = None if reading.patient is None else self._find(reading.patient)
        work.patient_id = None if patient is None else patient.id
        if reading.patient is not None and patient is not None:
            _require_same_person(reading.patient, patient)
        for told in reading.orders:
            if told.act == Act.PLACE:
                patient = patient or self._registered(work, reading)
                self._place(work, told, patient)
                continue
            order = self._find_order(told, patient, is_patient_said=reading.patient is not None)
            work.patient_id = order.patient_id
            with _placed(told.places, told.place):
                if told.act == Act.CANCEL:
                    self._services.orders.cancel(str(order.id), work.origin)
                else:
                    self._change(work, told, order)

    def _registered(self, work: Applying, reading: Reading) -> Patient:
        """An unknown patient is registered from the message of the order; a known one is left as it is."""
        if reading.patient is None:
            raise Fault(Code.SEQUENCE, "it has no segment PID, so nobody knows whose order it is", Place("PID"))
        return self._upsert_patient(work, reading.patient)

    def _place(self, work: Applying, told: OrderTold, patient: Patient) -> None:
        if told.accession_number is None:
            place = told.places.get("accession_number", told.place)
            raise Fault(Code.MISSING, f"{place} has no accession number", place)
        uid = told.values.get("scheduled_study_instance_uid")
        order, known = self._services.orders.known(told.accession_number, uid), {}
        if order is not None:
            self._require_placeable(order, told, patient)
            known = told_of_order(self._services.orders, order)
        self._upsert_order(work, told, told.accession_number, {**known, **told.values, "mrn": str(patient.id)})

    def _require_placeable(self, order: Order, told: OrderTold, patient: Patient) -> None:
        """Of an order that is there: it is not cancelled, and it is this patient's. One that was made here, for a study
        without an order, may turn out to be another's."""
        place = told.places.get("accession_number", told.place)
        if order.status == OrderStatus.CANCELLED:
            raise Fault(Code.LOCKED, "the order with this accession number is cancelled; place another", place)
        if not is_ours(order) and order.patient_id not in self._services.patients.records(str(patient.id)):
            raise Fault(Code.DUPLICATE_KEY, "another patient's order has this accession number", place)

    def _change(self, work: Applying, told: OrderTold, order: Order) -> None:
        if order.status == OrderStatus.CANCELLED:
            raise Fault(Code.LOCKED, "the order is cancelled; place another", told.place)
        known = told_of_order(self._services.orders, order)
        self._upsert_order(work, told, order.accession_number, {**known, **told.values})

    def _upsert_order(self, work: Applying, told: OrderTold, number: str, values: Mapping[str, Any]) -> None:
        with _placed(told.places, told.place):
            item = _checked(OrderItem, {**values, "accession_number": number}, told.places)
            said = frozenset({*told.values, *(["mrn"] if told.act == Act.PLACE else [])})
            order = told_order(item.accession_number, item, self._services.patients, Teller(said=said))
            self._services.orders.upsert(order, work.origin)

    def _find_order(self, told: OrderTold, patient: Patient | None, *, is_patient_said: bool) -> Order:
        """The order that a message changes: by accession number, else by the numbers of filler and placer. It must be
        the patient's whom the message names. Raises Fault."""
        people = None
        if patient is not None:
            people = self._services.patients.records(str(patient.id))
        elif is_patient_said:
            raise Fault(Code.UNKNOWN_KEY, "the patient in PID is not known, and so has no order", Place("PID", 1, 3))
        order = self._named(told)
        if order is None and told.accession_number is None and told.placer_order_number is not None:
            found = self._services.orders.placed_as(told.placer_order_number, people)
            if len(found) > 1:
                place = told.places.get("placer_order_number", told.place)
                raise Fault(Code.UNKNOWN_KEY, "several orders have this number of the placer", place)
            order = found[0] if found else None
        if order is None or (people is not None and order.patient_id not in people):
            where = next((told.places[name] for name in _KEYS if getattr(told, name) is not None), told.place)
            raise Fault(Code.UNKNOWN_KEY, "there is no such order of this patient", where)
        return order

    def _named(self, told: OrderTold) -> Order | None:
        numbers = filter(None, (told.accession_number, told.filler_order_number))
        return next(filter(None, map(self._services.orders.known, numbers)), None)


def _require_same_person(told: PatientTold, patient: Patient) -> None:
    """Raises Fault when what a message says of its patient is another person than the record with that number."""
    if is_somebody_else(told.values, patient):
        text = "name and birth date are not those of the record with this number; correct it by ADT, or send another"
        raise Fault(Code.UNKNOWN_KEY, text, told.number.place)


_KEYS = ("accession_number", "placer_order_number", "filler_order_number")


@contextmanager
def _placed(places: Mapping[str, Place], otherwise: Place) -> Iterator[None]:
    """Gives a refusal of ours the place in the message where what it refuses stands."""
    try:
        yield
    except Unavailable:
        raise
    except BridgeError as error:
        fault = fault_of(error)
        fields = [field for field, _ in error.errors if field in places]
        fault.place = places[fields[0]] if fields else otherwise
        raise fault from None


def _checked[Item: BaseModel](model: type[Item], values: Mapping[str, Any], places: Mapping[str, Place]) -> Item:
    """Checked like a request. Raises Fault for the first value that does not fit, by its place."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False)
        first = next((one for one in errors if one["loc"][:1] in _NUMBERS), errors[0])
        field = str(first["loc"][0]) if first["loc"] else ""
        place = places.get(field)
        is_missing = first["type"] in _ABSENT and values.get(field) is None
        code = Code.MISSING if is_missing else _CODES.get(first["type"], Code.DATA_TYPE)
        text = "is empty, and is needed" if code == Code.MISSING else first["msg"].removeprefix("Value error, ")
        raise Fault(code, f"{place or field or 'the order'}: {text}", place) from None
