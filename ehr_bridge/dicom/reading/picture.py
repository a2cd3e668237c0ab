"""A small picture of one instance, for lists: DICOM bytes in, a PNG of at most 256 pixels out.

Nothing is decoded before its size is known from the header and, if it is compressed, from the compressed frame too,
because no thumbnail may take the server down.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGBaseline8Bit, RLELossless

from ehr_bridge.dicom.reading.display import Display, read_display

SIDE = 256
MAX_PIXELS = 36_000_000
MAX_FRAME_BYTES = 128_000_000
MAX_FILE_BYTES = 512_000_000
WORKING_SIDE = 1024
"""Larger frames are subsampled to about this size before windowing; the difference is invisible at 256 pixels."""
HERE = frozenset({JPEGBaseline8Bit, *JPEG2000TransferSyntaxes})
"""Compressed formats that Pillow decodes; pydicom decodes RLE."""

type Decode = Callable[[bytes, int], NDArray[Any]]
"""Decodes one frame of a file elsewhere; raises LookupError when it cannot."""


class NoPicture(Exception):
    """This instance has no picture, or none that can be made safely."""


def picture(data: bytes, decode_elsewhere: Decode | None = None, side: int = SIDE) -> bytes:
    """The middle frame of an instance as a PNG, windowed and in the right proportions (PS3.3 section C.11.2, C.7.6.3).

    Raises:
        NoPicture: it has no pixels, is too large, or cannot be decoded.
    """
    try:
        ds = pydicom.dcmread(io.BytesIO(data), force=True)
        if not _has_pixels(ds):
            raise NoPicture("no pixels")
        index = max(0, _frames(ds) // 2)
        _require_bounds(ds)
        display = read_display(ds, index)
        frame = _frame(ds, data, index, decode_elsewhere)
        grey_or_rgb = _eight_bits(ds, frame, display)
        return _png(_shrunk(Image.fromarray(grey_or_rgb), display.aspect, side))
    except NoPicture:
        raise
    except Exception as error:  # pydicom, numpy and Pillow raise anything on a broken file
        raise NoPicture(type(error).__name__) from error


def placeholder(label: str) -> bytes:
    """A drawn placeholder with a word on it."""
    image = Image.new("L", (SIDE, SIDE), 24)
    draw = ImageDraw.Draw(image)
    sheet = [(72, 40), (156, 40), (184, 68), (184, 216), (72, 216)]
    draw.polygon(sheet, fill=44, outline=130, width=3)
    draw.line([(156, 40), (156, 68), (184, 68)], fill=130, width=3)
    word = label[:6].upper() or "?"
    draw.text((SIDE // 2, 140), word, fill=220, anchor="mm", font=ImageFont.load_default(96 / max(len(word), 3)))
    return _png(image)


def _has_pixels(ds: Dataset) -> bool:
    return any(keyword in ds for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))


def _frames(ds: Dataset) -> int:
    return max(1, int(ds.get("NumberOfFrames") or 1))


def _require_bounds(ds: Dataset) -> None:
    pixels = int(ds.Rows) * int(ds.Columns)
    bits = pixels * int(ds.get("SamplesPerPixel", 1)) * int(ds.BitsAllocated)
    if not 0 < pixels <= MAX_PIXELS or bits > MAX_FRAME_BYTES * 8 or int(ds.get("SamplesPerPixel", 1)) not in (1, 3):
        raise NoPicture("dimensions")


def _frame(ds: Dataset, data: bytes, index: int, decode_elsewhere: Decode | None) -> NDArray[Any]:
    syntax = ds.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return np.asarray(pixel_array(ds, index=index))
    encoded = get_frame(ds.PixelData, index, number_of_frames=_frames(ds))
    if syntax == RLELossless:
        expected = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated // 8
        if not _rle_fits(encoded, expected):
            raise NoPicture("RLE expands beyond its frame")
        return np.asarray(pixel_array(ds, index=index))
    if syntax in JPEG2000TransferSyntaxes:
        with Image.open(io.BytesIO(encoded)) as image:
            size: tuple[int, int] | None = image.size
    else:
        size = _jpeg_size(encoded)
    if size != (ds.Columns, ds.Rows):
        raise NoPicture("the frame has another size than its header says")
    if syntax in HERE:
        return np.asarray(pixel_array(ds, index=index))
    if decode_elsewhere is None or ds.PhotometricInterpretation == "PALETTE COLOR":
        raise NoPicture("no decoder")
    frame = decode_elsewhere(data, index)
    if frame.shape[:2] != (ds.Rows, ds.Columns):
        raise NoPicture("decoded to another size")
    return frame


def _rle_fits(encoded: bytes, expected: int) -> bool:
    """Whether PackBits runs (PS3.5 annex G) unpack to no more than a frame, apart from padding."""
    segments = int.from_bytes(encoded[:4], "little")
    offsets = [int.from_bytes(encoded[4 * i + 4 : 4 * i + 8], "little") for i in range(min(segments, 15))]
    if not 1 <= segments <= 15 or any(not 64 <= offset < len(encoded) for offset in offsets):
        return False
    size = 0
    for begin, end in zip(offsets, [*offsets[1:], len(encoded)], strict=True):
        position = begin
        while position < end:
            head = encoded[position]
            size += head + 1 if head < 128 else 257 - head if head > 128 else 0
            position += head + 2 if head < 128 else 2 if head > 128 else 1
        if size > expected + 256 * segments:
            return False
    return True


def _jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    """Columns and rows in the first frame header of a JPEG or JPEG-LS stream; None when there is none."""
    position = 2
    while encoded[:2] == b"\xff\xd8" and position + 9 <= len(encoded) and encoded[position] == 0xFF:
        marker = encoded[position + 1]
        if marker == 0xFF:  # fill
            position += 1
            continue
        if marker in {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}:
            rows, columns = encoded[position + 5 : position + 7], encoded[position + 7 : position + 9]
            return int.from_bytes(columns), int.from_bytes(rows)
        if marker == 0xDA:
            return None
        position += 2 + int.from_bytes(encoded[position + 2 : position + 4])
    return None


def _eight_bits(ds: Dataset, frame: NDArray[Any], display: Display) -> NDArray[np.uint8]:
    step = max(1, min(frame.shape[0], frame.shape[1]) // WORKING_SIDE)
    frame = frame[::step, ::step]
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        frame = np.asarray(apply_color_lut(frame, ds))
        return _by_range(frame, float(np.iinfo(frame.dtype).max))
    if frame.ndim == 3:
        if frame.dtype == np.uint8:
            return np.ascontiguousarray(frame[..., :3])
        return _by_range(frame, float(2 ** int(ds.BitsStored) - 1))
    values = np.asarray(apply_modality_lut(frame, ds) if display.by_sequence else frame, dtype=np.float32)
    if not display.by_sequence:
        values = values * np.float32(display.slope) + np.float32(display.intercept)
    if "VOILUTSequence" in ds and display.window is None and values.dtype.kind == "f":
        looked_up = np.asarray(apply_voi(values.astype(np.int64), ds))
        grey = _stretch(looked_up.astype(np.float32), float(looked_up.min()), float(looked_up.max()))
    elif display.window is not None:
        grey = display.window.apply(values)
    else:
        grey = _automatic(values, frame, display)
    return 255 - grey if display.inverse else grey


def _automatic(values: NDArray[np.float32], stored: NDArray[Any], display: Display) -> NDArray[np.uint8]:
    """Without a window in the file: from the darkest to the brightest percent, padding excluded."""
    shown = np.isfinite(values)
    if display.padding is not None:  # lossy compression blurs it
        margin = (float(stored.max()) - float(stored.min())) / 50
        shown &= np.abs(stored.astype(np.float32) - display.padding) > margin
    seen = values[shown]
    if seen.size == 0:
        seen = np.zeros(1, np.float32)
    low, high = np.percentile(seen, (1, 99))
    if low == high:
        low, high = seen.min(), seen.max()
    return _stretch(values, float(low), float(high))


def _stretch(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    scaled = (np.nan_to_num(values) - low) / max(high - low, 1e-6)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)


def _by_range(values: NDArray[Any], largest: float) -> NDArray[np.uint8]:
    return np.asarray(values[..., :3].astype(np.float32) * (255 / max(largest, 1)), dtype=np.uint8)


def _shrunk(image: Image.Image, aspect: float, side: int) -> Image.Image:
    width, height = float(image.width), image.height * aspect
    scale = min(1.0, side / max(width, height)) if max(width, height) > side else 1.0
    size = max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
