"""JPEG files (ISO/IEC 10918-1), segment by segment: the picture alone, without what cameras write beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ehr_bridge.documents.papers import unreadable

SOI, EOI, SOS, BASELINE = 0xD8, 0xD9, 0xDA, 0xC0
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
APP0, APP2, APP14, APP15, COMMENT = 0xE0, 0xE2, 0xEE, 0xEF, 0xFE
JFIF = 14
"""Bytes of a JFIF header without its thumbnail."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A file without its metadata: no EXIF (place, time, camera, owner), XMP and comments, nor what follows its end."""

    content: bytes
    is_baseline: bool
    rows: int
    columns: int
    sampling: tuple[int, ...]
    """Horizontal and vertical sampling factors of each component, as one byte each."""
    transform: int | None
    """The colour transform that an Adobe segment names."""

    @property
    def photometric(self) -> str:
        """As DICOM writes it (PS3.3 section C.7.6.3.1.2)."""
        if len(self.sampling) == 1:
            return "MONOCHROME2"
        if self.transform == 0:
            return "RGB"
        return "YBR_FULL" if len(set(self.sampling)) == 1 else "YBR_FULL_422"


def read_jpeg(data: bytes) -> Jpeg:
    """Raises InvalidInput `document_unreadable` when it is no JPEG from its first byte on, or not whole."""
    if not data.startswith(b"\xff\xd8\xff"):
        raise unreadable("This file is not a JPEG: it does not begin like one.")
    try:
        return _walk(data)
    except IndexError:
        raise unreadable("The end of this JPEG is missing; send it again.") from None


def _walk(data: bytes) -> Jpeg:
    kept, at = bytearray(data[:2]), 2
    frame: tuple[int, bytes] | None = None
    transform = None
    while True:
        if data[at] != 0xFF:
            raise unreadable("This JPEG is damaged.")
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == EOI:
            break
        if marker in STANDALONE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        content = data[at + 4 : end]
        if end > len(data) or end < at + 4:
            raise IndexError
        if marker in FRAMES:
            frame = frame or (marker, content)
        if marker == APP14 and content.startswith(b"Adobe") and len(content) >= 12:
            transform = content[11]
        kept += _kept(marker, content, data[at:end])
        at = end
        if marker == SOS:
            end = _end_of_scan(data, at)
            kept += data[at:end]
            at = end
    if frame is None or len(frame[1]) < 6 + 3 * frame[1][5] or frame[1][5] not in (1, 3, 4):
        raise unreadable("This JPEG is damaged: it holds no picture.")
    marker, content = frame
    rows, columns = int.from_bytes(content[1:3]), int.from_bytes(content[3:5])
    if not rows or not columns:
        raise unreadable("This JPEG does not say how large its picture is.")
    sampling = tuple(content[7 + 3 * number] for number in range(content[5]))
    is_baseline = marker == BASELINE and content[0] == 8
    return Jpeg(bytes(kept) + b"\xff\xd9", is_baseline, rows, columns, sampling, transform)


def _kept(marker: int, content: bytes, segment: bytes) -> bytes:
    """What is needed to show the picture as its maker meant it: tables, and how colours are to be read."""
    if marker == APP0 and content.startswith(b"JFIF\0") and len(content) >= JFIF:
        return b"\xff\xe0" + (JFIF + 2).to_bytes(2) + content[: JFIF - 2] + b"\0\0"  # without its thumbnail
    if marker == APP2 and content.startswith(b"ICC_PROFILE\0"):
        return segment
    if marker == APP14 and content.startswith(b"Adobe"):
        return segment
    return b"" if APP0 <= marker <= APP15 or marker == COMMENT else segment


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker is that is no part of the scan. Raises IndexError when the file ends before."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError
        follows = data[at + 1]
        if follows not in {0x00, 0xFF} and follows not in STANDALONE:
            return at
        at += 1 if follows == 0xFF else 2
