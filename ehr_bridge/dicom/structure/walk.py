"""The walk over data elements: where each one starts, and proof that every length stays inside its container.

Bytes and an encoding in, positions out, never values. Nothing here recurses or allocates memory by what a length field
says, so hostile files cost no more than honest ones of their size.
"""

from __future__ import annotations

from struct import error as OutOfBytes  # noqa: N812
from typing import NamedTuple

from ehr_bridge.dicom.structure.encoding import (
    DELIMITERS,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    PLAIN_TAGS,
    SEQUENCE_TAGS,
    UNDEFINED,
    Encoding,
    Kind,
)
from ehr_bridge.dicom.structure.nesting import Bounds, explicit_element, hides_sequence, skip_fragments, skip_sequence
from ehr_bridge.dicom.structure.refusals import cut_short, malformed, too_many_elements

_FIRST_DELIMITER = DELIMITERS << 16
_MOST_ELEMENTS = 65536
"""Top-level elements; real files have hundreds. Each costs a hundred bytes here and more in Orthanc."""
_STRIDE = 1 << 20
"""How many bytes are walked between two checks of the number of elements."""


class Walk(NamedTuple):
    """Positions of the top-level elements."""

    starts: dict[int, int]
    """Tag to first byte; of a repeated tag the first one, which is the one DCMTK and Orthanc read."""
    ends: dict[int, int]
    """Tag to the byte after, for values of undefined length only."""
    repeats: list[tuple[int, int, int]]
    """Tag, first byte and byte after of each further element with a tag already seen."""
    ordered: bool
    """Whether the tags ascend, as PS3.5 section 7.1 requires."""


def walk_explicit(body: bytes, pos: int, encoding: Encoding, bounds: Bounds) -> Walk:
    """Where each top-level element of an explicit VR dataset starts.

    The layout is PS3.5 section 7.1.2. The first branch carries nearly all elements of a real file.

    Raises: RefusedInstance `truncated`, `malformed`, `nested_too_deep` or `too_many_elements`.
    """
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    repeats: list[tuple[int, int, int]] = []
    ordered = True
    head, short, stop, last = encoding.head, encoding.short, len(body), -1
    try:
        while pos < stop:
            if len(starts) + len(repeats) > _MOST_ELEMENTS:
                raise too_many_elements()
            pause = min(stop, pos + _STRIDE)
            while pos < pause:
                group, number, vr, length = head(body, pos)
                tag = group << 16 | number
                if vr in short and last < tag < _FIRST_DELIMITER:
                    starts[tag] = pos
                    last = tag
                    pos += length + 8
                    continue
                start = pos
                pos, undefined = after_explicit(body, pos, tag, encoding, bounds)
                if tag > last:
                    last = tag
                elif tag in starts:
                    repeats.append((tag, start, pos))
                    continue
                else:
                    ordered = False
                starts[tag] = start
                if undefined:
                    ends[tag] = pos
    except OutOfBytes:
        raise cut_short() from None
    if pos > stop:
        raise cut_short()
    return Walk(starts, ends, repeats, ordered)


def walk_implicit(body: bytes, pos: int, bounds: Bounds) -> Walk:
    """Where each top-level element of an implicit VR dataset starts.

    The layout is PS3.5 section 7.1.3; the dictionary says which elements are sequences.

    Raises: RefusedInstance `truncated`, `malformed`, `nested_too_deep` or `too_many_elements`.
    """
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    repeats: list[tuple[int, int, int]] = []
    ordered = True
    head, plain, stop, last = IMPLICIT_LITTLE.head, PLAIN_TAGS, len(body), -1
    try:
        while pos < stop:
            if len(starts) + len(repeats) > _MOST_ELEMENTS:
                raise too_many_elements()
            pause = min(stop, pos + _STRIDE)
            while pos < pause:
                group, number, length = head(body, pos)
                tag = group << 16 | number
                if tag in plain and length != UNDEFINED and tag > last:
                    starts[tag] = pos
                    last = tag
                    pos += length + 8
                    continue
                start = pos
                pos = after_implicit(body, pos, tag, length, bounds)
                if tag > last:
                    last = tag
                elif tag in starts:
                    repeats.append((tag, start, pos))
                    continue
                else:
                    ordered = False
                starts[tag] = start
                if length == UNDEFINED:
                    ends[tag] = pos
    except OutOfBytes:
        raise cut_short() from None
    if pos > stop:
        raise cut_short()
    return Walk(starts, ends, repeats, ordered)


def after_explicit(body: bytes, pos: int, tag: int, encoding: Encoding, bounds: Bounds) -> tuple[int, bool]:
    """The position after a top-level element, and whether its length is undefined."""
    kind, value, length = explicit_element(body, pos, encoding)
    if length == UNDEFINED:
        if kind is Kind.LONG and tag == PIXEL_DATA:
            return skip_fragments(body, value, len(body), encoding, bounds), True
        if kind is Kind.SEQUENCE:
            return skip_sequence(body, value, len(body), True, encoding, bounds), True
        if kind is Kind.UNKNOWN:
            return skip_sequence(body, value, len(body), True, IMPLICIT_LITTLE, bounds), True
        raise malformed("an element that cannot have an undefined length has one", pos)
    end = value + length
    if kind is Kind.SEQUENCE:
        skip_sequence(body, value, end, False, encoding, bounds)
    elif kind is Kind.UNKNOWN and hides_sequence(body, value, end, bounds.depth):
        skip_sequence(body, value, end, False, IMPLICIT_LITTLE, bounds)
    return end, False


def after_implicit(body: bytes, pos: int, tag: int, length: int, bounds: Bounds) -> int:
    """The position after a top-level element."""
    if tag >> 16 == DELIMITERS:
        raise malformed("an item or delimiter stands outside any sequence", pos)
    value = pos + 8
    if length == UNDEFINED:
        if tag == PIXEL_DATA:
            return skip_fragments(body, value, len(body), IMPLICIT_LITTLE, bounds)
        if tag in PLAIN_TAGS:
            raise malformed("an element that cannot have an undefined length has one", pos)
        return skip_sequence(body, value, len(body), True, IMPLICIT_LITTLE, bounds)
    end = value + length
    if tag in SEQUENCE_TAGS or (tag not in PLAIN_TAGS and hides_sequence(body, value, end, bounds.depth)):
        skip_sequence(body, value, end, False, IMPLICIT_LITTLE, bounds)
    return end
