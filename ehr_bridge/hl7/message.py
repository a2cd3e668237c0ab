"""A message, read by segment, field and component: a field is split when somebody asks for a part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ehr_bridge.hl7.escapes import Delimiters, unescape
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.text import Decoded, segments

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d?)(?:\.([1-9]\d?))?(?:\.([1-9]\d?))?")
_DELETE = '""'
_HEADERS = {"MSH", "BHS", "FHS"}
"""Segments whose first fields are the delimiters."""
MOST_SEGMENTS = 5_000
"""Of a message: a report with each line of its text in a segment has some hundreds."""


class Deleted(Enum):
    """The sender says that there is no value any more (`""`), which is not the same as saying nothing."""

    DELETED = _DELETE


DELETED = Deleted.DELETED
type Value = str | Deleted | None
"""What is said; None: nothing, so what is known stays."""


class Path(NamedTuple):
    """Where a value stands: `OBR-18`, `PID-5.2`, `PID-5.1.1`."""

    segment: str
    field: int
    component: int = 1
    subcomponent: int = 1

    @classmethod
    def of(cls, text: str) -> Path:
        """Raises ValueError."""
        found = _PATH.fullmatch(text)
        if found is None:
            raise ValueError(f"'{text}' names no field; write OBR-18, PID-5.1 or PID-5.1.1")
        return cls(found[1], *(int(number or 1) for number in found.groups()[1:]))


class Segment:
    """One segment, and which of its name it is."""

    def __init__(self, line: str, occurrence: int, delimiters: Delimiters, codec: str) -> None:
        self._fields = line.split(delimiters.field)
        if self._fields[0] in _HEADERS:
            self._fields.insert(1, delimiters.field)
        self._split: dict[int, list[str]] = {}
        self._delimiters = delimiters
        self._codec = codec
        self.name = self._fields[0]
        self.occurrence = occurrence

    def place(self, field: int = 0, component: int = 0) -> Place:
        return Place(self.name, self.occurrence, field, component)

    def repetitions(self, field: int) -> int:
        """How often a field is repeated; 0 when it is absent."""
        return len(self._repetitions(field))

    def value(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 0) -> Value:
        """What a part of a field says, without blanks around it and escape sequences."""
        repetitions = self._repetitions(field)
        if repetition >= len(repetitions):
            return None
        text, by = repetitions[repetition], self._delimiters
        if text.strip() != _DELETE:
            text = _part(_part(text, by.component, component), by.subcomponent, subcomponent)
        if text.strip() == _DELETE:
            return DELETED
        return unescape(text, by, self._codec).strip() or None

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 0) -> str:
        """Like `value`; '' where nothing is said, or that there is no value."""
        value = self.value(field, component, subcomponent, repetition)
        return value if isinstance(value, str) else ""

    def whole(self, field: int) -> list[str]:
        """Every repetition as one text, with components that are no such: a caret in a text that nobody escaped."""
        found = (one for one in self._repetitions(field) if one.strip() != _DELETE)
        said = (unescape(one, self._delimiters, self._codec).strip() for one in found)
        return [one for one in said if one]

    def _repetitions(self, number: int) -> list[str]:
        """Split once: who asks for each of them in turn takes no longer for each the more there are."""
        if number >= len(self._fields):
            return []
        found = self._split.get(number)
        if found is None:
            found = self._split[number] = self._fields[number].split(self._delimiters.repetition)
        return found


class Message:
    """A message that has a header; nothing else of it is checked."""

    def __init__(self, decoded: Decoded) -> None:
        """Raises Fault when the header cannot be read."""
        lines = segments(decoded.text)
        separators = decoded.text[4:].partition(decoded.text[3])[0] if len(decoded.text) > 4 else ""
        if not lines or len({decoded.text[3], *separators}) != len(separators) + 1 or not 1 < len(separators) < 6:
            raise Fault(Code.SEQUENCE, "MSH-1 and MSH-2 do not say which delimiters it has", Place("MSH", 1, 2))
        if len(lines) > MOST_SEGMENTS:
            raise Fault(
                Code.DATA_TYPE, f"it has more than {MOST_SEGMENTS} segments; send it in parts", is_rejected=True
            )
        self.codec, self.how = decoded.codec, decoded.how
        delimiters = Delimiters(decoded.text[3], *separators)
        counted: dict[str, int] = {}
        self.segments: list[Segment] = []
        for line in lines:
            name = line.partition(delimiters.field)[0]
            counted[name] = counted.get(name, 0) + 1
            self.segments.append(Segment(line, counted[name], delimiters, decoded.codec))
        self.header = self.segments[0]

    def first(self, name: str) -> Segment | None:
        return next(self.named(name), None)

    def named(self, name: str) -> Iterator[Segment]:
        return (segment for segment in self.segments if segment.name == name)

    def require(self, name: str) -> Segment:
        """Raises Fault when there is no such segment."""
        segment = self.first(name)
        if segment is None:
            raise Fault(Code.SEQUENCE, f"it has no segment {name}", Place(name))
        return segment

    @property
    def type(self) -> tuple[str, str]:
        """Message type and trigger event (MSH-9)."""
        return self.header.text(9, 1), self.header.text(9, 2)

    @property
    def control_id(self) -> str:
        return self.header.text(10)

    @property
    def sender(self) -> tuple[str, str]:
        """Application and facility (MSH-3, MSH-4)."""
        return self.header.text(3), self.header.text(4)


def _part(text: str, delimiter: str, number: int) -> str:
    """The part with this number, counted from 1."""
    parts = text.split(delimiter, number)
    return parts[number - 1] if number <= len(parts) else ""
