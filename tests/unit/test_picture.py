"""Small pictures: window, polarity, proportions, colours, and files that mean harm."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, RLELossless

from ehr_bridge.dicom.reading.picture import NoPicture, picture, placeholder
from tests.support.samples import encoded, small

RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 10


def ramp(**values: Any) -> bytes:
    return small(PixelData=RAMP.tobytes(), **values)


def grey(data: bytes) -> list[int]:
    return list(np.asarray(Image.open(io.BytesIO(picture(data)))).flatten())


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    ds = pydicom.dcmread(io.BytesIO(data))
    change(ds)
    return encoded(ds)


def test_the_window_of_the_file_is_used_after_rescaling() -> None:
    """PS3.3 section C.11.2.1.2: below black, above white, half in the middle."""
    seen = grey(ramp(WindowCenter=[1300, 5], WindowWidth=[201, 9], RescaleSlope=2, RescaleIntercept=1000))
    values = RAMP.flatten() * 2 + 1000
    assert [s for s, v in zip(seen, values, strict=True) if v <= 1199] == [0] * 10
    assert {s for s, v in zip(seen, values, strict=True) if v > 1400} == {255}
    assert abs(seen[15] - 128) <= 2


def test_monochrome1_is_shown_the_other_way_round() -> None:
    """White is nothing."""
    plain, other = grey(ramp()), grey(ramp(PhotometricInterpretation="MONOCHROME1"))
    assert [255 - value for value in plain] == other and plain[0] < plain[-1]


@pytest.mark.parametrize("width", [0, -5])
def test_a_senseless_window_is_replaced(width: int) -> None:
    """The picture shows something all the same."""
    assert len(set(grey(ramp(WindowCenter=40, WindowWidth=width)))) > 30


def test_pixels_that_are_not_square_are_shown_in_proportion() -> None:
    """Twice as tall as wide."""
    with Image.open(io.BytesIO(picture(ramp(PixelSpacing=[2, 1])))) as image:
        assert image.size == (8, 16)


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "examples_ybr_color.dcm", "JPEG2000.dcm",
     "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm", "rtdose.dcm", "liver_1frame.dcm", "MR_small_bigendian.dcm"],
)  # fmt: skip
def test_real_files_have_a_picture_of_at_most_256_pixels(name: str) -> None:
    """With something on it, colours where there are some."""
    with Image.open(io.BytesIO(picture(Path(str(get_testdata_file(name))).read_bytes()))) as image:
        assert max(image.size) <= 256 and image.format == "PNG"
        assert len(np.unique(np.asarray(image))) > 1
        assert (image.mode == "RGB") == (name.startswith(("SC_rgb", "examples_")))


def test_a_size_that_is_a_lie_is_refused_before_decoding() -> None:
    """Header, RLE runs and JPEG-LS frames that promise or unpack to more than there may be."""
    bomb = bytearray(64) + b"\x81\x00" * 100_000
    bomb[0:8] = (1).to_bytes(4, "little") + (64).to_bytes(4, "little")

    def rle(ds: Any) -> None:
        ds.file_meta.TransferSyntaxUID, ds.BitsAllocated, ds.BitsStored, ds.HighBit = RLELossless, 8, 8, 7
        ds.PixelData = encapsulate([bytes(bomb)])

    def jpeg_ls(ds: Any) -> None:
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([b"\xff\xd8\xff\xf7\x00\x0b\x0c\xff\xff\xff\xff\x01\x01\x11\x00\xff\xd9"])

    asked: list[int] = []

    def elsewhere(_data: bytes, frame: int) -> Any:
        asked.append(frame)
        return RAMP

    for data in (ramp(Rows=65535, Columns=65535), ramp(SamplesPerPixel=9), ramp(Rows=0), b"", b"\0" * 500):
        with pytest.raises(NoPicture):
            picture(data, elsewhere)
    for change, reason in ((rle, "RLE expands"), (jpeg_ls, "another size")):
        with pytest.raises(NoPicture, match=reason):
            picture(changed(ramp(), change), elsewhere)
    assert asked == []


def test_what_we_cannot_decode_is_decoded_elsewhere_and_windowed_here() -> None:
    """JPEG-LS through the archive."""

    def jpeg_ls(ds: Any) -> None:
        ds.file_meta.TransferSyntaxUID, ds.WindowCenter, ds.WindowWidth = JPEGLSLossless, 315, 2
        ds.PixelData = encapsulate([b"\xff\xd8\xff\xf7\x00\x0b\x0c\x00\x08\x00\x08\x01\x01\x11\x00\xff\xd9"])

    png = picture(changed(ramp(), jpeg_ls), lambda _data, _frame: RAMP)
    assert list(np.asarray(Image.open(io.BytesIO(png))).flatten()) == [0] * 32 + [255] * 32


def test_a_placeholder_is_a_picture_too() -> None:
    """Whatever the modality says."""
    for label in ("SR", "", "SOMETHING_LONG", "心"):
        with Image.open(io.BytesIO(placeholder(label))) as image:
            assert image.size == (256, 256)
