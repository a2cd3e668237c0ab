"""DICOM files for tests: made here, or real ones under UIDs of their own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from tests.support.material import mr_series

ROOT = Path(__file__).resolve().parents[2]


def encoded(ds: FileDataset) -> bytes:
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def small(**values: Any) -> bytes:
    """A small MR instance; keywords override its elements."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.StudyDate, ds.StudyTime, ds.Modality, ds.StudyDescription = "20260115", "101500", "MR", "MR brain"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "SCANNER^NAME", "SCAN-7", "", ""
    ds.AccessionNumber, ds.ReferringPhysicianName = "", ""
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", 1, 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", 8, 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = bytes(range(128))
    ds["PixelData"].VR = "OW"
    for keyword, value in values.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    return encoded(ds)


def nested(depth: int) -> bytes:
    """An instance with that many sequences inside each other."""
    inner = Dataset()
    inner.PatientID = "deep"
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedStudySequence = Sequence([inner])
        inner = outer
    return small(ReferencedStudySequence=inner.ReferencedStudySequence)


def crowded(elements: int) -> bytes:
    """An instance with one item that holds so many empty private elements, no two alike: eight bytes each."""
    content = b"".join(
        (0x5001 + 2 * (n // 60_000)).to_bytes(2, "little") + (0x1000 + n % 60_000).to_bytes(2, "little") + b"CS\0\0"
        for n in range(elements)
    )
    item = b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content
    return small(PixelData=None) + b"\x40\x00\x75\x02SQ\0\0" + len(item).to_bytes(4, "little") + item


def fresh_series() -> list[bytes]:
    """The real MR series under new UIDs, so that every use is a study of its own."""
    study, series = generate_uid(), generate_uid()
    return [fresh(data, StudyInstanceUID=study, SeriesInstanceUID=series) for data in mr_series()]


def fresh(data: bytes, **values: Any) -> bytes:
    """A real file under UIDs of its own; keywords override its elements, those UIDs too."""
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return encoded(ds)


def pixels(data: bytes) -> bytes:
    return bytes(pydicom.dcmread(io.BytesIO(data)).PixelData)


def unrecodable(**values: Any) -> bytes:
    """An instance whose text cannot be kept when its header must hold a name beyond ISO_IR 13.

    In that set a tilde's byte means an overline; turned to UTF-8 it could not be told from a real tilde.
    """
    return small(SpecificCharacterSet="ISO_IR 13", StudyDescription="KNEE~LEFT", **values)
