"""The header of one DICOM file, read without trusting it.

`read_header` walks the whole file once and returns a `Header`: positions of all top-level elements, and text decoded on
demand. Orthanc 1.12 can read what it accepts; what could harm Orthanc, it refuses.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from ehr_bridge.dicom.reading.layout import Layouts
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import decode, encodings_of, visible
from ehr_bridge.dicom.structure.encoding import (
    BLOCK_VRS,
    CHARSET_VRS,
    PIXEL_DATA,
    TEXT_VRS,
    Encoding,
    is_encapsulated,
    vr_of_tag,
)
from ehr_bridge.dicom.structure.inflating import MAX_INFLATED, Room
from ehr_bridge.dicom.structure.nesting import Bounds, explicit_element
from ehr_bridge.dicom.structure.part10 import Element, open_file
from ehr_bridge.dicom.structure.refusals import malformed
from ehr_bridge.dicom.structure.walk import Walk, walk_explicit, walk_implicit
from ehr_bridge.errors import Unavailable

MAX_DEPTH = 16
"""Nested sequences. Orthanc 1.12.7 crashes between 30 and 60 levels; real objects stay below ten."""
_ALWAYS_ELEMENTS = 250_000
"""Elements and items at all levels. The largest of 624 published files has 5,727; a frame of an enhanced object adds 9
to 96, so this allows 2,600 frames even from the most verbose manufacturer."""
_BYTES_PER_ELEMENT = 64
"""In larger files: such frames have pixels, at least a hundred bytes per element."""
_DENSE_RATIO = 50
_DENSE_ELEMENTS = 100_000
"""A file that compresses this well repeats the same element, and a few kilobytes could keep every reader busy."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Header:
    """The walked header of one file. Holds patient data: never log or print it."""

    data: bytes
    """The file to store: as received, except that a wrong length of the meta information is corrected."""
    body: bytes
    """What all positions refer to: `data`, or its inflated form with the same meta information in front."""
    transfer_syntax_uid: str
    """As declared; what the first element shows when the file declares none."""
    encoding: Encoding
    _room: Room | None
    """Of a deflated file: the share of the budget that `body` takes while this object exists."""
    has_preamble: bool
    dataset_start: int
    walk: Walk
    meta: dict[int, Element]
    """The elements of group 0002, in `body`; empty when the file has no meta information."""
    _texts: dict[int, str] = field(default_factory=dict)
    """Cache of `text` by tag, and of `uid` by negative tag."""

    @property
    def deflated(self) -> bool:
        return self._room is not None

    @property
    def big_endian(self) -> bool:
        return self.encoding.big

    @property
    def implicit(self) -> bool:
        return not self.encoding.explicit

    @property
    def elements(self) -> dict[int, Element]:
        """All top-level elements of the dataset, by tag, in file order; rebuilt on each call."""
        return {tag: self._element(tag, start) for tag, start in self.walk.starts.items()}

    def element(self, tag: int) -> Element | None:
        """The top-level element with this tag, or None; the first one if the file repeats it."""
        start = self.walk.starts.get(tag)
        return None if start is None else self._element(tag, start)

    def _element(self, tag: int, start: int) -> Element:
        if self.encoding.explicit:
            _, value, length = explicit_element(self.body, start, self.encoding)
            vr = self.body[start + 4 : start + 6].decode("latin-1")
        else:
            length = self.encoding.item(self.body, start)[2]
            value, vr = start + 8, vr_of_tag(tag)
        end = self.walk.ends.get(tag)
        return Element(tag, vr, start, value, length, value + length if end is None else end)

    def raw(self, tag: int) -> bytes | None:
        """The value bytes of a top-level element, padding and delimiters included; None when absent."""
        value = self._value(tag)
        return None if value is None else value[1]

    def _value(self, tag: int) -> tuple[str, bytes] | None:
        """VR and value bytes; the first branch serves nearly all text."""
        start = self.walk.starts.get(tag)
        if start is None:
            return None
        body, encoding = self.body, self.encoding
        if encoding.explicit:
            _, _, vr, length = encoding.head(body, start)
            if vr in encoding.short:
                return body[start + 4 : start + 6].decode("latin-1"), body[start + 8 : start + 8 + length]
        element = self._element(tag, start)
        return element.vr, body[element.value_start : element.end]

    def text(self, which: str | int) -> str:
        """The text of a top-level element, by keyword or tag, in the file's own character set.

        Padding is stripped (PS3.5 section 6.2): around each value, or only at the end of free text. A NUL elsewhere
        becomes a visible sign. Several values stay joined by backslashes; empty groups at the end of a name are dropped
        (PS3.5 section 6.2.1.1). Empty when absent or not text. Raises KeyError for an unknown keyword.
        """
        tag = tags.tag_of(which) if isinstance(which, str) else which
        known = self._texts.get(tag)
        if known is None:
            known = self._texts[tag] = visible(self._text(tag))
        return known

    def _text(self, tag: int) -> str:
        value = self._value(tag)
        if value is None or not value[1]:
            return ""
        vr, raw = value
        if vr == "UN":
            vr = vr_of_tag(tag)
        if vr not in TEXT_VRS or tag in self.walk.ends:
            return ""
        if vr not in CHARSET_VRS or (raw.isascii() and b"\x1b" not in raw):
            text = raw.decode("latin-1")
        else:
            text = decode(raw, self.charset)
        if vr in BLOCK_VRS:
            return text.rstrip(" \0")
        if "\\" in text:
            return "\\".join(value.strip(" \0") for value in text.split("\\"))
        text = text.strip(" \0")
        return text.rstrip("=") if vr == "PN" else text

    @property
    def charset(self) -> tuple[str, ...]:
        """The Python encodings of the file's Specific Character Set (0008,0005)."""
        return encodings_of(self.raw(tags.SPECIFIC_CHARACTER_SET) or b"")

    def uid(self, tag: int) -> str:
        """The UID in a top-level element, without its padding; empty when absent."""
        known = self._texts.get(-tag)
        if known is None:
            raw = self.raw(tag)
            known = self._texts[-tag] = "" if raw is None else raw.decode("latin-1").strip(" \0")
        return known

    @property
    def study_instance_uid(self) -> str:
        return self.uid(tags.STUDY_INSTANCE_UID)

    @property
    def series_instance_uid(self) -> str:
        return self.uid(tags.SERIES_INSTANCE_UID)

    @property
    def sop_instance_uid(self) -> str:
        return self.uid(tags.SOP_INSTANCE_UID)

    @property
    def sop_class_uid(self) -> str:
        return self.uid(tags.SOP_CLASS_UID)

    @property
    def patient_id(self) -> str:
        return self.text(tags.PATIENT_ID)

    @property
    def issuer_of_patient_id(self) -> str:
        return self.text(tags.ISSUER_OF_PATIENT_ID)

    @property
    def patient_name(self) -> str:
        return self.text(tags.PATIENT_NAME)

    @property
    def patient_birth_date(self) -> str:
        return self.text(tags.PATIENT_BIRTH_DATE)

    @property
    def patient_sex(self) -> str:
        return self.text(tags.PATIENT_SEX)

    @property
    def accession_number(self) -> str:
        return self.text(tags.ACCESSION_NUMBER)

    @property
    def study_date(self) -> str:
        return self.text(tags.STUDY_DATE)

    @property
    def study_time(self) -> str:
        return self.text(tags.STUDY_TIME)

    @property
    def study_description(self) -> str:
        return self.text(tags.STUDY_DESCRIPTION)

    @property
    def modality(self) -> str:
        return self.text(tags.MODALITY)

    @property
    def referring_physician_name(self) -> str:
        return self.text(tags.REFERRING_PHYSICIAN_NAME)


