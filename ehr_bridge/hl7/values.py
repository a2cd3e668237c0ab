"""Values of a message by a mapping, in the form in which our own requests have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ehr_bridge.hl7 import timestamps
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.grouping import Group
from ehr_bridge.hl7.message import DELETED, Path, Segment, Value
from ehr_bridge.hl7.profile import Places
from ehr_bridge.hl7.sources import Source

type Values = Mapping[str, Any]
LEGAL_NAME = "L"
"""Name type code (table 0200)."""


@dataclass(frozen=True, slots=True)
class Found:
    values: Values
    """By field: a text, or None where the source erases it. What is not said is missing."""
    places: Mapping[str, Place]
    """Of each field, said or not."""


def find(group: Group, wanted: Places, source: Source, notes: list[str]) -> Found:
    """What a group of segments says of these fields. Raises Fault for a value that cannot be used."""
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for field, paths in wanted.items():
        for path in paths:
            segment = group.first(path.segment)
            place = Place(path.segment, 1 if segment is None else segment.occurrence, path.field)
            places.setdefault(field, place)
            said = None if segment is None else _said(segment, path, field)
            if said is None:
                continue
            places[field] = place
            value = None if said is DELETED else _written(field, str(said), source, place, notes)
            if value is not None or said is DELETED:
                values[field] = value
            break
    return Found(values, places)


def name_of_person(segment: Segment, field: int) -> str | None:
    """Family^Given^Middle^Prefix^Suffix (DICOM PN) of a field of type XCN; an id alone is better than nothing."""
    text = segment.text
    family, given, middle, suffix, prefix, degree = (text(field, component) for component in range(2, 8))
    name = "^".join((family, given, middle, prefix, suffix or degree)).rstrip("^")
    return name or text(field) or None


def _said(segment: Segment, path: Path, field: str) -> Value:
    if field == "ordered_by" and path.component == 1:
        return DELETED if segment.value(path.field) is DELETED else name_of_person(segment, path.field)
    repetition = _legal(segment) if path[:2] == ("PID", 5) else 0
    return segment.value(path.field, path.component, path.subcomponent, repetition)


def _legal(segment: Segment) -> int:
    """Which repetition of PID-5 is the legal name; else the first."""
    numbers = range(segment.repetitions(5))
    return next((number for number in numbers if segment.text(5, 7, 1, number) == LEGAL_NAME), 0)


def _written(field: str, said: str, source: Source, place: Place, notes: list[str]) -> str | None:
    """As our requests have it; None where it says nothing that can be taken over."""
    terms = source.profile.terms.get(field, {})
    if field == "sex":
        if said.upper() not in terms:
            raise Fault(Code.NOT_IN_TABLE, f"{place} is none of {', '.join(terms)}", place)
        return terms[said.upper()]
    said = terms.get(said.upper(), said)
    reader = _READERS.get(field)
    if reader is None:
        return said.upper() if field == "modality" else said
    try:
        value = reader(said, source)
    except ValueError as error:
        raise Fault(Code.DATA_TYPE, f"{place} is no {_MEANS[field]}: {error}", place) from None
    if value is None:
        notes.append(f"{place} does not say the whole day, and is left out")
    return value


def _moment(said: str, source: Source) -> str:
    return timestamps.moment(said, source.time_zone).isoformat()


def _day(said: str, _source: Source) -> str | None:
    day = timestamps.day(said)
    return None if day is None else day.isoformat()


_READERS: Mapping[str, Callable[[str, Source], str | None]] = {"birth_date": _day, "scheduled_at": _moment}
_MEANS = {"birth_date": "day", "scheduled_at": "moment"}
