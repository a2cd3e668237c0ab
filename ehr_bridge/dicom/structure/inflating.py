"""Inflates deflated datasets (PS3.5 section A.5) within a memory budget that all threads of the process share.

A deflated megabyte can inflate to a thousand. So a dataset is measured first, without keeping it; then its share of the
budget is taken, and returned when nobody holds the inflated dataset any more. Without room, a thread waits briefly.
"""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Iterator
from typing import Final

from ehr_bridge.dicom.structure.refusals import cut_short, malformed
from ehr_bridge.errors import RefusedInstance, Unavailable

MEBIBYTE: Final = 1024 * 1024
MAX_INFLATED: Final = 256 * MEBIBYTE
"""What all inflated datasets together may take, and thus the most that one may."""
_ALWAYS_INFLATED: Final = 64 * MEBIBYTE
_LARGEST_RATIO: Final = 64
"""Real images larger than `_ALWAYS_INFLATED` compress two- to tenfold."""
_STEP: Final = 64 * 1024
_WAIT_SECONDS: Final = 5.0


class Budget:
    """A number of bytes to be shared."""

    def __init__(self, total: int, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._free = total
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()

    def take(self, size: int) -> Room:
        """Room for so many bytes. Raises Unavailable `busy` when none becomes free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, self._wait_seconds):
                detail = "Too many deflated files are being unpacked at this moment; try again in a few seconds."
                raise Unavailable("busy", detail)
            self._free -= size
        return Room(self, size)

    def give_back(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Room:
    """Bytes taken from a budget, until this object is dropped."""

    __slots__ = ("_budget", "_size")

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget = budget
        self._size = size

    def __del__(self) -> None:
        self._budget.give_back(self._size)


BUDGET: Final = Budget(MAX_INFLATED)


def inflate(data: bytes, start: int, max_inflated: int, budget: Budget = BUDGET) -> tuple[bytes, Room]:
    """A file whose dataset begins at `start`, with the dataset inflated, and the room it takes, to be held as long.

    Raises: RefusedInstance `inflated_too_large`, `truncated` or `malformed`; Unavailable `busy`.
    """
    size = start + _measure(data, start, max_inflated)
    room = budget.take(size)
    body = io.BytesIO()
    body.seek(size - 1)
    body.write(b"\0")  # allocated in one piece, so that growing never copies it
    body.seek(0)
    body.write(memoryview(data)[:start])
    for piece in _pieces(data, start):
        body.write(piece)
    return body.getvalue(), room


def _measure(data: bytes, start: int, max_inflated: int) -> int:
    """The inflated size of the dataset. Nothing is kept, so a decompression bomb costs no memory."""
    limit = min(max_inflated, MAX_INFLATED, max(_ALWAYS_INFLATED, _LARGEST_RATIO * (len(data) - start)))
    size = 0
    try:
        for piece in _pieces(data, start):
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
    except zlib.error:
        raise malformed("the deflated dataset cannot be unpacked", start) from None
    return size


def _pieces(data: bytes, start: int) -> Iterator[bytes]:
    """The inflated dataset, piece by piece. Raises RefusedInstance `truncated`, or zlib.error."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = io.BytesIO(memoryview(data)[start:])
    while not stream.eof and (piece := stream.unconsumed_tail or packed.read(_STEP)):
        yield stream.decompress(piece, _STEP)
    if not stream.eof:
        raise cut_short()


def _too_large(limit: int) -> RefusedInstance:
    return RefusedInstance(
        "inflated_too_large",
        f"The deflated dataset unpacks to more than {limit // 1_000_000} MB. "
        "Send it in a transfer syntax that is not deflated.",
    )
