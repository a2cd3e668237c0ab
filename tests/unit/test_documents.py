"""Papers and photographs as DICOM, read by pydicom, dciodvfy and Pillow; and what no document is."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from ehr_bridge.documents.kinds import CODES, Kind
from ehr_bridge.documents.making import ENCAPSULATED_PDF, PHOTOGRAPH, SECONDARY_CAPTURE, dicom_file, read_content
from ehr_bridge.documents.papers import PDF
from ehr_bridge.documents.pictures import JPEG, PNG
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.chart.documents import content_of
from tests.unit.document_steps import jpeg, pdf, phone_photo, picture, png, sheet
from tests.unit.report_steps import errors

MOST = 1_000_000


def made(kind: Kind, data: bytes, media_type: str) -> Any:
    return pydicom.dcmread(BytesIO(dicom_file(sheet(kind), read_content(data, media_type, MOST))))


def refused(data: bytes, media_type: str, most: int = MOST) -> str:
    with pytest.raises(InvalidInput) as refusal:
        read_content(data, media_type, most)
    return refusal.value.code


def made_by_others() -> bytes:
    """The JPEG of a real file: DCMTK's encoder has written it."""
    dataset = pydicom.dcmread(str(get_testdata_file("SC_rgb_dcmtk_+eb+cy+np.dcm")))
    return next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\0")


@pytest.mark.parametrize(
    ("kind", "data", "media_type"),
    [
        (Kind.REFERRAL, pdf(), PDF),
        (Kind.PHOTO, jpeg(), JPEG),
        (Kind.PHOTO, phone_photo(6), JPEG),
        (Kind.PHOTO, made_by_others(), JPEG),
        (Kind.CONSENT, jpeg(picture("L")), JPEG),
        (Kind.OTHER, png(), PNG),
        (Kind.OTHER, png(picture("L")), PNG),
    ],
)
def test_dciodvfy_finds_no_error(kind: Kind, data: bytes, media_type: str, tmp_path: Path) -> None:
    """Every archive and viewer can read what is made here."""
    assert errors(tmp_path, dicom_file(sheet(kind), read_content(data, media_type, MOST))) == []


def test_a_pdf_is_kept_to_the_byte_and_says_whose_and_what_it_is() -> None:
    """A referral is found by its title and code, and names its patient and order."""
    dataset = made(Kind.REFERRAL, pdf(), PDF)
    assert dataset.SOPClassUID == ENCAPSULATED_PDF and dataset.Modality == "DOC"
    assert content_of(dicom_file(sheet(), read_content(pdf(), PDF, MOST))) == (PDF, pdf())
    assert dataset.DocumentTitle == dataset.StudyDescription == "Überweisung Dr. Müller"
    assert dataset.ConceptNameCodeSequence[0].CodeValue == CODES[Kind.REFERRAL][0]
    assert (dataset.PatientName, dataset.PatientID, dataset.AccessionNumber) == ("Lindqvist^Åsa", "MRN-1", "ACC-1")
    assert dataset.RequestAttributesSequence[0].ScheduledProcedureStepID == "SPS-1"
    assert (dataset.StudyDate, dataset.StudyTime, dataset.SeriesDate) == ("20260102", "", "20260103")
    assert dataset.BurnedInAnnotation == "YES"


def test_the_same_document_gives_the_same_bytes() -> None:
    """So that a process that was killed makes the same file again."""
    assert dicom_file(sheet(), read_content(pdf(), PDF, MOST)) == dicom_file(sheet(), read_content(pdf(), PDF, MOST))


def test_a_photograph_is_not_compressed_again() -> None:
    """The coefficients of the camera stay; that they are lossy is said."""
    for data, photometric in ((jpeg(), "YBR_FULL_422"), (jpeg(subsampling=0), "YBR_FULL"), (made_by_others(), None)):
        dataset = made(Kind.PHOTO, data, JPEG)
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\0")
        assert dataset.SOPClassUID == PHOTOGRAPH and dataset.Modality == "XC"
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
        assert photometric in (None, dataset.PhotometricInterpretation)
        before, after = Image.open(BytesIO(data)), Image.open(BytesIO(frame))
        assert numpy.array_equal(numpy.asarray(before), numpy.asarray(after))
        assert (dataset.LossyImageCompression, dataset.LossyImageCompressionMethod) == ("01", "ISO_10918_1")


@pytest.mark.parametrize("orientation", [1, 6])
def test_nothing_that_a_phone_writes_beside_the_picture_is_kept(orientation: int) -> None:
    """Neither the place nor the owner, nor a second picture behind the first."""
    file = dicom_file(sheet(Kind.PHOTO), read_content(phone_photo(orientation), JPEG, MOST))
    assert b"Secret" not in file and b"Exif" not in file
    assert b"Secret" in phone_photo(orientation)


def test_a_photograph_is_upright_however_the_phone_was_held() -> None:
    """Turned by a quarter: the dark row of the top is at the right, and the sides have changed places."""
    dataset = made(Kind.PHOTO, phone_photo(6), JPEG)
    assert (dataset.Rows, dataset.Columns) == (61, 40)
    pixels = dataset.pixel_array
    assert pixels[:, -1].mean() < 10 and pixels[:, 0].mean() > 245
    assert dataset.LossyImageCompression == "01", "it was lossy once"


