"""Recodes a file to UTF-8 without changing what anybody reads in it.

Adds to the edits of a header; refuses when some text has no single reading. It visits every element that depends on
(0008,0005), at every level, except in items that declare a character set of their own (PS3.3 section C.12.1.1.2, PS3.5
section 7.5.3). This is the slow path: most files are ASCII and need nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydicom.datadict import private_dictionary_VR

from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import decode_exactly, encodings_of, is_same_in_every_set
from ehr_bridge.dicom.structure.edits import Edits
from ehr_bridge.dicom.structure.encoding import (
    CHARSET_VRS,
    DELIMITERS,
    IMPLICIT_LITTLE,
    LONG_VRS,
    PIXEL_DATA,
    SHORT_VRS,
    UNDEFINED,
    Encoding,
    vr_of_tag,
)
from ehr_bridge.dicom.structure.nesting import Bounds, explicit_element, skip_fragments, skip_sequence
from ehr_bridge.dicom.structure.writing import write_element
from ehr_bridge.errors import RefusedInstance

_ITEM: Final = 0xE000


@dataclass(slots=True, eq=False)
class _Dataset:
    """One item, or the whole file, with what its elements depend on."""

    parent: _Dataset | None
    encoding: Encoding
    group: int = 0
    """Group of the sequence this item belongs to."""
    lengths: tuple[tuple[Encoding, int], ...] = ()
    """Positions of the lengths that include this item: its own and its sequence's."""
    charset: bytes | None = None
    group_lengths: dict[int, tuple[int, int]] = field(default_factory=dict)
    creators: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Text:
    """One element with non-ASCII characters."""

    dataset: _Dataset
    tag: int
    written_vr: str
    text_vr: str
    start: int
    value: int
    end: int


def recode_to_utf8(header: Header, edits: Edits, skipped: set[int]) -> set[int]:
    """Add the edits that keep all text readable under ISO_IR 192; return the top-level groups they change.

    `skipped` are top-level tags that are replaced anyway. The caller sets (0008,0005) itself. Raises RefusedInstance
    `cannot_recode`.
    """
    scan = _Scan(header.body, skipped)
    top = _Dataset(None, header.encoding)
    scan.dataset(top, header.dataset_start, len(header.body))
    old = encodings_of(top.charset or b"")
    changed: dict[_Dataset, set[int]] = {top: set()}
    for text in scan.texts:
        owner = text.dataset
        while owner.charset is None and owner.parent is not None:
            owner = owner.parent
        raw = header.body[text.value : text.end]
        if is_same_in_every_set(raw, old):
            continue
        if owner is not top:
            if not (owner.charset or b"").strip(b" \0"):
                raise _cannot_recode(text.tag)
            continue
        characters = decode_exactly(raw, old, text.text_vr)
        if characters is None:
            raise _cannot_recode(text.tag)
        new = characters.encode()
        if new == raw:
            continue
        if len(new) & 1 and characters.endswith(" "):
            new = new[:-1]
        try:
            element = write_element(text.dataset.encoding, text.tag, text.written_vr, new)
        except ValueError:
            raise _cannot_recode(text.tag) from None
        edits.replace(text.start, text.end, element, text.tag)
        _grow(edits, changed, text.dataset, text.tag >> 16, len(element) - (text.end - text.start))
    for dataset, groups in changed.items():
        if dataset is not top:
            for start, end in (dataset.group_lengths[g] for g in groups if g in dataset.group_lengths):
                edits.replace(start, end, b"", 0)
                _grow(edits, {}, dataset, 0, start - end)
    return changed[top]


def _grow(edits: Edits, changed: dict[_Dataset, set[int]], dataset: _Dataset, group: int, by: int) -> None:
    """Increase every length around an element, and note which groups change at which level."""
    inner: _Dataset | None = dataset
    while inner is not None:
        changed.setdefault(inner, set()).add(group)
        for encoding, position in inner.lengths:
            edits.grow(encoding, position, by)
        group, inner = inner.group, inner.parent


