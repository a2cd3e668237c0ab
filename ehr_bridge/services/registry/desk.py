"""What people at the desk say of patients and orders, beside what the EHR tells.

Both write the same fields of the same rows. What only the desk has said it may change freely. Where the EHR has told a
record, the desk needs a reason; what the EHR told of each field so changed stays in `ehr_says` until the EHR says of
that field what the desk says, or anything else: its next word wins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.registry.order_states import plain

FROM_THE_EHR = "from the EHR"
AT_THE_DESK = "at the desk"
OVERRULED = "from the EHR, where the desk had said otherwise"
"""Reasons of changes for which nobody gave one."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Who says something of a patient or an order."""

    is_desk: bool = False
    """A person at the desk; otherwise the EHR."""
    reason: str | None = None
    said: frozenset[str] | None = None
    """The fields of which the EHR says something in this message; None: of all."""


EHR = Teller()


def require_reason(row: Patient | Order, teller: Teller, changed: Collection[str]) -> None:
    """Raises InvalidInput when the desk changes what the EHR told, and does not say why."""
    if not teller.is_desk or not changed or is_ours(row) or teller.reason is not None:
        return
    message = "say why: the EHR sent something else"
    raise InvalidInput("reason_required", "To change what the EHR has sent, give a reason.", (("reason", message),))


def is_ours(row: Patient | Order) -> bool:
    """Whether it was registered here, and the EHR has not told it yet."""
    return row.registered_here or (isinstance(row, Order) and row.made_here)


def note_desk(row: Patient | Order, before: Mapping[str, Any]) -> None:
    """The desk has changed these fields, which had these values; remembers what the EHR told of them."""
    if is_ours(row):
        return
    told = dict(row.ehr_says or {})
    for name, value in before.items():
        if told.setdefault(name, plain(value)) == plain(getattr(row, name)):
            del told[name]
    row.ehr_says = told or None


def note_ehr(row: Patient | Order, said: Collection[str] | None) -> list[str]:
    """The EHR has said these fields (None: all), and they are set: returns those in which the desk had differed, and
    `registered_here` where the EHR had told nothing of it before. That flag is left to the caller."""
    told = dict(row.ehr_says or {})
    settled = sorted(name for name in told if said is None or name in said)
    if settled:
        row.ehr_says = {name: value for name, value in told.items() if name not in settled} or None
    return settled + (["registered_here"] if row.registered_here else [])


_NOT_TOLD = frozenset({"merged_into_id", "accession_number", "is_unidentified"})
"""Fields of changes that are nothing the EHR says of a record under its number."""


def note_undone(row: Patient | Order, former: Mapping[str, Any], teller: Teller) -> None:
    """A change was undone that had given these fields these values, as JSON has them."""
    said = {name: value for name, value in former.items() if name not in _NOT_TOLD}
    if "status" in said:
        _note_reinstated(row, teller)
    elif teller.is_desk:
        note_desk(row, said)
    else:
        note_ehr(row, said.keys())


def _note_reinstated(row: Patient | Order, teller: Teller) -> None:
    """A cancellation was undone: the desk's own, which the EHR knew nothing of, or the EHR's, which the desk does not
    follow."""
    told = dict(row.ehr_says or {})
    was_the_desks = told.pop("status", None) is not None
    if teller.is_desk and not was_the_desks and not is_ours(row):
        told["status"] = "cancelled"
    row.ehr_says = told or None


@dataclass(frozen=True, slots=True)
class Why:
    """Why something changed, for the ledger."""

    reason: str = FROM_THE_EHR
    is_desk: bool = False


TOLD = Why()


def why(teller: Teller, overruled: Collection[str] = ()) -> Why:
    """Why it changed; `overruled`: the fields in which the EHR now says otherwise than the desk had."""
    unsaid = AT_THE_DESK if teller.is_desk else OVERRULED if overruled else FROM_THE_EHR
    return Why(teller.reason or unsaid, teller.is_desk)