def most_elements(size: int, packed_size: int) -> int:
    """How many elements and items a file received in `packed_size` bytes may hold. Each costs a microsecond or two to
    read, and Orthanc hundreds of bytes of memory."""
    if size > _DENSE_RATIO * packed_size:
        return _DENSE_ELEMENTS
    return max(_ALWAYS_ELEMENTS, packed_size // _BYTES_PER_ELEMENT)


def require_worth(data: bytes, packed_size: int) -> None:
    """Refuse a file that makes more work than its packed size justifies. Raises RefusedInstance, like `read_header`."""
    if len(data) > _DENSE_RATIO * packed_size:
        with suppress(Unavailable):  # reported by the next reader
            read_header(data, packed_size=packed_size)


def read_header(
    data: bytes,
    *,
    max_depth: int = MAX_DEPTH,
    max_inflated: int = MAX_INFLATED,
    packed_size: int | None = None,
    layouts: Layouts | None = None,
) -> Header:
    """The header of a DICOM file, every length in the file checked.

    Reads what DCMTK reads: unsorted or repeated tags, odd lengths, a missing preamble. Refuses what would let two
    readers see different datasets, overrun memory or exhaust the stack (PS3.5 sections 7.1 and 7.5). `max_depth` limits
    nested sequences, `max_inflated` the bytes that a deflated file may inflate to. `layouts` speeds up files of the
    same series; the answer is the same. `packed_size` is the size of a file that was received compressed as a whole.

    Raises: RefusedInstance `empty_file`, `not_dicom`, `truncated`, `malformed`, `unreadable_meta`, `nested_too_deep`,
    `too_many_elements` or `inflated_too_large`; Unavailable `busy` when too many deflated files are read at once.
    """
    opened = open_file(data, max_inflated)
    body, start, encoding = opened.body, opened.dataset_start, opened.encoding
    elements = most_elements(len(body), packed_size or len(data))
    if layouts is not None:
        walk = layouts.walk(body, start, encoding, max_depth, elements)
    elif encoding.explicit:
        walk = walk_explicit(body, start, encoding, Bounds(max_depth, elements))
    else:
        walk = walk_implicit(body, start, Bounds(max_depth, elements))
    pixels = walk.starts.get(PIXEL_DATA)
    if pixels is not None and PIXEL_DATA not in walk.ends and is_encapsulated(opened.transfer_syntax_uid):
        raise malformed("the pixel data is one piece although its transfer syntax cuts it in fragments", pixels)
    return Header(
        opened.data,
        body,
        opened.transfer_syntax_uid,
        encoding,
        opened.room,
        opened.has_preamble,
        start,
        walk,
        opened.meta,
    )
