"""Texts from the items of a top-level sequence, without reading more than it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header
from ehr_bridge.dicom.structure.charset import decode, visible
from ehr_bridge.dicom.structure.encoding import SEQUENCE_TAGS, UNDEFINED, Kind
from ehr_bridge.dicom.structure.nesting import Bounds, explicit_element, skip_sequence
from ehr_bridge.errors import RefusedInstance

_ITEM: Final = (0xFFFE, 0xE000)
_DELIMITERS: Final = 0xFFFE
_LONGEST: Final = 1024
"""Longest text in bytes that can be an identifier or the name of an issuer."""


class Item(NamedTuple):
    """Where the elements of an item begin, and where its bytes or those of what holds it end."""

    start: int
    stop: int


def first_item_text(header: Header, sequence: int, tag: int) -> str:
    """The text of an element in the first item of a sequence; '' when it is absent or unreadable."""
    item = next(items_of(header, sequence), None)
    return item_text(header, item, tag) if item is not None else ""


def items_of(header: Header, sequence: int) -> Iterator[Item]:
    """The items of a sequence; none when it is absent, and none after one that is unreadable."""
    element = header.element(sequence)
    if element is None or element.vr not in ("SQ", "UN") or (element.vr == "UN" and header.encoding.explicit):
        return
    try:
        yield from _items(header, element.value_start, element.end)
    except RefusedInstance:
        return  # the walk accepted it, but this reader cannot read it


def item_text(header: Header, item: Item, tag: int, within: int | None = None) -> str:
    """The text of an element of an item, or of the first item of a sequence `within` it; '' like `first_item_text`."""
    wanted = tag if within is None else within
    try:
        for here, value, length, is_sequence in _elements(header, item):
            if here > wanted:
                return ""  # elements are in ascending order (PS3.5 section 7.1)
            if here == wanted and within is None:
                raw = header.body[value : value + length] if length <= _LONGEST and not is_sequence else b""
                return visible(decode(raw, header.charset).strip(" \0"))
            if here == wanted:
                stop = item.stop if length == UNDEFINED else value + length
                inner = next(_items(header, value, stop), None) if is_sequence else None
                return item_text(header, inner, tag) if inner is not None else ""
    except RefusedInstance:
        pass
    return ""


def _items(header: Header, pos: int, stop: int) -> Iterator[Item]:
    body, read = header.body, header.encoding.item
    while pos + 8 <= stop and read(body, pos)[:2] == _ITEM:
        length = read(body, pos)[2]
        item = Item(pos + 8, stop if length == UNDEFINED else min(stop, pos + 8 + length))
        yield item
        pos = item.stop if length != UNDEFINED else _end_of(header, item) + 8


def _end_of(header: Header, item: Item) -> int:
    """Where the delimiter of an item of undefined length stands."""
    pos = item.start
    for _, value, length, is_sequence in _elements(header, item):
        pos = _after(header, value, length, item.stop, is_sequence)
    return pos


def _elements(header: Header, item: Item) -> Iterator[tuple[int, int, int, bool]]:
    """Tag, position of the value, length (or UNDEFINED) and whether it is a sequence, up to the item's end."""
    body, encoding, pos = header.body, header.encoding, item.start
    while pos + 8 <= item.stop:
        group, number, length = encoding.item(body, pos)
        here, value, is_sequence = group << 16 | number, pos + 8, group << 16 | number in SEQUENCE_TAGS
        if group == _DELIMITERS:
            return
        if encoding.explicit:
            kind, value, length = explicit_element(body, pos, encoding)
            is_sequence = kind is Kind.SEQUENCE
        yield here, value, length, is_sequence
        pos = _after(header, value, length, item.stop, is_sequence)


def _after(header: Header, value: int, length: int, stop: int, is_sequence: bool) -> int:
    is_open = length == UNDEFINED
    if not is_sequence and not is_open:
        return value + length
    end = stop if is_open else value + length
    return skip_sequence(header.body, value, end, is_open, header.encoding, Bounds(MAX_DEPTH))