@pytest.mark.parametrize(
    ("data", "media_type", "photometric"),
    [
        (jpeg(progressive=True), JPEG, "RGB"),
        (jpeg(picture("CMYK")), JPEG, "RGB"),
        (png(picture("P")), PNG, "RGB"),
        (png(picture("1")), PNG, "MONOCHROME2"),
        (png(picture("RGBA")), PNG, "RGB"),
        (png(picture("I;16")), PNG, "MONOCHROME2"),
    ],
)
def test_other_pictures_are_stored_uncompressed(data: bytes, media_type: str, photometric: str) -> None:
    """A scan of a paper is a Secondary Capture; whatever its colours were, viewers know these."""
    dataset = made(Kind.CONSENT, data, media_type)
    assert dataset.SOPClassUID == SECONDARY_CAPTURE and dataset.ConversionType == "SD"
    assert dataset.PhotometricInterpretation == photometric and dataset.pixel_array.shape[:2] == (40, 61)
    assert dataset.LossyImageCompression == ("01" if media_type == JPEG else "00")


def test_what_is_transparent_is_white_paper() -> None:
    """Not black, as viewers would have it."""
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert made(Kind.OTHER, png(clear), PNG).pixel_array.min() == 255


def huge_png(columns: int, rows: int) -> bytes:
    """A few bytes that say they are a picture of that size."""
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100_000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def test_bombs_are_refused_before_they_are_opened() -> None:
    """Pictures that would fill the memory."""
    assert refused(huge_png(60_000, 60_000), PNG) == "too_large"
    assert refused(png(), PNG, 100) == "too_large"
    at = jpeg().index(b"\xff\xc0")
    assert refused(jpeg()[: at + 5] + b"\xff\xff\xff\xff" + jpeg()[at + 9 :], JPEG) == "too_large"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"", PDF),
        (b"", JPEG),
        (b"%PDF-1.7 and nothing", PDF),
        (b"<html>%PDF-1.7", PDF),
        (pdf()[:-2000], PDF),
        (jpeg(), PDF),
        (pdf(), JPEG),
        (png(), JPEG),
        (jpeg(), PNG),
        (jpeg()[:200], JPEG),
        (jpeg()[:-40], JPEG),
        (png()[:60], PNG),
        (b"\xff\xd8\xff", JPEG),
        (b"\xff\xd8\xff\xd9", JPEG),
        (b"MZ" + jpeg(), JPEG),
        (huge_png(0, 5), PNG),
    ],
)
def test_damaged_files_and_wrong_types_are_refused(data: bytes, media_type: str) -> None:
    """Each with words, and nothing is made of it."""
    assert refused(data, media_type) == "document_unreadable"


def test_other_types_are_refused() -> None:
    """A letter of a word processor is exported as PDF first."""
    assert refused(b"PK", "application/msword") == "unsupported_media_type"


@pytest.mark.parametrize("data", [pdf(), jpeg(), jpeg(progressive=True), png(), phone_photo(3)])
def test_files_cut_or_altered_anywhere_are_refused_or_read_but_never_fail(data: bytes) -> None:
    """A scanner's disk is full, or somebody means harm."""
    media_type = PDF if data[:1] == b"%" else PNG if data[:1] == b"\x89" else JPEG
    for at in range(0, len(data), max(1, len(data) // 60)):
        for file in (data[:at], data[:at] + b"\xff\xff" + data[at + 2 :], data[:at] + data[at + 7 :]):
            try:
                read_content(file, media_type, MOST)
            except InvalidInput as refusal:
                assert refusal.code in {"document_unreadable", "too_large"}


def test_a_pdf_made_to_be_slow_costs_no_more_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of compressed objects that are none: a bounded number of bytes is looked at."""
    inflated = list[int]()

    class Counting:
        eof = False

        def decompress(self, data: bytes, _: int) -> bytes:
            inflated.append(len(data))
            raise zlib.error

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    plain = pdf()
    at = plain.rindex(b"startxref")
    read_content(plain[:at] + b"/ObjStm>>stream\n" * 20_000 + plain[at:], PDF, MOST)
    assert len(inflated) <= 1000 and 0 < sum(inflated) <= 17 * 1024 * 1024


def test_a_pdf_that_can_do_things_is_kept_and_said_so() -> None:
    """Scripts, programs and passwords, also where names are written in hex or in compressed objects."""
    plain = pdf()
    objects = zlib.compress(b"1 0 << /S /JavaScript /JS (app.alert(1)) >>")
    hidden = b"9 0 obj << /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >> stream\n" + objects + b"\nendstream\n"
    for added, warnings in (
        (b"", ()),
        (b"<< /S /Launch >>", ("active_content",)),
        (b"<< /S /J#61vaScript >>", ("active_content",)),
        (hidden, ("active_content",)),
        (b"<< /Encrypt 5 0 R >>", ("encrypted",)),
    ):
        at = plain.rindex(b"startxref")
        paper = read_content(plain[:at] + added + plain[at:], PDF, MOST)
        assert getattr(paper, "warnings", None) == warnings
