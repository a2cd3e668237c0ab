"""Skips what is nested in an element (sequences, items, fragments) without recursion.

From the position of a value to the position after it; refuses values that exceed their container or nest too deep.
Rules: PS3.5 sections 7.1.2, 7.5 and A.4.
"""

from __future__ import annotations

import sys

from ehr_bridge.dicom.structure.encoding import (
    DELIMITERS,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    PLAIN_TAGS,
    SEQUENCE_TAGS,
    UNDEFINED,
    Encoding,
    Kind,
    kind_of_odd_vr,
)
from ehr_bridge.dicom.structure.refusals import cut_short, malformed, overrun, too_deep, too_many_elements

_ITEM = 0xE000
_ITEM_END = 0xE00D
_SEQUENCE_END = 0xE0DD
_ITEM_BYTES = b"\xfe\xff\x00\xe0"


class Bounds:
    """How deep a file may nest, and how many more nested elements, items and fragments it may hold."""

    __slots__ = ("depth", "elements")

    def __init__(self, depth: int, elements: int = sys.maxsize) -> None:
        """`elements` is left out for a file that was counted before."""
        self.depth = depth
        self.elements = elements


def explicit_element(body: bytes, pos: int, encoding: Encoding) -> tuple[Kind, int, int]:
    """Kind, position of the value and length of the explicit VR element at `pos` (PS3.5 section 7.1.2). Raises
    RefusedInstance `malformed` for a delimiter or an unreadable VR."""
    group, _, vr, length = encoding.head(body, pos)
    if group == DELIMITERS:
        raise malformed("an item or delimiter stands where an element must be", pos)
    kind = encoding.kinds.get(vr)
    if kind is None:
        kind = kind_of_odd_vr(body[pos + 4], body[pos + 5])
        if kind is None:
            raise malformed("the value representation is not readable", pos)
    if kind is Kind.SHORT:
        return kind, pos + 8, length
    return kind, pos + 12, encoding.length(body, pos + 8)[0]


def hides_sequence(body: bytes, value: int, end: int, room: int) -> bool:
    """Whether bytes we do not understand could be a sequence nested deeper than `room`.

    Another reader may know a private tag as a sequence and descend into it. Each level needs an item tag of its own, so
    bytes with no more than `room` item tags are harmless and stay opaque.
    """
    return body[value : value + 4] == _ITEM_BYTES and body.count(_ITEM_BYTES, value, end) > room


def skip_fragments(body: bytes, pos: int, stop: int, encoding: Encoding, bounds: Bounds) -> int:
    """The position after encapsulated pixel data, whose fragments must all end before `stop` (PS3.5 section A.4).

    Raises: RefusedInstance `truncated`, `malformed` or `too_many_elements`.
    """
    item = encoding.item
    for bounds.elements in range(bounds.elements, -1, -1):  # noqa: B020
        group, number, length = item(body, pos)
        if group != DELIMITERS or length == UNDEFINED:
            raise malformed("a fragment of the pixel data does not start where the one before ends", pos)
        if number == _SEQUENCE_END:
            return pos + 8
        if number != _ITEM:
            raise malformed("the pixel data holds something that is not a fragment", pos)
        pos += length + 8
        if pos > stop:
            raise cut_short()
    raise too_many_elements()


def skip_sequence(body: bytes, pos: int, stop: int, is_open: bool, encoding: Encoding, bounds: Bounds) -> int:
    """The position after a sequence whose value starts at `pos`; everything nested in it is checked.

    PS3.5 section 7.5: items and sequences end at their length or at their delimiter. `stop` is the end by length;
    `is_open` means that a delimiter must come before it. What is found is deducted from `bounds.elements`. A delimiter
    at the end of something with a length is tolerated, as in DCMTK.

    Raises: RefusedInstance `truncated`, `malformed`, `nested_too_deep` or `too_many_elements`.
    """
    if stop > len(body):
        raise cut_short()
    room, left = bounds.depth, bounds.elements
    if room < 1:
        raise too_deep()
    suspended: list[tuple[int, bool, Encoding, bool]] = []
    in_item = False
    head, short, plain = encoding.head, encoding.short, PLAIN_TAGS
    while True:
        if in_item:
            if encoding.explicit:
                for left in range(left, -1, -1):  # noqa: B007, B020
                    if pos >= stop:
                        break
                    group, number, vr, length = head(body, pos)
                    if vr not in short or group == DELIMITERS:
                        break
                    pos += length + 8
                else:
                    raise too_many_elements()
            else:
                for left in range(left, -1, -1):  # noqa: B007, B020
                    if pos >= stop:
                        break
                    group, number, length = head(body, pos)
                    if length == UNDEFINED or group << 16 | number not in plain:
                        break
                    pos += length + 8
                else:
                    raise too_many_elements()
        if pos >= stop:
            if pos > stop or is_open:
                raise cut_short() if pos > len(body) or stop == len(body) else overrun(pos)
            finished = True
        else:
            group, number, length = encoding.item(body, pos)
            finished = group == DELIMITERS and number == (_ITEM_END if in_item else _SEQUENCE_END)
            if finished:
                pos += 8
                if not is_open and pos != stop:
                    raise malformed("a delimiter comes before the end its length announced", pos - 8)
        if finished:
            if not suspended:
                bounds.elements = left
                return pos
            room += not in_item
            stop, is_open, encoding, in_item = suspended.pop()
            head, short = encoding.head, encoding.short
            continue
        left -= 1
        if left < 0:
            raise too_many_elements()
        if not in_item:
            if group != DELIMITERS or number != _ITEM:
                raise malformed("a sequence holds something that is not an item", pos)
            suspended.append((stop, is_open, encoding, False))
            in_item = True
            pos += 8
        else:
            inner = encoding
            if encoding.explicit:
                kind, value, length = explicit_element(body, pos, encoding)
                if kind is Kind.UNKNOWN:
                    inner = IMPLICIT_LITTLE
            else:
                kind, value = _implicit_kind(group << 16 | number, pos), pos + 8
            if kind is not Kind.SEQUENCE:
                if length == UNDEFINED:
                    if group << 16 | number == PIXEL_DATA and kind is Kind.LONG:
                        bounds.elements = left
                        pos = skip_fragments(body, value, stop, encoding, bounds)
                        left = bounds.elements
                        continue
                    if kind is not Kind.UNKNOWN:
                        raise malformed("an element that cannot have an undefined length has one", pos)
                elif kind is not Kind.UNKNOWN or not hides_sequence(body, value, value + length, room - 1):
                    pos = value + length
                    continue
            room -= 1
            if room < 1:
                raise too_deep()
            suspended.append((stop, is_open, encoding, True))
            in_item, pos, encoding = False, value, inner
            head, short = encoding.head, encoding.short
        is_open = length == UNDEFINED
        if not is_open:
            end = pos + length
            if end > stop:
                raise cut_short() if end > len(body) else overrun(pos)
            stop = end


def _implicit_kind(tag: int, pos: int) -> Kind:
    if tag >> 16 == DELIMITERS:
        raise malformed("an item or delimiter stands where an element must be", pos)
    if tag in SEQUENCE_TAGS:
        return Kind.SEQUENCE
    if tag in PLAIN_TAGS or tag == PIXEL_DATA:
        return Kind.LONG
    return Kind.UNKNOWN
