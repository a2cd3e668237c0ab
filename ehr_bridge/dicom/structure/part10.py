"""The envelope of a DICOM file: preamble, meta information, transfer syntax, deflation (PS3.10 section 7)."""

from __future__ import annotations

from struct import error as OutOfBytes  # noqa: N812
from typing import Final, NamedTuple

from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.encoding import (
    DEFLATED_UIDS,
    EXPLICIT_BIG,
    EXPLICIT_BIG_UID,
    EXPLICIT_LITTLE,
    EXPLICIT_LITTLE_UID,
    IMPLICIT_LITTLE_UID,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED,
    Encoding,
    encoding_of,
    guess_encoding,
)
from ehr_bridge.dicom.structure.inflating import MEBIBYTE, Room, inflate
from ehr_bridge.dicom.structure.nesting import explicit_element
from ehr_bridge.dicom.structure.refusals import cut_short, malformed, unreadable_meta
from ehr_bridge.dicom.structure.writing import write_element
from ehr_bridge.errors import RefusedInstance

_LONGEST_META: Final = MEBIBYTE
_PREAMBLE: Final = 128
_META_GROUP: Final = 0x0002
_META_LENGTH: Final = 0x00020000
_META_VRS: Final = (SHORT_VRS | LONG_VRS | {"UN"}) - {"OV", "SV", "UV"}
"""What Orthanc 1.12.7 reads in group 0002; if there is another VR, even SQ, it stores nothing."""
_FIRST_GROUP: Final = 0x0008


class Element(NamedTuple):
    """The position of one data element in a file."""

    tag: int
    vr: str
    """As in the file; from the dictionary in implicit VR."""
    start: int
    value_start: int
    length: int
    """As in the file: 0xFFFFFFFF when undefined."""
    end: int


class Opened(NamedTuple):
    """A file whose dataset can be walked."""

    data: bytes
    """As received, except that the length of the meta information is corrected."""
    body: bytes
    dataset_start: int
    transfer_syntax_uid: str
    encoding: Encoding
    room: Room | None
    """Of a deflated file: the share of the budget that its inflated dataset takes."""
    has_preamble: bool
    meta: dict[int, Element]


def open_file(data: bytes, max_inflated: int) -> Opened:
    """The dataset of a file, inflated if necessary, and its meta information.

    Files without preamble, or without any meta information, are accepted when their first element shows what they are,
    as in DCMTK. A wrong length of the meta information is corrected: it ends at the first element of another group, as
    in pydicom. DCMTK goes by the length, and would take elements of the dataset (first the character set of the names)
    for meta information, or the reverse.

    Raises: RefusedInstance `empty_file`, `not_dicom`, `truncated`, `malformed`, `unreadable_meta` or
    `inflated_too_large`; Unavailable `busy`.
    """
    if not data:
        raise RefusedInstance("empty_file", "The file is empty. Send it again from its source.")
    has_preamble = data[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
    start = _PREAMBLE + 4 if has_preamble else 0
    if not has_preamble and not _starts_like_a_dataset(data):
        raise RefusedInstance(
            "not_dicom",
            "This is not a DICOM file: it has neither the DICM mark nor a dataset at its beginning. "
            "Send the DICOM file itself, not a picture, report or archive made from it.",
        )
    try:
        meta, dataset_start = _read_meta(data, start)
        if not _has_right_length(data, meta, dataset_start):
            if dataset_start == len(data):
                raise cut_short()
            data = _with_right_length(data, meta[_META_LENGTH], dataset_start)
            meta, dataset_start = _read_meta(data, start)
    except OutOfBytes:
        raise cut_short() from None
    if not meta and dataset_start == len(data):
        raise cut_short()
    uid = _transfer_syntax(data, meta)
    encoding = encoding_of(uid)
    if encoding is None:
        encoding = guess_encoding(data, dataset_start)
        if encoding is None and dataset_start < len(data):
            raise malformed("the dataset does not begin with a data element", dataset_start)
        encoding = encoding or EXPLICIT_LITTLE
        uid = uid or _uid_of(encoding)
    deflated = uid in DEFLATED_UIDS
    body, room = inflate(data, dataset_start, max_inflated) if deflated else (data, None)
    return Opened(data, body, dataset_start, uid, encoding, room, has_preamble, meta)


def looks_like_dicom(beginning: bytes) -> bool:
    """Whether `open_file` would accept a file with this beginning; 4 KiB of it are enough."""
    return beginning[_PREAMBLE : _PREAMBLE + 4] == b"DICM" or _starts_like_a_dataset(beginning)


def _starts_like_a_dataset(data: bytes) -> bool:
    encoding = guess_encoding(data, 0)
    if encoding is None:
        return False
    group, _, length = encoding.item(data, 0)
    if group == _META_GROUP:
        return encoding is EXPLICIT_LITTLE
    return group == _FIRST_GROUP and (encoding.explicit or length <= len(data) - 8)


def _read_meta(data: bytes, start: int) -> tuple[dict[int, Element], int]:
    """The elements of group 0002, always explicit little endian (PS3.10 section 7.1), and where they end."""
    meta: dict[int, Element] = {}
    head, pos, stop = EXPLICIT_LITTLE.head, start, len(data)
    while pos < stop:
        group, number, _, _ = head(data, pos)
        if group != _META_GROUP:
            break
        if pos > start + _LONGEST_META:
            raise malformed("the meta information is larger than in any real file", pos)
        _, value, length = explicit_element(data, pos, EXPLICIT_LITTLE)
        end = value + length
        if end > stop or length == UNDEFINED:
            raise cut_short()
        tag, vr = group << 16 | number, data[pos + 4 : pos + 6].decode("latin-1")
        if vr not in _META_VRS and tag != _META_LENGTH:
            raise unreadable_meta(pos)
        meta.setdefault(tag, Element(tag, vr, pos, value, length, end))
        pos = end
    return meta, pos


def _transfer_syntax(data: bytes, meta: dict[int, Element]) -> str:
    element = meta.get(tags.TRANSFER_SYNTAX_UID)
    if element is None:
        return ""
    return data[element.value_start : element.end].decode("latin-1").strip(" \0")


def _uid_of(encoding: Encoding) -> str:
    if encoding is EXPLICIT_BIG:
        return EXPLICIT_BIG_UID
    return EXPLICIT_LITTLE_UID if encoding.explicit else IMPLICIT_LITTLE_UID


def _has_right_length(data: bytes, meta: dict[int, Element], dataset_start: int) -> bool:
    """Whether (0002,0000) gives the end of the meta information correctly, or is absent."""
    element = meta.get(_META_LENGTH)
    if element is None:
        return True
    if element.vr != "UL" or element.length != 4:
        return False
    return element.end + int(EXPLICIT_LITTLE.length(data, element.value_start)[0]) == dataset_start


def _with_right_length(data: bytes, element: Element, dataset_start: int) -> bytes:
    length = (dataset_start - element.end).to_bytes(4, "little")
    return data[: element.start] + write_element(EXPLICIT_LITTLE, _META_LENGTH, "UL", length) + data[element.end :]