class _Scan:
    """All text elements of a file already known to be well formed. Recurses, within the nesting that the walk
    allowed."""

    def __init__(self, body: bytes, skipped: set[int]) -> None:
        self._body = body
        self._skipped = skipped
        self.texts: list[_Text] = []

    def dataset(self, dataset: _Dataset, pos: int, stop: int) -> int:
        """Scan a dataset; returns the position after it."""
        body, encoding = self._body, dataset.encoding
        while pos < stop:
            group, number, length = encoding.item(body, pos)
            if group == DELIMITERS:
                return pos + 8
            tag, start, file_vr = group << 16 | number, pos, "UN"
            if encoding.explicit:
                _, value, length = explicit_element(body, pos, encoding)
                file_vr = body[pos + 4 : pos + 6].decode("latin-1")
            else:
                value = pos + 8
            vr = self._vr(dataset, tag, file_vr)
            if length == UNDEFINED:
                inner = IMPLICIT_LITTLE if file_vr == "UN" else encoding
                if tag == PIXEL_DATA:
                    pos = skip_fragments(body, value, stop, encoding, Bounds(MAX_DEPTH))
                else:
                    pos = self._sequence(_Dataset(dataset, inner, group), value, stop)
                continue
            pos = value + length
            if dataset.parent is None and tag in self._skipped:
                continue
            if vr == "SQ":
                inner = IMPLICIT_LITTLE if file_vr == "UN" else encoding
                if file_vr == "SQ" or self._is_sequence(value, pos, inner):
                    lengths = ((encoding, value - 4),)
                    self._sequence(_Dataset(dataset, inner, group, lengths), value, pos)
            elif vr in CHARSET_VRS:
                raw = body[value:pos]
                if not raw.isascii() or b"\x1b" in raw or b"~" in raw or b"\\" in raw:
                    written = file_vr if file_vr == "UN" or file_vr in CHARSET_VRS else vr
                    self.texts.append(_Text(dataset, tag, written, vr, start, value, pos))
            self._note(dataset, tag, start, value, pos)
        return pos

    def _sequence(self, item: _Dataset, pos: int, stop: int) -> int:
        """Scan a sequence; returns the position after it. `item` is what all its items have in common."""
        while pos < stop:
            _, number, length = item.encoding.item(self._body, pos)
            if number != _ITEM:
                return pos + 8
            end, lengths = stop, item.lengths
            if length != UNDEFINED:
                end = pos + 8 + length
                lengths = (*lengths, (item.encoding, pos + 4))
            pos = self.dataset(_Dataset(item.parent, item.encoding, item.group, lengths), pos + 8, end)
        return pos

    def _is_sequence(self, value: int, end: int, encoding: Encoding) -> bool:
        try:
            skip_sequence(self._body, value, end, False, encoding, Bounds(MAX_DEPTH))
        except RefusedInstance:
            return False
        return True

    def _note(self, dataset: _Dataset, tag: int, start: int, value: int, end: int) -> None:
        """Remember what other elements of the dataset depend on."""
        group, number = tag >> 16, tag & 0xFFFF
        if tag == tags.SPECIFIC_CHARACTER_SET and dataset.charset is None:
            dataset.charset = self._body[value:end]
        elif number == 0:
            dataset.group_lengths[group] = (start, end)
        elif group & 1 and 0x10 <= number <= 0xFF:
            creator = self._body[value:end].decode("latin-1").strip(" \0")
            dataset.creators[group << 16 | number << 8] = creator

    def _vr(self, dataset: _Dataset, tag: int, file_vr: str) -> str:
        """The VR that readers assume: the file's, else the dictionaries'."""
        if file_vr in SHORT_VRS or file_vr in LONG_VRS or file_vr == "SQ":
            return file_vr
        vr = vr_of_tag(tag)
        creator = dataset.creators.get(tag & 0xFFFFFF00)
        if vr == "UN" and creator:
            try:
                return str(private_dictionary_VR(tag, creator))
            except KeyError:
                return vr
        return vr


def _cannot_recode(tag: int) -> RefusedInstance:
    return RefusedInstance(
        "cannot_recode",
        f"The values need UTF-8, and the text in ({tag >> 16:04X},{tag & 0xFFFF:04X}) cannot be turned to it "
        "for certain. Store the file as it is, or correct its Specific Character Set (0008,0005) first.",
    )
