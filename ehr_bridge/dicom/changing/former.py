"""The former bytes of a file, stored as the part in which it differs from the new one.

Header edits do not touch the pixel data, so this part is a few kilobytes however large the file is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

_BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Former:
    """What replaces the middle of the new file, between shared start and shared end, to restore the former one."""

    same_at_start: int
    same_at_end: int
    packed: bytes
    """The former bytes of that middle, packed with zlib."""


def keep_former(before: bytes, after: bytes) -> Former:
    """The difference with which `restore(after, …)` gives `before` back."""
    shorter = min(len(before), len(after))
    start = _same(before, after, shorter, False)
    end = _same(before, after, shorter - start, True)
    return Former(start, end, zlib.compress(before[start : len(before) - end]))


def restore(after: bytes, former: Former) -> bytes:
    """The former file. Callers must compare its SHA-256, since `after` may be the wrong file. Raises ValueError when it
    cannot be restored."""
    if former.same_at_start + former.same_at_end > len(after):
        raise ValueError("the file is shorter than what it should share with its former self")
    try:
        middle = zlib.decompress(former.packed)
    except zlib.error:
        raise ValueError("the former bytes cannot be unpacked") from None
    return after[: former.same_at_start] + middle + after[len(after) - former.same_at_end :]


def _same(one: bytes, other: bytes, limit: int, backwards: bool) -> int:
    """How many bytes are equal at the start (or the end), at most `limit`; compares whole blocks first."""

    def piece(data: bytes, first: int, after: int) -> bytes:
        return data[len(data) - after : len(data) - first] if backwards else data[first:after]

    same, size = 0, _BLOCK
    while size:
        step = min(size, limit - same)
        if step and piece(one, same, same + step) == piece(other, same, same + step):
            same += step
        elif step <= 1:
            break
        else:
            size = step // 2
    return same
