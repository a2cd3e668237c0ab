"""DICOM files for tests: real ones that ship with packages, and small ones built byte by byte.

The builders share nothing with the product: they pack bytes by the tables of PS3.5, so that a mistake in the
product's reading or writing cannot hide in its own test material.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from dataclasses import dataclass
from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance

UNDEFINED = 0xFFFFFFFF
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
IMPLICIT, EXPLICIT, BIG, DEFLATED, JPEG = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.50",
)
PREAMBLE = b"\0" * 128 + b"DICM"

REFUSED_BY_ORTHANC = {
    "MR_truncated.dcm": "truncated",
    "SC_rgb_jpeg.dcm": "malformed",
    "no_meta.dcm": "not_dicom",
    "rtplan_truncated.dcm": "truncated",
    "README": "not_dicom",
    "brain_001.dcm": "malformed",
    "Tag-0040-A170-VR-CS.dcm": "malformed",
}
"""Files Orthanc 1.12.7 answers with 400 to (seen live), and what we say about them."""
STRICTER_THAN_ORTHANC = {"DICOMDIR-nooffset": "truncated"}
"""Its one sequence says it is longer than the file; not storable in any case."""


def dcmread(data: bytes) -> Dataset:
    """The dataset as pydicom reads it, an independent opinion."""
    return pydicom.dcmread(BytesIO(data), force=True)


def dcmdump(data: bytes, *, convert: bool = True) -> str:
    """The file as DCMTK reads it, turned to UTF-8 or not; fails when DCMTK complains.

    DCMTK 3.6.9 converts items by the character set of the file, not by their own: do not ask it to convert
    a file whose items have one.
    """
    command = ["dcmdump", "--load-all", "--print-all", *(["+U8"] if convert else []), "-"]
    run = subprocess.run(command, input=data, capture_output=True, check=False, timeout=20)
    complaints = [line for line in run.stderr.splitlines() if b"(CP-246)" not in line]
    assert (run.returncode, complaints) == (0, [])
    return run.stdout.decode(errors="strict" if convert else "replace")


@dataclass(frozen=True)
class Shape:
    """How a dataset is written."""

    syntax: str = EXPLICIT
    open_sequences: bool = False
    """Undefined lengths with delimiters instead of known lengths."""
    preamble: bool = True

    @property
    def explicit(self) -> bool:
        return self.syntax != IMPLICIT

    @property
    def order(self) -> str:
        return ">" if self.syntax == BIG else "<"


AS_USUAL = Shape()


@dataclass(frozen=True)
class El:
    """One element: tag, VR, and its value as bytes or as items."""

    tag: int
    vr: str
    value: bytes | list[list[El]] = b""
    length: int | None = None
    """A length to write instead of the true one."""


def element(el: El, shape: Shape) -> bytes:
    """The bytes of one element."""
    if isinstance(el.value, bytes):
        value, length = el.value, len(el.value)
    else:
        value = b"".join(item(elements, shape) for elements in el.value)
        length = len(value)
        if shape.open_sequences:
            value, length = value + delimiter(0xE0DD, shape), UNDEFINED
    return head(el.tag, el.vr, length if el.length is None else el.length, shape) + value


def head(tag: int, vr: str, length: int, shape: Shape) -> bytes:
    """The bytes of an element before its value (PS3.5 section 7.1)."""
    start = struct.pack(shape.order + "HH", tag >> 16, tag & 0xFFFF)
    if not shape.explicit:
        return start + struct.pack("<I", length)
    if vr in LONG:
        return start + vr.encode() + b"\0\0" + struct.pack(shape.order + "I", length)
    return start + vr.encode() + struct.pack(shape.order + "H", length)


def item(elements: list[El], shape: Shape) -> bytes:
    """The bytes of one item."""
    content = b"".join(element(el, shape) for el in elements)
    if shape.open_sequences:
        return delimiter(0xE000, shape, UNDEFINED) + content + delimiter(0xE00D, shape)
    return delimiter(0xE000, shape, len(content)) + content


def delimiter(number: int, shape: Shape = AS_USUAL, length: int = 0) -> bytes:
    """The eight bytes of an item or delimiter."""
    return struct.pack(shape.order + "HHI", 0xFFFE, number, length)


def meta(syntax: str, group_length: int | None = None) -> bytes:
    """Group 0002, explicit little endian (PS3.10 section 7.1)."""
    content = b"".join(
        element(el, AS_USUAL)
        for el in (
            El(0x00020001, "OB", b"\0\1"),
            El(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
            El(0x00020003, "UI", b"1.2.3.40"),
            El(0x00020010, "UI", even(syntax.encode(), b"\0")),
        )
    )
    length = len(content) if group_length is None else group_length
    return element(El(0x00020000, "UL", struct.pack("<I", length)), AS_USUAL) + content


def file_of(elements: list[El] | bytes, shape: Shape = AS_USUAL, *, meta_length: int | None = None) -> bytes:
    """A whole file around elements, or around a dataset already written."""
    dataset = elements if isinstance(elements, bytes) else b"".join(element(el, shape) for el in elements)
    if shape.syntax == DEFLATED:
        stream = zlib.compressobj(wbits=-15)
        dataset = stream.compress(dataset) + stream.flush()
    start = PREAMBLE + meta(shape.syntax, meta_length) if shape.preamble else b""
    return start + dataset


def even(value: bytes, pad: bytes = b" ") -> bytes:
    return value + pad if len(value) & 1 else value


def storable(*more: El, without: tuple[int, ...] = ()) -> list[El]:
    """The elements of a minimal image of Alice, plus others, in tag order."""
    replaced = {el.tag for el in more} | set(without)
    alice = [
        El(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
        El(0x00080018, "UI", b"1.2.3.40"),
        El(0x00080020, "DA", b"20250102"),
        El(0x00080050, "SH", b"A1"),
        El(0x00080060, "CS", b"OT"),
        El(0x00100010, "PN", b"ALICE^ANN "),
        El(0x00100020, "LO", b"ID-1"),
        El(0x00100030, "DA", b"19800101"),
        El(0x0020000D, "UI", b"1.2.3\0"),
        El(0x0020000E, "UI", b"1.2.3.4\0"),
        El(0x7FE00010, "OW", bytes(range(16))),
    ]
    kept = [el for el in alice if el.tag not in replaced]
    return sorted([*kept, *more], key=lambda el: el.tag)


def nested(depth: int, shape: Shape, *, vr: str = "SQ", tag: int = 0x00400275) -> bytes:
    """One element with this many sequences within sequences, built without recursion."""
    around = len(head(tag, vr, 0, shape)) + 8
    ends = b"" if not shape.open_sequences else delimiter(0xE00D, shape) + delimiter(0xE0DD, shape)
    pieces = []
    for level in range(depth, 0, -1):
        inner = (level - 1) * (around + len(ends))
        if shape.open_sequences:
            pieces.append(head(tag, vr, UNDEFINED, shape) + delimiter(0xE000, shape, UNDEFINED))
        else:
            pieces.append(head(tag, vr, inner + 8, shape) + delimiter(0xE000, shape, inner))
    return b"".join(pieces) + ends * depth


def as_text(value: object) -> str:
    """An element value of pydicom as DICOM text, without padding and empty name groups."""
    if value is None:
        return ""
    values = list(value) if isinstance(value, MultiValue) else [value]
    texts = []
    for one in values:
        text = str(one) if isinstance(one, PersonName) else str(getattr(one, "original_string", one))
        texts.append(text.strip(" \0").rstrip("=") if isinstance(one, PersonName) else text.strip(" \0"))
    return "\\".join(texts)


def differences(before: Dataset, after: Dataset, ignoring: set[int], where: str = "") -> list[str]:
    """What two datasets do not have in common, at any level; group lengths do not count."""
    found = []
    for tag in sorted(set(before.keys()) | set(after.keys())):
        place = f"{where}/{tag}"
        if int(tag) in ignoring or tag.element == 0:
            continue
        if tag not in before or tag not in after:
            found.append(f"{place} is in one only")
            continue
        one, other = before[tag].value, after[tag].value
        if isinstance(one, Sequence) and isinstance(other, Sequence):
            if len(one) != len(other):
                found.append(f"{place} has another number of items")
            for number, (a, b) in enumerate(zip(one, other, strict=False)):
                found += differences(a, b, set(), f"{place}[{number}]")
        elif one != other:
            found.append(f"{place}: {one!r} != {other!r}")
    return found


SHAPES = [Shape(syntax, open_sequences) for syntax in (EXPLICIT, IMPLICIT, BIG) for open_sequences in (False, True)]


def shape_name(shape: Shape) -> str:
    return f"{shape.syntax[-3:]}-{'open' if shape.open_sequences else 'sized'}"


def refusal_of(data: bytes) -> str:
    """The code a file is refused with; fails when it is accepted."""
    with pytest.raises(RefusedInstance) as refused:
        read_header(data)
    return refused.value.code


def sequence(*items_: bytes, length: int | None = None, tag: int = 0x00400275, vr: str = "SQ") -> bytes:
    content = b"".join(items_)
    return head(tag, vr, len(content) if length is None else length, AS_USUAL) + content


INNER = element(El(0x00400007, "LO", b"abcd"), AS_USUAL)
