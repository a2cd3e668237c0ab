"""Repeats the coercion of one instance for others of the same series.

Instances of a series differ in few elements, and rarely in those that a coercion reads or changes. A `Plan` holds these
elements byte for byte, before and after. A file with the same bytes gets the same result, except for the modification
time. The plan does not apply to a file that differs in any of them.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ehr_bridge.dicom.changing.original import modification_time
from ehr_bridge.dicom.reading.header import Header
from ehr_bridge.dicom.structure import tags


class Change(NamedTuple):
    """One changed attribute."""

    keyword: str
    before: str
    after: str


class Edit(NamedTuple):
    """One element before (None: absent) and after."""

    tag: int
    before: bytes | None
    after: bytes


class Plan(NamedTuple):
    """A coercion that also applies to other files."""

    same: tuple[tuple[int, bytes], ...]
    """Elements that must be present with these bytes; those to be edited included."""
    absent: tuple[int, ...]
    """Elements that must be absent."""
    edits: tuple[Edit, ...]
    """In tag order. None: all values are right already, and the file stays."""
    original: tuple[bytes, bytes]
    """The Original Attributes Sequence, split at its time."""
    changes: tuple[Change, ...]

    def apply(self, header: Header, when: datetime) -> bytes | None:
        """The file coerced, or None when the plan does not apply to it."""
        body, starts = header.body, header.walk.starts
        for tag, element in self.same:
            start = starts.get(tag)
            if start is None or not body.startswith(element, start):
                return None
        for tag in self.absent:
            if tag in starts:
                return None
        if not self.edits:
            return header.data
        ordered = list(starts)
        view = memoryview(body)
        pieces: list[bytes | memoryview] = []
        at, is_recorded = 0, False
        for tag, before, after in self.edits:
            if tag > tags.ORIGINAL_ATTRIBUTES_SEQUENCE and not is_recorded:
                at = self._record(pieces, view, at, _position(header, ordered), when)
                is_recorded = True
            start = starts[tag] if before is not None else _position(header, ordered, tag)
            pieces += (view[at:start], after)
            at = start + len(before or b"")
        if not is_recorded:
            at = self._record(pieces, view, at, _position(header, ordered), when)
        pieces.append(view[at:])
        return b"".join(pieces)

    def _record(
        self, pieces: list[bytes | memoryview], view: memoryview, at: int, position: int, when: datetime
    ) -> int:
        pieces += (view[at:position], self.original[0], modification_time(when), self.original[1])
        return position


class Plans:
    """A cache of recent plans. Thread-safe."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._known: dict[object, Plan] = {}
        self._lock = threading.Lock()

    def find(self, key: object) -> Plan | None:
        return self._known.get(key)

    def keep(self, key: object, plan: Plan) -> None:
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = plan
            while len(self._known) > self._size:
                del self._known[next(iter(self._known))]


def make_plan(
    header: Header,
    looked_at: Sequence[int],
    written: Sequence[tuple[int, bytes]],
    original: tuple[bytes, bytes],
    changes: tuple[Change, ...],
) -> Plan | None:
    """The plan of a coercion just done, or None when its file is too unusual for others to be like it.

    `looked_at` are the tags of all wanted values, `written` those that were written, as whole elements.
    """
    if not is_plain(header):
        return None
    groups = {tag >> 16 for tag, _ in written} | {tags.ORIGINAL_ATTRIBUTES_SEQUENCE >> 16}
    unwelcome = {group << 16 for group in groups} | {tags.LENGTH_TO_END, tags.ORIGINAL_ATTRIBUTES_SEQUENCE}
    if written and any(tag in header.walk.starts for tag in unwelcome):
        return None
    same: list[tuple[int, bytes]] = []
    absent = set(unwelcome) if written else set()
    for tag in {*looked_at, tags.SPECIFIC_CHARACTER_SET}:
        element = header.element(tag)
        if element is None:
            absent.add(tag)
        elif tag in header.walk.ends:
            return None
        else:
            same.append((tag, header.body[element.start : element.end]))
    before = dict(same)
    edits = tuple(Edit(tag, before.get(tag), after) for tag, after in sorted(written))
    return Plan(tuple(sorted(same)), tuple(sorted(absent)), edits, original, changes)


def is_plain(header: Header) -> bool:
    """Whether a file's structure is regular enough to make a plan of it, or apply one to it."""
    return header.walk.ordered and not header.walk.repeats and not header.deflated


def _position(header: Header, ordered: list[int], tag: int = tags.ORIGINAL_ATTRIBUTES_SEQUENCE) -> int:
    """Where an absent element belongs."""
    index = bisect_right(ordered, tag)
    return header.walk.starts[ordered[index]] if index < len(ordered) else len(header.body)
