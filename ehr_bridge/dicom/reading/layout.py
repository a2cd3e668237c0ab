"""The layout of recent files: slices of one series have the same elements at nearly the same places.

A walk takes time for each element. Where the previous file had plain elements, the heads of a whole run of them (tag,
VR and length) are compared at once; equal heads have equal lengths, so the walk arrives at the same place. Elements
that are not plain are always examined, and those that differ are walked one by one. The answer is always that of the
walk: a file that is unusual in any way is walked from its first byte.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from struct import Struct
from struct import error as OutOfBytes  # noqa: N812
from typing import Any, Final, NamedTuple

from ehr_bridge.dicom.structure.encoding import DELIMITERS, PLAIN_TAGS, UNDEFINED, Encoding
from ehr_bridge.dicom.structure.nesting import Bounds
from ehr_bridge.dicom.structure.walk import Walk, after_explicit, after_implicit, walk_explicit, walk_implicit
from ehr_bridge.errors import RefusedInstance

_LONGEST_RUN: Final = 16
_MOST_ELEMENTS: Final = 4096
"""Files with more are left to the walk."""
_BEGINNING: Final = 40
"""How many bytes of a dataset tell one kind of file from another: character set and image type are there."""
_FIRST_DELIMITER: Final = DELIMITERS << 16


class _Run(NamedTuple):
    """Consecutive elements whose values need no look: their heads and offsets from the first one."""

    tags: tuple[int, ...]
    offsets: tuple[int, ...]
    heads: Callable[[bytes, int], tuple[Any, ...]]
    expected: tuple[Any, ...]
    length: int


class _Layout(NamedTuple):
    """The runs of one file by their first tags, and the walk of that file."""

    runs: dict[int, _Run]
    walk: Walk


class Layouts:
    """A cache of recent layouts. Thread-safe."""

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._known: dict[tuple[bool, bool, bytes], _Layout | None] = {}
        self._lock = threading.Lock()

    def walk(self, body: bytes, start: int, encoding: Encoding, max_depth: int, max_elements: int) -> Walk:
        """Where the top-level elements are, as `walk_explicit` or `walk_implicit` answers. Raises RefusedInstance as
        they do."""
        key = (encoding.explicit, encoding.big, body[start : start + _BEGINNING])
        layout = self._known.get(key)
        if layout is not None:
            try:
                found = _follow(layout, body, start, encoding, Bounds(max_depth, max_elements))
            except (OutOfBytes, RefusedInstance):
                found = None  # the walk reports what is wrong, in its own order
            if found is not None:
                walk, missed = found
                if missed * 3 > len(layout.runs):
                    self._remember(key, _layout_of(walk, body, encoding))
                return walk
        if encoding.explicit:
            walk = walk_explicit(body, start, encoding, Bounds(max_depth, max_elements))
        else:
            walk = walk_implicit(body, start, Bounds(max_depth, max_elements))
        if walk.ordered and not walk.repeats and len(walk.starts) <= _MOST_ELEMENTS:
            # only from the second file on: a single one of its kind is not worth it
            self._remember(key, _layout_of(walk, body, encoding) if key in self._known else None)
        return walk

    def _remember(self, key: tuple[bool, bool, bytes], layout: _Layout | None) -> None:
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = layout
            while len(self._known) > self._size:
                del self._known[next(iter(self._known))]


def _follow(layout: _Layout, body: bytes, pos: int, encoding: Encoding, bounds: Bounds) -> tuple[Walk, int] | None:
    """The walk and how many runs did not match, or None for a file that only the walk itself may judge."""
    stop, last, runs = len(body), -1, layout.runs
    parts: list[tuple[tuple[int, ...], tuple[int, ...], int]] = []
    ends: dict[int, int] = {}
    missed = 0
    is_same = True
    known = layout.walk.starts
    explicit, head, item, short = encoding.explicit, encoding.head, encoding.item, encoding.short
    while pos < stop:
        if explicit:
            group, number, vr, length = head(body, pos)
        else:
            group, number, length = item(body, pos)
        tag = group << 16 | number
        if tag <= last or tag >= _FIRST_DELIMITER:
            return None
        is_same = is_same and known.get(tag) == pos
        run = runs.get(tag)
        if run is not None:
            if run.heads(body, pos) == run.expected:
                parts.append((run.tags, run.offsets, pos))
                last = run.tags[-1]
                pos += run.length
                continue
            missed += 1
        parts.append(((tag,), (0,), pos))
        last = tag
        if explicit and vr in short:
            pos += length + 8
        elif explicit:
            pos, is_open = after_explicit(body, pos, tag, encoding, bounds)
            if is_open:
                ends[tag] = pos
        elif tag in PLAIN_TAGS and length != UNDEFINED:
            pos += length + 8
        else:
            pos = after_implicit(body, pos, tag, length, bounds)
            if length == UNDEFINED:
                ends[tag] = pos
    if pos > stop or len(parts) > _MOST_ELEMENTS:
        return None
    if is_same and ends == layout.walk.ends:
        walked = sum(len(part[0]) for part in parts)
        if walked == len(known):
            return layout.walk, missed
    starts: dict[int, int] = {}
    for tags, offsets, at in parts:
        for tag, offset in zip(tags, offsets, strict=True):
            starts[tag] = at + offset
    return Walk(starts, ends, [], True), missed


def _layout_of(walk: Walk, body: bytes, encoding: Encoding) -> _Layout:
    """The runs of plain elements in a walked file."""
    runs: dict[int, _Run] = {}
    gathered: list[tuple[int, int, int]] = []
    for tag, start in walk.starts.items():
        length = _plain_length(tag, start, body, encoding)
        if length is not None:
            gathered.append((tag, start, length))
        if gathered and (length is None or len(gathered) == _LONGEST_RUN):
            runs[gathered[0][0]] = _run(gathered, body)
            gathered = []
    if gathered:
        runs[gathered[0][0]] = _run(gathered, body)
    return _Layout(runs, walk)


def _plain_length(tag: int, start: int, body: bytes, encoding: Encoding) -> int | None:
    """The length of a value that the walk skips unread, or None when it examines it."""
    if encoding.explicit:
        _, _, vr, length = encoding.head(body, start)
        return length if vr in encoding.short else None
    length = encoding.item(body, start)[2]
    return length if tag in PLAIN_TAGS and length != UNDEFINED else None


def _run(elements: list[tuple[int, int, int]], body: bytes) -> _Run:
    first = elements[0][1]
    gaps = [f"8s{length}x" for _, _, length in elements[:-1]]
    heads = Struct("=" + "".join(gaps) + "8s").unpack_from
    return _Run(
        tags=tuple(tag for tag, _, _ in elements),
        offsets=tuple(start - first for _, start, _ in elements),
        heads=heads,
        expected=heads(body, first),
        length=elements[-1][1] + 8 + elements[-1][2] - first,
    )
