"""Pictures as they come in, and as DICOM holds them: a baseline JPEG unchanged, everything else uncompressed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy
from PIL import Image, ImageOps

from ehr_bridge.documents.jpegs import Jpeg, read_jpeg
from ehr_bridge.documents.papers import unreadable
from ehr_bridge.errors import InvalidInput

JPEG, PNG = "image/jpeg", "image/png"
MOST_PIXELS = 100_000_000
"""Of a JPEG that stays as it is: more than any camera makes."""
LARGEST_SIDE = 65_535
"""Rows and Columns are US."""
ORIENTATION = 0x0112
UPRIGHT = 1
SIGNATURE = b"\x89PNG\r\n\x1a\n"
BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, struct.error, zlib.error)
"""What Pillow raises for damaged files; a bomb is refused before it is opened."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame of 8 bits a sample."""

    rows: int
    columns: int
    photometric: str
    content: bytes
    """The JPEG, or the samples pixel by pixel."""
    is_jpeg: bool
    lossy_ratio: float | None
    """How much a lossy compression has saved, at any time; None: there was none."""
    warnings: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        return 1 if self.photometric == "MONOCHROME2" else 3


def read_picture(data: bytes, media_type: str, most_bytes: int) -> Picture:
    """`most_bytes`: of the samples, where they have to be decoded.

    Raises InvalidInput: `document_unreadable`, `too_large`.
    """
    return _jpeg(data, most_bytes) if media_type == JPEG else _png(data, most_bytes)


def _jpeg(data: bytes, most_bytes: int) -> Picture:
    jpeg = read_jpeg(data)
    _require_size(jpeg.rows, jpeg.columns, MOST_PIXELS)
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as image:
            orientation = image.getexif().get(ORIENTATION, UPRIGHT)
            if orientation in (UPRIGHT, 0) and jpeg.is_baseline and len(jpeg.sampling) in (1, 3):
                image.draft(image.mode, (max(1, jpeg.columns // 8), max(1, jpeg.rows // 8)))
                image.load()  # whether it can be decoded at all; an eighth of its size costs little memory
                ratio = _ratio(jpeg.rows * jpeg.columns * len(jpeg.sampling), jpeg)
                return Picture(jpeg.rows, jpeg.columns, jpeg.photometric, jpeg.content, True, ratio)
            _require_size(jpeg.rows, jpeg.columns, most_bytes // 3)
            return _decoded(image, jpeg)
    except BROKEN:
        raise unreadable("This JPEG is damaged and cannot be shown.") from None


def _png(data: bytes, most_bytes: int) -> Picture:
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 24:
        raise unreadable("This file is not a PNG: it does not begin like one.")
    columns, rows = struct.unpack(">II", data[16:24])
    _require_size(rows, columns, most_bytes // 3)
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            return _decoded(image, None)
    except BROKEN:
        raise unreadable("This PNG is damaged and cannot be shown.") from None


def _require_size(rows: int, columns: int, most_pixels: int) -> None:
    if not rows or not columns:
        raise unreadable("This picture is empty.")
    if rows > LARGEST_SIDE or columns > LARGEST_SIDE or rows * columns > most_pixels:
        detail = f"This picture is too large: at most {most_pixels // 1_000_000} million points. Send it smaller."
        raise InvalidInput("too_large", detail)


def _ratio(samples: int, jpeg: Jpeg) -> float:
    return max(1.0, samples / len(jpeg.content))


def _decoded(image: Image.Image, jpeg: Jpeg | None) -> Picture:
    """The samples, upright; nothing else of the file is kept."""
    upright = ImageOps.exif_transpose(image)
    plain = _plain(upright)
    photometric = "MONOCHROME2" if plain.mode == "L" else "RGB"
    content = plain.tobytes()
    ratio = None if jpeg is None else _ratio(len(content), jpeg)
    return Picture(plain.height, plain.width, photometric, content, False, ratio)


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits of grey or of red, green and blue; what is transparent becomes white paper."""
    if image.mode.startswith("I"):  # 16 bits of grey
        return Image.fromarray((numpy.asarray(image).astype("uint32") >> 8).clip(0, 255).astype("uint8"))
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return image.convert("L")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("RGB")
    return image.convert("RGB")
