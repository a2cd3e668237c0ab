"""Data elements as bytes, in any of the three encodings (PS3.5 section 7.1)."""

from __future__ import annotations

from ehr_bridge.dicom.structure.encoding import DELIMITERS, LONG_VRS, Encoding

_ITEM = 0xE000
_LONG = LONG_VRS | {"SQ", "UN"}


def write_element(encoding: Encoding, tag: int, vr: str, value: bytes) -> bytes:
    """One element, its value padded to an even length (PS3.5 section 6.2). Raises ValueError when the value does not
    fit the length field of its VR."""
    if len(value) & 1:
        value += b"\0" if vr in {"UI", "OB", "UN"} else b" "
    length = len(value)
    if not encoding.explicit:
        return encoding.pack_head(tag >> 16, tag & 0xFFFF, length) + value
    if vr in _LONG:
        return _long_head(encoding, tag, vr, length) + value
    if length > 0xFFFE:
        raise ValueError(f"a value of {length} bytes does not fit VR {vr}")
    number = int.from_bytes(vr.encode("ascii"), "big" if encoding.big else "little")
    return encoding.pack_head(tag >> 16, tag & 0xFFFF, number, length) + value


def write_sequence(encoding: Encoding, tag: int, items: bytes) -> bytes:
    """A sequence of known length around encoded items (PS3.5 section 7.5)."""
    if encoding.explicit:
        return _long_head(encoding, tag, "SQ", len(items)) + items
    return encoding.pack_head(tag >> 16, tag & 0xFFFF, len(items)) + items


def write_item(encoding: Encoding, elements: bytes) -> bytes:
    """An item of known length around encoded elements (PS3.5 section 7.5.1)."""
    return encoding.pack_item(DELIMITERS, _ITEM, len(elements)) + elements


def _long_head(encoding: Encoding, tag: int, vr: str, length: int) -> bytes:
    number = int.from_bytes(vr.encode("ascii"), "big" if encoding.big else "little")
    return encoding.pack_head(tag >> 16, tag & 0xFFFF, number, 0) + encoding.pack_length(length)
