"""Why a message is not taken, in the words of HL7 (table 0357, Message error condition codes)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """HL7 table 0357."""

    SEQUENCE = "100"
    MISSING = "101"
    DATA_TYPE = "102"
    NOT_IN_TABLE = "103"
    MESSAGE_TYPE = "200"
    EVENT = "201"
    PROCESSING_ID = "202"
    VERSION = "203"
    UNKNOWN_KEY = "204"
    DUPLICATE_KEY = "205"
    LOCKED = "206"
    INTERNAL = "207"


MEANINGS = {
    Code.SEQUENCE: "Segment sequence error",
    Code.MISSING: "Required field missing",
    Code.DATA_TYPE: "Data type error",
    Code.NOT_IN_TABLE: "Table value not found",
    Code.MESSAGE_TYPE: "Unsupported message type",
    Code.EVENT: "Unsupported event code",
    Code.PROCESSING_ID: "Unsupported processing id",
    Code.VERSION: "Unsupported version id",
    Code.UNKNOWN_KEY: "Unknown key identifier",
    Code.DUPLICATE_KEY: "Duplicate key identifier",
    Code.LOCKED: "Application record locked",
    Code.INTERNAL: "Application internal error",
}


class Place(NamedTuple):
    """Where in a message something stands, counted from 1; 0: the whole of it."""

    segment: str
    occurrence: int = 1
    """Which of the segments with this name."""
    field: int = 0
    component: int = 0

    def __str__(self) -> str:
        """As people write it: `OBR-18`, `PID-5.1`; the second segment of a name is `OBR[2]-18`."""
        which = f"[{self.occurrence}]" if self.occurrence > 1 else ""
        field = f"-{self.field}" if self.field else ""
        return f"{self.segment}{which}{field}{f'.{self.component}' if self.component else ''}"


class Fault(Exception):
    """The message, or the part of it at `place`, is not taken. `text` is for people and holds no patient data."""

    def __init__(self, code: Code, text: str, place: Place | None = None, *, is_rejected: bool = False) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.place = place
        self.is_rejected = is_rejected
        """It was refused whatever it says (`AR`); otherwise for what it says (`AE`)."""
        self.is_final = True
        """The same bytes would be refused again; otherwise they are applied when they come again."""
