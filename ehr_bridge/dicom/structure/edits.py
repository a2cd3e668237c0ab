"""Changes to a run of bytes, collected first and applied in one copy."""

from __future__ import annotations

from ehr_bridge.dicom.structure.encoding import Encoding


class Edits:
    """Replacements and insertions at positions of the original bytes, and lengths that grow with them."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._cuts: list[tuple[int, int, int, bytes]] = []
        self._growth: dict[int, tuple[Encoding, int]] = {}

    def replace(self, start: int, end: int, new: bytes, tag: int) -> None:
        """Replace the bytes from `start` to `end` by `new`, or insert it before `start` if they are equal.

        `tag` keeps several insertions at one place in the order of PS3.5 section 7.1.
        """
        self._cuts.append((start, tag, end, new))

    def grow(self, encoding: Encoding, position: int, by: int) -> None:
        """Add to the 32 bit length at `position`; repeated calls add up."""
        before = self._growth.get(position)
        self._growth[position] = (encoding, by if before is None else before[1] + by)

    def apply(self) -> bytes:
        """The body with all of it done."""
        body = self._body
        cuts = self._cuts
        for position, (encoding, by) in self._growth.items():
            length = encoding.length(body, position)[0] + by
            cuts.append((position, 0, position + 4, encoding.pack_length(length)))
        cuts.sort()
        view = memoryview(body)
        pieces: list[bytes | memoryview] = []
        at = 0
        for start, _, end, new in cuts:
            pieces.append(view[at:start])
            pieces.append(new)
            at = end
        pieces.append(view[at:])
        return b"".join(pieces)
