"""One text from the first item of a top-level sequence, without reading the rest."""

from __future__ import annotations

from typing import Final

from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header
from ehr_bridge.dicom.structure.charset import decode, visible
from ehr_bridge.dicom.structure.encoding import SEQUENCE_TAGS, UNDEFINED, Kind
from ehr_bridge.dicom.structure.nesting import Bounds, explicit_element, skip_sequence
from ehr_bridge.errors import RefusedInstance

_ITEM: Final = (0xFFFE, 0xE000)
_LONGEST: Final = 1024
"""Longest text in bytes that can be an identifier or the name of an issuer."""


def first_item_text(header: Header, sequence: int, tag: int) -> str:
    """The text of an element in the first item of a sequence; '' when it is absent or unreadable."""
    element = header.element(sequence)
    if element is None or element.vr not in ("SQ", "UN") or (element.vr == "UN" and header.encoding.explicit):
        return ""
    body, item = header.body, header.encoding.item
    pos, stop = element.value_start, element.end
    try:
        if pos + 8 > stop or item(body, pos)[:2] != _ITEM:
            return ""
        length = item(body, pos)[2]
        pos += 8
        return _find(header, pos, stop if length == UNDEFINED else min(stop, pos + length), tag)
    except RefusedInstance:
        return ""  # the walk accepted it, but this reader cannot read it


def _find(header: Header, pos: int, stop: int, tag: int) -> str:
    body, encoding = header.body, header.encoding
    while pos + 8 <= stop:
        group, number, length = encoding.item(body, pos)
        here, value, is_sequence = group << 16 | number, pos + 8, group << 16 | number in SEQUENCE_TAGS
        if encoding.explicit:
            kind, value, length = explicit_element(body, pos, encoding)
            is_sequence = kind is Kind.SEQUENCE
        if here > tag:
            return ""  # elements are in ascending order (PS3.5 section 7.1)
        if here == tag:
            raw = body[value : value + length] if length <= _LONGEST and not is_sequence else b""
            return visible(decode(raw, header.charset).strip(" \0"))
        if is_sequence or length == UNDEFINED:
            is_open = length == UNDEFINED
            pos = skip_sequence(body, value, stop if is_open else value + length, is_open, encoding, Bounds(MAX_DEPTH))
        else:
            pos = value + length
    return ""
