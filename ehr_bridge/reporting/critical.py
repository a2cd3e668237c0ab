"""Critical results: how soon somebody must be told, how it was done, and whether they have heard it."""

from __future__ import annotations

from enum import StrEnum


class CriticalLevel(StrEnum):
    """How soon the doctor who treats the patient must know (as the categories of the ACR's practice parameter)."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


class Way(StrEnum):
    """How somebody was told."""

    PHONE = "phone"
    IN_PERSON = "in_person"
    MESSAGE = "message"
    OTHER = "other"


def is_more_urgent(level: CriticalLevel, than: CriticalLevel) -> bool:
    order = list(CriticalLevel)
    return order.index(level) < order.index(than)
