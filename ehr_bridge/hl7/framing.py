"""Frames of the Minimal Lower Layer Protocol (HL7 Transport Specification: MLLP, release 1): VT, message, FS, CR.

Tolerant of what real peers send: several frames at once, one byte at a time, no VT, no CR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

START, END, RETURN = b"\x0b", b"\x1c", b"\r"
HEAD_BYTES = 65_536
"""Kept of a frame that is too large: its header, so that it can be answered."""


class Frame(NamedTuple):
    """What stood between VT and FS."""

    content: bytes
    is_whole: bool = True
    """False: it was too large, and this is only its beginning."""


def framed(message: bytes) -> bytes:
    return START + message + END + RETURN


class Frames:
    """Finds the frames in what one peer sends."""

    def __init__(self, largest: int) -> None:
        """`largest` is the most bytes of a frame that is kept whole."""
        self._largest = largest
        self._buffer = bytearray()
        self._searched = 0
        self._is_too_large = False

    @property
    def is_between(self) -> bool:
        """Whether no frame has begun."""
        return not self._is_too_large and not self._buffer.strip()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that this completes, in their order.

        A VT begins a frame anew, whatever came before it: the frame of a peer that was cut off. Without a VT,
        everything up to FS is the frame.
        """
        self._buffer += data
        while (end := self._buffer.find(END, self._searched)) >= 0:
            content = bytes(self._buffer[:end]).rpartition(START)[2].strip(b"\r\n")
            is_whole = not self._is_too_large and len(content) <= self._largest
            del self._buffer[: end + 1]
            self._searched, self._is_too_large = 0, False
            yield Frame(content if is_whole else content[:HEAD_BYTES], is_whole)
        self._searched = len(self._buffer)
        if self._is_too_large or self._searched > self._largest:
            self._is_too_large = True
            del self._buffer[HEAD_BYTES:]
            self._searched = len(self._buffer)
