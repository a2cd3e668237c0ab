"""A message, read by segment, field and component.

The library `hl7` splits it. What it does beyond that is not used: it takes other text for a moment without complaint,
escapes characters that need none, and repeats the content of fields in its log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

import hl7

from ehr_bridge.hl7.escapes import Delimiters, unescape
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.text import Decoded, segments

logging.getLogger("hl7").setLevel(logging.CRITICAL + 1)  # its lines hold what fields say

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d?)(?:\.([1-9]\d?))?(?:\.([1-9]\d?))?")
_DELETE = '""'


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

    def __init__(self, content: Any, occurrence: int, delimiters: Delimiters, codec: str) -> None:
        self._content = content
        self._delimiters = delimiters
        self._codec = codec
        self.name: str = str(content[0])
        self.occurrence = occurrence

    def place(self, field: int = 0, component: int = 0) -> Place:
        return Place(self.name, self.occurrence, field, component)

    def repetitions(self, field: int) -> int:
        """How often a field is repeated; 0 when it is absent."""
        content = self._field(field)
        return 0 if content is None else len(content)

    def value(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 0) -> Value:
        """What a part of a field says, without blanks around it and escape sequences."""
        content = self._field(field)
        if content is None or repetition >= len(content):
            return None
        content = content[repetition]
        if _leaf(content) == _DELETE:
            return DELETED
        text = _part(_part(content, component), subcomponent)
        if text == _DELETE:
            return DELETED
        return unescape(str(text), self._delimiters, self._codec).strip() or None

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 0) -> str:
        """Like `value`; '' where nothing is said, or that there is no value."""
        value = self.value(field, component, subcomponent, repetition)
        return value if isinstance(value, str) else ""

    def whole(self, field: int) -> list[str]:
        """Every repetition as one text, with components that are no such: a caret in a text that nobody escaped."""
        repetitions = self._field(field)
        found = [] if repetitions is None else [str(one) for one in repetitions]
        said = (unescape(one, self._delimiters, self._codec).strip() for one in found if one != _DELETE)
        return [one for one in said if one]

    def _field(self, number: int) -> Any:
        return self._content[number] if number < len(self._content) else None


class Message:
    """A message that has a header; nothing else of it is checked."""

    def __init__(self, decoded: Decoded) -> None:
        """Raises Fault when the header cannot be read."""
        lines = segments(decoded.text)
        separators = decoded.text[4:].partition(decoded.text[3])[0] if len(decoded.text) > 4 else ""
        if not lines or len({decoded.text[3], *separators}) != len(separators) + 1 or not 1 < len(separators) < 6:
            raise Fault(Code.SEQUENCE, "MSH-1 and MSH-2 do not say which delimiters it has", Place("MSH", 1, 2))
        self.codec, self.how = decoded.codec, decoded.how
        delimiters = Delimiters(decoded.text[3], *separators[:4])
        counted: dict[str, int] = {}
        self.segments: list[Segment] = []
        for content in hl7.parse("\r".join(lines)):
            name = str(content[0])
            counted[name] = counted.get(name, 0) + 1
            self.segments.append(Segment(content, counted[name], delimiters, decoded.codec))
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


def _part(content: Any, number: int) -> Any:
    """The part with this number, counted from 1; text is its own only part."""
    if isinstance(content, str):
        return content if number == 1 else ""
    return content[number - 1] if number <= len(content) else ""


def _leaf(content: Any) -> str:
    """The text of something that has no parts."""
    while not isinstance(content, str):
        if len(content) != 1:
            return ""
        content = content[0]
    return content
