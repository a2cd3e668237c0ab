"""How data elements are encoded: transfer syntaxes, value representations, the three encodings (PS3.5).

Shared by the walk and the splice; knows nothing of a particular file.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Any, Final, NamedTuple

from pydicom.datadict import DicomDictionary, RepeatersDictionary, dictionary_VR  # type: ignore[attr-defined]
from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

UNDEFINED: Final = 0xFFFFFFFF
"""The length of a value that ends at a delimiter instead (PS3.5 section 7.5)."""

DELIMITERS: Final = 0xFFFE
"""Group of the items and delimiters, which never carry a VR (PS3.5 section 7.5)."""

PIXEL_DATA: Final = 0x7FE00010

IMPLICIT_LITTLE_UID: Final = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_UID: Final = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_UID: Final = "1.2.840.10008.1.2.2"
GE_PRIVATE_UID: Final = "1.2.840.113619.5.2"
"""Implicit little endian except for the pixels; private to one manufacturer, common in old archives."""

DEFLATED_UIDS: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
"""Transfer syntaxes whose whole dataset is one deflate stream (PS3.5 section A.5, A.7, A.11)."""

_REFERENCED_UIDS: Final = frozenset(
    {
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.4.95",
        "1.2.840.10008.1.2.4.204",
        "1.2.840.10008.1.2.4.205",
    }
)

TRANSFER_SYNTAX_UIDS: Final = frozenset(uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax")

SHORT_VRS: Final = frozenset(
    "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
)
"""VRs with a length of 16 bits (PS3.5 table 7.1-2)."""

LONG_VRS: Final = frozenset("OB OD OF OL OV OW SV UC UR UT UV".split())  # noqa: SIM905
"""VRs with two reserved bytes and a length of 32 bits, SQ and UN apart (PS3.5 table 7.1-1)."""

CHARSET_VRS: Final = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
"""VRs whose characters depend on (0008,0005) (PS3.5 section 6.1.2.2)."""

BLOCK_VRS: Final = frozenset({"ST", "LT", "UT"})
"""Single-valued text, in which a backslash and leading spaces are literal (PS3.5 section 6.2)."""

TEXT_VRS: Final = CHARSET_VRS | frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})

SEQUENCE_TAGS: Final = frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")
PLAIN_TAGS: Final = frozenset(
    tag for tag, entry in DicomDictionary.items() if entry[0] not in {"SQ", "UN", "NONE"} and tag != PIXEL_DATA
)
"""Tags whose values an implicit VR walk may skip unread."""


class Kind(IntEnum):
    """What the two VR bytes say about the rest of the element."""

    SHORT = 0
    LONG = 1
    SEQUENCE = 2
    UNKNOWN = 3


class Encoding(NamedTuple):
    """One of the three ways to encode elements, with its unpackers (PS3.5 section 7.1)."""

    explicit: bool
    big: bool
    head: Callable[[bytes, int], tuple[Any, ...]]
    """Explicit: group, element, VR as a number, length of 16 bits. Implicit: group, element, length."""
    item: Callable[[bytes, int], tuple[Any, ...]]
    """Group, element, length of 32 bits."""
    length: Callable[[bytes, int], tuple[Any, ...]]
    short: frozenset[int]
    kinds: dict[int, Kind]
    pack_head: Callable[..., bytes]
    pack_item: Callable[..., bytes]
    pack_length: Callable[..., bytes]


def _vr_number(vr: str, big: bool) -> int:
    return int.from_bytes(vr.encode("ascii"), "big" if big else "little")


def _encoding(explicit: bool, big: bool) -> Encoding:
    order = ">" if big else "<"
    head = Struct(order + ("HHHH" if explicit else "HHI"))
    item, length = Struct(order + "HHI"), Struct(order + "I")
    kinds = {_vr_number(vr, big): Kind.SHORT for vr in SHORT_VRS}
    kinds |= {_vr_number(vr, big): Kind.LONG for vr in LONG_VRS}
    kinds |= {_vr_number("SQ", big): Kind.SEQUENCE, _vr_number("UN", big): Kind.UNKNOWN}
    return Encoding(
        explicit=explicit,
        big=big,
        head=head.unpack_from,
        item=item.unpack_from,
        length=length.unpack_from,
        short=frozenset(number for number, kind in kinds.items() if kind is Kind.SHORT),
        kinds=kinds,
        pack_head=head.pack,
        pack_item=item.pack,
        pack_length=length.pack,
    )


EXPLICIT_LITTLE: Final = _encoding(explicit=True, big=False)
EXPLICIT_BIG: Final = _encoding(explicit=True, big=True)
IMPLICIT_LITTLE: Final = _encoding(explicit=False, big=False)


def kind_of_odd_vr(first: int, second: int) -> Kind | None:
    """The kind of length field after two VR bytes that the Standard does not define, or None if unknown.

    PS3.5 section 6.2 reserves two capital letters for the future, with 32 bits. Old writers used spaces or question
    marks, with 16 bits. DCMTK, and so Orthanc, reads them like this.
    """
    if 0x41 <= first <= 0x5A and 0x41 <= second <= 0x5A:
        return Kind.LONG
    for letter in (first, second):
        if not 0x20 <= letter <= 0x7E or 0x61 <= letter <= 0x7A:
            return None
    return Kind.SHORT


def vr_of_tag(tag: int) -> str:
    """The VR of a tag in the data dictionary (PS3.6); UN for unknown tags; never an ambiguous one."""
    entry = DicomDictionary.get(tag)
    if entry is not None:
        vr = str(entry[0])
    elif tag & 0xFFFF == 0:
        vr = "UL"
    elif tag >> 16 & 1:
        vr = "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    elif tag >> 24 in _REPEATING_GROUPS:
        try:
            vr = str(dictionary_VR(tag))
        except KeyError:
            vr = "UN"
    else:
        vr = "UN"
    return vr if len(vr) == 2 else "UN"


_REPEATING_GROUPS: Final = frozenset(int(mask[:2], 16) for mask in RepeatersDictionary if mask[:2] != "xx")


def is_encapsulated(uid: str) -> bool:
    """Whether pixel data of this transfer syntax is encapsulated in fragments (PS3.5 section A.4)."""
    if uid in _REFERENCED_UIDS:
        return False
    return uid.startswith("1.2.840.10008.1.2.4.") or uid in {
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.8.1",
    }


def encoding_of(uid: str) -> Encoding | None:
    """The encoding of a transfer syntax, or None when we do not know it (PS3.5 annex A)."""
    if uid in {IMPLICIT_LITTLE_UID, GE_PRIVATE_UID}:
        return IMPLICIT_LITTLE
    if uid == EXPLICIT_BIG_UID:
        return EXPLICIT_BIG
    return EXPLICIT_LITTLE if uid in TRANSFER_SYNTAX_UIDS else None


def guess_encoding(body: bytes, pos: int) -> Encoding | None:
    """The encoding that the first element of a dataset suggests when none is declared; None if unclear.

    The smaller reading of the group number tells the byte order, a known VR tells explicit from implicit.
    """
    if len(body) < pos + 8:
        return None
    big = int.from_bytes(body[pos : pos + 2], "big") < int.from_bytes(body[pos : pos + 2], "little")
    vr = body[pos + 4 : pos + 6].decode("latin-1")
    if vr in SHORT_VRS or vr in LONG_VRS or vr in {"SQ", "UN"}:
        return EXPLICIT_BIG if big else EXPLICIT_LITTLE
    return None if big else IMPLICIT_LITTLE
