"""The number of a patient among the identifiers of PID-3 or MRG-1 (CX): which of them is the MRN is never guessed."""

from __future__ import annotations

from typing import NamedTuple

from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.message import Segment

MEDICAL_RECORD = "MR"
"""Identifier type code of a medical record number (table 0203)."""


class Number(NamedTuple):
    mrn: str
    issuer: str | None
    """The assigning authority: its name (namespace id), or else its universal id."""
    place: Place


class _Identifier(NamedTuple):
    value: str
    namespace: str
    universal_id: str
    type: str


def number_in(segment: Segment, field: int, authority: str | None) -> Number:
    """The identifier of the configured authority; without one, the only one, or the only one of type MR.

    Raises Fault when there is none, or more than one that may be meant.
    """
    place = segment.place(field)
    found = [
        _Identifier(
            value,
            segment.text(field, 4, 1, number),
            segment.text(field, 4, 2, number),
            segment.text(field, 5, 1, number),
        )
        for number in range(segment.repetitions(field))
        if (value := segment.text(field, 1, 1, number))
    ]
    if not found:
        raise Fault(Code.MISSING, f"{place} has no number", place)
    if authority is not None:
        fitting = [one for one in found if authority.casefold() in _names(one)]
        text = f"{place} has no number of the authority that is configured for this source"
    else:
        fitting = found if len(found) == 1 else [one for one in found if one.type == MEDICAL_RECORD]
        text = f"{place} has several numbers; configure `authority` of this source, so that none has to be guessed"
    if len({(one.value, *sorted(_names(one))) for one in fitting}) != 1:
        raise Fault(Code.UNKNOWN_KEY, text, segment.place(field, 4))
    one = fitting[0]
    return Number(one.value, one.namespace or one.universal_id or None, place)


def _names(one: _Identifier) -> set[str]:
    return {name.casefold() for name in (one.namespace, one.universal_id) if name}
