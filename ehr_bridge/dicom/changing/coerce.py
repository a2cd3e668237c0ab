"""Coercion: a file that certainly belongs to a patient and order gets their attributes.

Only the wanted elements change; their previous values go to the Original Attributes Sequence. Pixel data, UIDs, private
elements and the meta information are copied byte for byte. Files whose text cannot be kept readable are refused.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ehr_bridge.dicom.changing.original import Previous, Provenance, is_sequence, original_parts, record_original
from ehr_bridge.dicom.changing.plans import Change, Plans, is_plain, make_plan
from ehr_bridge.dicom.changing.recode import recode_to_utf8
from ehr_bridge.dicom.reading.header import Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import UTF8_TERM, encode
from ehr_bridge.dicom.structure.edits import Edits
from ehr_bridge.dicom.structure.encoding import EXPLICIT_LITTLE, UNDEFINED
from ehr_bridge.dicom.structure.refusals import malformed
from ehr_bridge.dicom.structure.writing import write_element
from ehr_bridge.dicom.values import Wanted, canonical, wanted_value

_NUMBER: Final = frozenset({"PatientID", "IssuerOfPatientID"})
_QUALIFIERS: Final = tags.ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE


@dataclass(frozen=True, slots=True)
class Coerced:
    """The file to store, and what was changed in it."""

    data: bytes
    changes: tuple[Change, ...]


def coerce(
    header: Header,
    wanted: Mapping[str, str],
    *,
    when: datetime,
    modifying_system: str,
    source: str = "",
    reason: str = "COERCE",
    plans: Plans | None = None,
    qualifiers: bytes | None = None,
) -> Coerced:
    """The file with the wanted values, or the same bytes when it already has them.

    `wanted` maps keywords to text; an empty text empties the attribute. A value that differs only in padding or empty
    name components is left alone. Each previous value goes to the Original Attributes Sequence (PS3.3 section
    C.12.1.1.9). When the declared character set cannot represent a value, the file is recoded to UTF-8 (PS3.3 section
    C.12.1.1.2), which counts as a change too. Group lengths (gggg,0000) of changed groups and the retired (0008,0001)
    are dropped (PS3.5 section 7.2 lets readers ignore them), as are repetitions of a changed tag, so that all readers
    see one value. When the Patient ID or its issuer changes, the Issuer of Patient ID Qualifiers Sequence (0010,0024),
    which describes the former issuer, is removed; `qualifiers` is the element to put in its place. `plans` speeds up
    files of the same series; the answer is the same.

    Raises: ValueError for keywords or values no file may get; RefusedInstance `cannot_recode` or `malformed`.
    """
    key = (tuple(wanted.items()), header.encoding.explicit, header.encoding.big, modifying_system, source, reason)
    plan = plans.find(key) if plans is not None and is_plain(header) else None
    if plan is not None and when.tzinfo is not None:
        data = plan.apply(header, when)
        if data is not None:
            return Coerced(data, plan.changes)
    provenance = Provenance(when, modifying_system, source, reason)
    splice = _Splice(header)
    changes = _make(header, wanted, splice, qualifiers)
    data = splice.finish(provenance) if changes else header.data
    if plans is not None and not splice.is_wide and not splice.has_requalified:
        looked_at = [wanted_value(keyword, value).tag for keyword, value in wanted.items()]
        if not _NUMBER.isdisjoint(wanted):
            looked_at.append(_QUALIFIERS)
        parts = original_parts(header.encoding, splice.previous, provenance) if changes else (b"", b"")
        plan = make_plan(header, looked_at, splice.written, parts, changes)
        if plan is not None:
            plans.keep(key, plan)
    return Coerced(data, changes)


def _make(header: Header, wanted: Mapping[str, str], splice: _Splice, qualifiers: bytes | None) -> tuple[Change, ...]:
    """Put all values that differ into the splice; returns the changes."""
    repeated = {tag for tag, _, _ in header.walk.repeats}
    different: list[tuple[Wanted, str]] = []
    for keyword, value in wanted.items():
        want = wanted_value(keyword, value)
        before = header.text(want.tag)
        if canonical(want.vr, before) != want.canonical or want.tag in repeated:
            different.append((want, before))
    different.sort()
    changes = [Change(want.keyword, before, want.value) for want, before in different]
    is_another = any(want.keyword in _NUMBER for want, _ in different)
    charset = header.charset
    encoded = [encode(want.value, charset, want.vr) for want, _ in different]
    if None in encoded:
        changes.insert(0, Change("SpecificCharacterSet", header.text(tags.SPECIFIC_CHARACTER_SET), UTF8_TERM))
        splice.widen([_QUALIFIERS] * is_another + [want.tag for want, _ in different])
    for (want, _), raw in zip(different, encoded, strict=True):
        splice.put(want.tag, want.vr, want.value.encode() if raw is None or splice.is_wide else raw)
    if is_another:
        splice.requalify(qualifiers or b"")
    return tuple(changes)


def renumber(
    header: Header,
    uids: Mapping[int, str],
    *,
    when: datetime,
    modifying_system: str,
    source: str = "",
    elements: Mapping[int, bytes] | None = None,
) -> bytes:
    """The file with other UIDs, by tag; the former ones go to the Original Attributes Sequence as in `coerce`.

    Used only where a person decides that a file does not belong where its UIDs put it. A new SOP Instance UID goes to
    the meta information too (PS3.10 table 7.1-1). `elements` are sequences to put in place of those with the same tag,
    whole and encoded like the file: their references follow the images they lead to.

    Raises: RefusedInstance `malformed`.
    """
    splice = _Splice(header)
    for tag in sorted(uids):
        splice.put(tag, "UI", uids[tag].encode())
    for tag, whole in (elements or {}).items():
        splice.swap(tag, whole)
    data = splice.finish(Provenance(when, modifying_system, source, "CORRECT"))
    element, uid = header.meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID), uids.get(tags.SOP_INSTANCE_UID)
    if element is None or uid is None:
        return data
    written = write_element(EXPLICIT_LITTLE, element.tag, "UI", uid.encode())
    length = header.meta.get(tags.META_GROUP_LENGTH)
    edits = Edits(data)
    edits.replace(element.start, element.end, written, element.tag)
    if length is not None:
        edits.grow(EXPLICIT_LITTLE, length.value_start, len(written) - (element.end - element.start))
    return edits.apply()


class _Splice:
    """The edits of one coercion, and the previous values they replace."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._edits = Edits(header.body)
        self.previous: list[Previous] = []
        self.written: list[tuple[int, bytes]] = []
        self._groups: set[int] = set()
        self.is_wide = False
        self.has_requalified = False

    def requalify(self, element: bytes) -> None:
        """Replace the Issuer of Patient ID Qualifiers Sequence by this element, or remove it if empty."""
        header = self._header
        there, original = header.element(_QUALIFIERS), header.element(tags.ORIGINAL_ATTRIBUTES_SEQUENCE)
        if (there is None and not element) or (
            original is not None and original.vr == "UN" and header.encoding.explicit
        ):
            return  # nothing to do, or items in another encoding that cannot be stored with the previous values
        self.has_requalified = True
        if there is None:
            start = end = self._position(_QUALIFIERS)
            self.previous.append(Previous(_QUALIFIERS, "SQ", b""))
        else:
            start, end = there.start, there.end
            items_end = end - 8 if there.length == UNDEFINED else end
            self.previous.append(Previous(_QUALIFIERS, there.vr, header.body[there.value_start : items_end]))
        self._edits.replace(start, end, element, _QUALIFIERS)
        self._groups.add(_QUALIFIERS >> 16)
        for repeated, first, after in header.walk.repeats:
            if repeated == _QUALIFIERS:
                self._edits.replace(first, after, b"", _QUALIFIERS)

    def put(self, tag: int, vr: str, value: bytes) -> None:
        """Set the element with this tag, or insert it in tag order. Raises RefusedInstance `malformed` for a
        sequence."""
        header = self._header
        element = header.element(tag)
        if element is None:
            start = end = self._position(tag)
            self.previous.append(Previous(tag, vr, b""))
        else:
            if tag in header.walk.ends or element.vr == "SQ":
                raise malformed("a sequence stands where a plain value belongs", element.start)
            start, end = element.start, element.end
            self.previous.append(Previous(tag, element.vr, header.body[element.value_start : end]))
        written = write_element(header.encoding, tag, vr, value)
        self._edits.replace(start, end, written, tag)
        self.written.append((tag, written))
        self._groups.add(tag >> 16)
        for repeated, first, after in header.walk.repeats:
            if repeated == tag:
                self._edits.replace(first, after, b"", tag)

    def swap(self, tag: int, element: bytes) -> None:
        """Put another whole element in place of the one with this tag; its former value is not recorded."""
        there = self._header.element(tag)
        if there is None:
            raise malformed("a sequence is gone", 0)
        self._edits.replace(there.start, there.end, element, tag)
        self._groups.add(tag >> 16)

    def widen(self, changed: list[int]) -> None:
        """Recode the file to UTF-8; all remaining text reads as before. Raises RefusedInstance `cannot_recode`."""
        header = self._header
        skipped = set(changed)
        original = header.element(tags.ORIGINAL_ATTRIBUTES_SEQUENCE)
        if original is not None and not is_sequence(original):
            skipped.add(original.tag)
        self._groups |= recode_to_utf8(header, self._edits, skipped)
        self.put(tags.SPECIFIC_CHARACTER_SET, "CS", UTF8_TERM.encode())
        self.is_wide = True

    def finish(self, provenance: Provenance) -> bytes:
        """The file with all edits applied and the previous values recorded."""
        header, edits = self._header, self._edits
        position = self._position(tags.ORIGINAL_ATTRIBUTES_SEQUENCE)
        record_original(edits, header, self.previous, provenance, position)
        self._groups.add(tags.ORIGINAL_ATTRIBUTES_SEQUENCE >> 16)
        for tag in [group << 16 for group in self._groups] + [tags.LENGTH_TO_END]:
            element = header.element(tag)
            if element is not None:
                edits.replace(element.start, element.end, b"", tag)
        body = edits.apply()
        if not header.deflated:
            return body
        stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        dataset = stream.compress(memoryview(body)[header.dataset_start :]) + stream.flush()
        return body[: header.dataset_start] + dataset + b"\0" * (len(dataset) & 1)

    def _position(self, tag: int) -> int:
        """Where an element with this tag belongs: before the first one with a greater tag."""
        starts = self._header.walk.starts
        if self._header.walk.ordered:
            ordered = list(starts)
            index = bisect_right(ordered, tag)
            return starts[ordered[index]] if index < len(ordered) else len(self._header.body)
        return min((start for other, start in starts.items() if other > tag), default=len(self._header.body))
