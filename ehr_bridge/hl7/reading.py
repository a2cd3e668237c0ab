"""What a message asks for, in the words of our own requests: a patient, a merge, orders, an appointment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ehr_bridge.hl7.ack import Header
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.grouping import Group, first_of_each, groups_of
from ehr_bridge.hl7.identifiers import Number, number_in
from ehr_bridge.hl7.message import Message, Segment
from ehr_bridge.hl7.results import ResultTold, results_of
from ehr_bridge.hl7.sources import Source
from ehr_bridge.hl7.values import Found, Values, find
from ehr_bridge.reporting.received import shown as shown_report

UPSERTS = frozenset({"A01", "A04", "A05", "A08", "A28", "A31"})
PASSED_OVER = frozenset(
    {"A02", "A03", "A06", "A07", "A09", "A10", "A11", "A12", "A13", "A14", "A16", "A21", "A22", "A25", "A26", "A27"}
    | {"A38", "A52", "A53", "A54", "A55", "A60", "A61", "A62"}
)
"""Events of a stay, which change nothing of what is kept here."""
ORDERS = frozenset({("ORM", "O01"), ("OMI", "O23"), ("OMG", "O19")})
BOOKED = frozenset({"S12", "S13", "S14"})
CALLED_OFF = frozenset({"S15", "S26"})
"""The appointment is cancelled, or nobody came."""
PROCESSING = frozenset({"P", "T", "D"})
LONGEST_CONTROL_ID = 199


class Kind(StrEnum):
    PATIENT = "patient"
    MERGE = "merge"
    NEW_NUMBER = "new_number"
    ORDERS = "orders"
    APPOINTMENT = "appointment"
    RESULTS = "results"
    IGNORED = "ignored"


class Act(StrEnum):
    """What is to be done with an order."""

    PLACE = "place"
    CHANGE = "change"
    CANCEL = "cancel"
    STATE = "state"


ACTS = {"NW": Act.PLACE, "XO": Act.CHANGE, "CA": Act.CANCEL, "DC": Act.CANCEL, "SC": Act.STATE}
"""By order control (ORC-1, table 0119)."""
STATES = {"CM": "completed", "A": "completed"}
"""States of an order (ORC-5, table 0038) that are taken over; the others follow from images and cancellations."""
CANCELLED = frozenset({"CA", "DC"})


@dataclass(frozen=True, slots=True)
class Told:
    """Values by the names of our requests: None erases, what is missing stays as it is."""

    values: Mapping[str, Any]
    places: Mapping[str, Place]
    """Where each of them stands, or where it was looked for."""


@dataclass(frozen=True, slots=True)
class PatientTold(Told):
    number: Number


@dataclass(frozen=True, slots=True)
class OrderTold(Told):
    act: Act
    place: Place
    accession_number: str | None
    placer_order_number: str | None
    filler_order_number: str | None = None
    """May be our accession number, where a message says it only so."""


@dataclass(frozen=True, slots=True)
class Reading:
    kind: Kind
    patient: PatientTold | None = None
    prior: PatientTold | None = None
    """Whose number is merged or replaced (MRG)."""
    orders: tuple[OrderTold, ...] = ()
    results: tuple[ResultTold, ...] = ()
    sender: tuple[str, str] = ("", "")
    """Of reports: the name of the source, else what MSH-3 and MSH-4 say; and MSH-3."""
    notes: tuple[str, ...] = ()
    """What was passed over, and why."""

    def shown(self) -> dict[str, Any]:
        """As JSON, for people who look at the message."""
        patients = {"patient": self.patient, "prior": self.prior}
        return {
            "kind": str(self.kind),
            **{name: None if told is None else _shown_patient(told) for name, told in patients.items()},
            "orders": [
                {"act": str(order.act), "accession_number": order.accession_number, **order.values}
                for order in self.orders
            ],
            **({"reports": [_shown_result(one) for one in self.results]} if self.results else {}),
            "notes": list(self.notes),
        }


def _shown_result(told: ResultTold) -> dict[str, Any]:
    numbers = ("accession_number", "placer_order_number", "filler_order_number", "study_instance_uid")
    return {name: getattr(told, name) for name in numbers} | shown_report(told.received)


def _shown_patient(told: PatientTold) -> dict[str, Any]:
    return {"mrn": told.number.mrn, "issuer": told.number.issuer, **told.values}


def header_of(message: Message) -> Header:
    """What its acknowledgement takes over."""
    head = message.header
    return Header(
        message.sender,
        (head.text(5), head.text(6)),
        message.type[1],
        message.control_id,
        head.text(11) or "P",
        head.text(12) or "2.5.1",
        message.codec,
    )


def require_readable(message: Message) -> None:
    """Refuse what cannot be answered or belongs to another protocol. Raises Fault."""
    head = message.header
    if not message.control_id:
        raise Fault(Code.MISSING, "MSH-10 is empty, so it cannot be acknowledged by its number", head.place(10))
    if len(message.control_id) > LONGEST_CONTROL_ID:
        raise Fault(Code.DATA_TYPE, f"MSH-10 has more than {LONGEST_CONTROL_ID} characters", head.place(10))
    if head.text(11) and head.text(11) not in PROCESSING:
        raise Fault(Code.PROCESSING_ID, "MSH-11 is none of P, T and D", head.place(11), is_rejected=True)
    if not re.fullmatch(r"2(\.\d+)*", head.text(12) or "2"):
        raise Fault(Code.VERSION, "MSH-12 names no version 2 of HL7", head.place(12), is_rejected=True)


def is_report(message: Message) -> bool:
    """Whether it brings reports, or takes them back."""
    return message.type[0] == "ORU"


def read(message: Message, source: Source) -> Reading:
    """Raises Fault when the message is not supported, or says something that cannot be used."""
    kind, event = message.type
    if kind == "ADT":
        return _adt(message, source, event)
    if (kind, event) in ORDERS:
        return _orders(message, source)
    if kind == "SIU" and event in BOOKED | CALLED_OFF:
        return _appointment(message, source, is_called_off=event in CALLED_OFF)
    if (kind, event) == ("ORU", "R01"):
        if not source.brings_reports:
            text = "this source may not bring reports (its entry says reports = false)"
            raise Fault(Code.MESSAGE_TYPE, text, message.header.place(9), is_rejected=True)
        return _results(message, source)
    place = message.header.place(9)
    if kind in {"ORM", "OMI", "OMG", "SIU", "ORU"}:
        raise Fault(Code.EVENT, f"{kind} is taken, but not with this event", place, is_rejected=True)
    raise Fault(Code.MESSAGE_TYPE, "messages of this type are not taken here", place, is_rejected=True)


def _adt(message: Message, source: Source, event: str) -> Reading:
    notes: list[str] = []
    if event in UPSERTS:
        return Reading(Kind.PATIENT, _patient(message, source, notes), notes=tuple(notes))
    if event in PASSED_OVER:
        return Reading(Kind.IGNORED, notes=("this event changes nothing of what is kept here",))
    if event not in {"A40", "A47"}:
        place = message.header.place(9, 2)
        raise Fault(Code.EVENT, "ADT is taken, but not with this event", place, is_rejected=True)
    if len(list(message.named("MRG"))) > 1:
        raise Fault(Code.SEQUENCE, "more than one MRG; send each merge in a message of its own", Place("MRG", 2))
    merged = message.require("MRG")
    number = number_in(merged, 1, source.authority)
    prior = PatientTold(_name(merged, 7), {"mrn": number.place}, number)
    kind = Kind.MERGE if event == "A40" else Kind.NEW_NUMBER
    return Reading(kind, _patient(message, source, notes), prior, notes=tuple(notes))


def _patient(message: Message, source: Source, notes: list[str]) -> PatientTold:
    pid = message.require("PID")
    number = number_in(pid, 3, source.authority)
    found = find(Group((), first_of_each(message.segments)), source.profile.patient, source, notes)
    values = dict(found.values)
    if values.get("sex", "") is None:
        values["sex"] = "unknown"
    named = {name for name, paths in source.profile.patient.items() if any(path[:2] == ("PID", 5) for path in paths)}
    if named & set(values):  # a name is told as a whole: parts that it does not have are gone
        values |= dict.fromkeys(named - set(values))
    return PatientTold(values, {**found.places, "mrn": number.place, "issuer": number.place}, number)


def _name(segment: Segment, number: int) -> Values:
    """The parts of a name (XPN) that are said."""
    parts = ("family_name", "given_name", "middle_name", "suffix", "prefix")
    values = ((part, segment.text(number, component)) for component, part in enumerate(parts, 1))
    return {part: value for part, value in values if value}


def _orders(message: Message, source: Source) -> Reading:
    notes: list[str] = []
    groups = groups_of(message)
    if not groups:
        raise Fault(Code.SEQUENCE, "it has no ORC", Place("ORC"))
    orders: dict[str | int, OrderTold] = {}
    for number, group in enumerate(groups):
        told = _order(group, source, notes)
        if told is None:
            continue
        key = told.accession_number or number
        orders[key] = told if key not in orders else _joined(orders[key], told)
    is_patient_said = message.first("PID") is not None
    patient = _patient(message, source, notes) if is_patient_said else None
    kind = Kind.ORDERS if orders else Kind.IGNORED
    return Reading(kind, patient, orders=tuple(orders.values()), notes=tuple(dict.fromkeys(notes)))


def _order(group: Group, source: Source, notes: list[str]) -> OrderTold | None:
    """None where nothing of it is taken over."""
    orc = group.orc
    control, said_state = orc.text(1), orc.text(5)
    if not control:
        raise Fault(Code.MISSING, "ORC-1 does not say what is to be done", orc.place(1))
    if control not in ACTS:
        raise Fault(Code.NOT_IN_TABLE, f"ORC-1 is none of {', '.join(ACTS)}", orc.place(1))
    act = ACTS[control]
    if said_state in CANCELLED and act in (Act.STATE, Act.CHANGE):
        act = Act.CANCEL
    if act in (Act.CANCEL, Act.STATE):
        wanted = {name: source.profile.order[name] for name in ("accession_number", "placer_order_number")}
        found = find(group, wanted, source, notes)
    else:
        found = find(group, source.profile.order, source, notes)
    values = dict(found.values)
    if said_state in STATES and act != Act.CANCEL:
        values["status"] = STATES[said_state]
    if act == Act.STATE and "status" not in values:
        notes.append("ORC-5 says no state that is taken over: it follows from images and cancellations")
        return None
    if act in (Act.PLACE, Act.CHANGE) and (steps := _further_steps(group, source, notes)):
        values["further_steps"] = steps
    keys = values.pop("accession_number", None), values.get("placer_order_number")
    return OrderTold(values, {**found.places, "status": orc.place(5)}, act, orc.place(), *keys)


def _further_steps(group: Group, source: Source, notes: list[str]) -> list[dict[str, Any]]:
    """Of an order with several IPC: the steps after the first."""
    return [_step(find(one, source.profile.order, source, notes)) for one in group.for_each_of("IPC")[1:]]


STEP = ("scheduled_procedure_step_id", "modality", "scheduled_at", "station_ae_title")


def _step(found: Found | Told) -> dict[str, Any]:
    return {name: found.values[name] for name in STEP if found.values.get(name) is not None}


def _joined(first: OrderTold, further: OrderTold) -> OrderTold:
    """One order whose steps were told in several OBR."""
    if (first.act, first.placer_order_number) != (further.act, further.placer_order_number):
        text = "two orders of the message have one accession number, and do not agree on what they are"
        raise Fault(Code.DUPLICATE_KEY, text, further.place)
    if first.act not in (Act.PLACE, Act.CHANGE):
        return first
    told = [_step(further), *further.values.get("further_steps", [])]
    known = [_step(first), *first.values.get("further_steps", [])]
    steps = [*known, *(one for one in told if one not in known)]
    return OrderTold(
        {**first.values, "further_steps": steps[1:]},
        first.places,
        first.act,
        first.place,
        first.accession_number,
        first.placer_order_number,
    )


def _results(message: Message, source: Source) -> Reading:
    notes: list[str] = []
    results = results_of(message, source, notes)
    patient = _patient(message, source, notes) if results else None
    sender = source.name or " ".join(filter(None, message.sender)) or "HL7"
    kind = Kind.RESULTS if results else Kind.IGNORED
    told = tuple(dict.fromkeys(notes))
    return Reading(kind, patient, results=results, sender=(sender[:255], message.sender[0][:255]), notes=told)


def _appointment(message: Message, source: Source, *, is_called_off: bool) -> Reading:
    notes: list[str] = []
    sch = message.require("SCH") if message.first("SCH") is not None else message.header
    found = find(Group((), first_of_each(message.segments)), source.profile.appointment, source, notes)
    values = dict(found.values)
    accession, placer = values.pop("accession_number", None), values.pop("placer_order_number", None)
    filler = values.pop("filler_order_number", None)
    act = Act.CANCEL if is_called_off else Act.CHANGE
    if not (accession or placer or filler):
        places = [found.places[name] for name in ("placer_order_number", "filler_order_number") if name in found.places]
        raise Fault(Code.MISSING, "it does not say of which order the appointment is", (places or [sch.place()])[0])
    if act == Act.CHANGE and values.get("scheduled_at") is None:
        place = found.places.get("scheduled_at", sch.place())
        raise Fault(Code.MISSING, "it does not say when the appointment is", place)
    patient = _patient(message, source, notes) if message.first("PID") is not None else None
    if is_called_off:
        values = {}
    order = OrderTold(values, found.places, act, sch.place(), accession, placer, filler)
    return Reading(Kind.APPOINTMENT, patient, orders=(order,), notes=tuple(notes))
