"""The Original Attributes Sequence (0400,0561): previous values, and who changed them when.

PS3.3 section C.12.1.1.9 and table C.12-1: one item for each modification, with the previous values in a Modified
Attributes Sequence (0400,0550) of one item. Existing items are kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.edits import Edits
from ehr_bridge.dicom.structure.encoding import IMPLICIT_LITTLE, LONG_VRS, SHORT_VRS, UNDEFINED, Encoding
from ehr_bridge.dicom.structure.nesting import Bounds, skip_sequence
from ehr_bridge.dicom.structure.part10 import Element
from ehr_bridge.dicom.structure.writing import write_element, write_item, write_sequence
from ehr_bridge.errors import RefusedInstance

_LONGEST_TEXT: Final = 64
_SEQUENCE_END: Final = (b"\xfe\xff\xdd\xe0", b"\xff\xfe\xe0\xdd")


class Previous(NamedTuple):
    """One attribute as it was before; empty when it was absent."""

    tag: int
    vr: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who modified the attributes, when and why."""

    when: datetime
    modifying_system: str
    source: str
    reason: str

    def __post_init__(self) -> None:
        """Raises ValueError for what does not fit the attributes."""
        if self.when.tzinfo is None:
            raise ValueError("the time of a modification needs a time zone")
        if not re.fullmatch(r"[A-Z0-9_ ]{1,16}", self.reason):
            raise ValueError("the reason must be a DICOM code string, such as COERCE or CORRECT")
        if not _plain(self.modifying_system):
            raise ValueError("the modifying system must be named")


def record_original(
    edits: Edits, header: Header, previous: list[Previous], provenance: Provenance, position: int
) -> None:
    """Add the item with the previous values to the edits.

    `position` is where the sequence goes if there is none yet. If (0400,0561) holds something else than a sequence,
    that is moved into the previous values, so nothing is lost.
    """
    element = header.element(tags.ORIGINAL_ATTRIBUTES_SEQUENCE)
    encoding = header.encoding
    if element is not None and is_sequence(element):
        if element.vr == "UN":
            encoding = IMPLICIT_LITTLE
        item = _item(encoding, previous, provenance)
        if element.length == UNDEFINED:
            at = element.end - 8
        else:
            at = _end_of_items(header, element)
            edits.grow(header.encoding, element.value_start - 4, len(item))
        edits.replace(at, at, item, element.tag)
        return
    if element is not None:
        if element.length:
            raw = header.body[element.value_start : element.end]
            previous = [*previous, Previous(element.tag, element.vr, raw)]
        start, end = element.start, element.end
    else:
        start = end = position
    before, after = original_parts(encoding, previous, provenance)
    sequence = before + modification_time(provenance.when) + after
    edits.replace(start, end, sequence, tags.ORIGINAL_ATTRIBUTES_SEQUENCE)


def modification_time(when: datetime) -> bytes:
    """A moment as Attribute Modification DateTime (0400,0562) holds it: UTC, always 26 characters."""
    return when.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f+0000").encode()


def original_parts(encoding: Encoding, previous: list[Previous], provenance: Provenance) -> tuple[bytes, bytes]:
    """A whole sequence of one new item, split at the time of the modification."""
    item = _item(encoding, previous, provenance)
    sequence = write_sequence(encoding, tags.ORIGINAL_ATTRIBUTES_SEQUENCE, item)
    cut = len(sequence) - len(_after_the_time(encoding, provenance))
    return sequence[: cut - len(modification_time(provenance.when))], sequence[cut:]


def is_sequence(element: Element) -> bool:
    """Whether readers take the element for a sequence, so that an item can be added (PS3.5 section 6.2.2)."""
    return element.length == UNDEFINED or (element.length > 0 and element.vr == "SQ")


def _end_of_items(header: Header, element: Element) -> int:
    """Where the items of a sequence of known length end: before a superfluous delimiter, if there is one."""
    end = element.end
    if header.body[end - 8 : end - 4] == _SEQUENCE_END[header.big_endian]:
        try:
            skip_sequence(header.body, element.value_start, end - 8, False, header.encoding, Bounds(MAX_DEPTH))
        except RefusedInstance:
            return end
        return end - 8
    return end


def _item(encoding: Encoding, previous: list[Previous], provenance: Provenance) -> bytes:
    before = b"".join(_previous_element(encoding, attribute) for attribute in sorted(previous))
    when = modification_time(provenance.when)
    return write_item(
        encoding,
        write_sequence(encoding, tags.MODIFIED_ATTRIBUTES_SEQUENCE, write_item(encoding, before))
        + write_element(encoding, tags.ATTRIBUTE_MODIFICATION_DATE_TIME, "DT", when)
        + _after_the_time(encoding, provenance),
    )


def _after_the_time(encoding: Encoding, provenance: Provenance) -> bytes:
    return (
        write_element(encoding, tags.MODIFYING_SYSTEM, "LO", _plain(provenance.modifying_system))
        + write_element(encoding, tags.SOURCE_OF_PREVIOUS_VALUES, "LO", _plain(provenance.source))
        + write_element(encoding, tags.REASON_FOR_THE_ATTRIBUTE_MODIFICATION, "CS", provenance.reason.encode())
    )


def _previous_element(encoding: Encoding, attribute: Previous) -> bytes:
    vr = attribute.vr
    if vr != "SQ" and vr not in LONG_VRS and (vr not in SHORT_VRS or len(attribute.raw) > 0xFFFE):
        vr = "UN"
    return write_element(encoding, attribute.tag, vr, attribute.raw)


def _plain(text: str) -> bytes:
    """Text in ASCII, which every character set shares, without accents; at most 64 characters (LO)."""
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    plain = re.sub(r"[^ -\[\]-}]", "?", letters)
    return plain.strip(" ")[:_LONGEST_TEXT].encode("ascii")
