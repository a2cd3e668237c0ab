"""A computed CT phantom: a study to scroll through without a patient."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIZE = 256
SPACING = 1.5
"""Millimetres between pixels and between slices."""


def ct_phantom(
    slices: int = 120, *, study_instance_uid: str | None = None, today: date | None = None
) -> Iterator[bytes]:
    """Slices of one axial CT series as DICOM files: a body of water with a spine, lungs and a spiral of spheres."""
    study, series, frame = study_instance_uid or generate_uid(), generate_uid(), generate_uid()
    when = (today or date(2026, 1, 15)).strftime("%Y%m%d")
    for number in range(slices):
        ds = _header(study, series, frame, when)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.InstanceNumber = number + 1
        z = (number - slices / 2) * SPACING
        ds.ImagePositionPatient = [-SIZE * SPACING / 2, -SIZE * SPACING / 2, z]
        ds.SliceLocation = z
        ds.PixelData = (_slice(z, slices * SPACING) + 1024).astype("<u2").tobytes()
        ds["PixelData"].VR = "OW"
        file = io.BytesIO()
        ds.save_as(file, enforce_file_format=True)
        yield file.getvalue()


def _slice(z: float, depth: float) -> NDArray[np.float64]:
    """Hounsfield units of one slice at height `z` (mm)."""
    axis = (np.arange(SIZE) - SIZE / 2) * SPACING
    x, y = np.meshgrid(axis, axis)
    image = np.full((SIZE, SIZE), -1000.0)
    image[(x / 150) ** 2 + (y / 105) ** 2 < 1] = 40
    for side in (-1, 1):
        lung = ((x - side * 65) / 50) ** 2 + ((y + 10) / 70) ** 2 + (z / (depth * 0.55)) ** 2 < 1
        image[lung] = -820
    image[(x / 18) ** 2 + ((y - 75) / 16) ** 2 < 1] = 700
    image[(x / 8) ** 2 + ((y - 75) / 7) ** 2 < 1] = 60
    for step in range(12):
        angle = step * np.pi / 4
        centre = (step / 11 - 0.5) * depth * 0.9
        if abs(z - centre) >= 4 + step:
            continue  # this slice does not meet the sphere
        sphere = (x - 65 * np.cos(angle)) ** 2 + (y + 10 - 45 * np.sin(angle)) ** 2 + (z - centre) ** 2
        image[sphere < (4 + step) ** 2] = 100 + 40 * step
    noise = np.random.default_rng(int((z + depth) * 10)).normal(0, 8, image.shape)
    return np.asarray(np.clip(image + noise, -1024, 3000))


def _header(study: str, series: str, frame: str, when: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = CTImageStorage
    ds.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = when
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "091500"
    ds.Modality, ds.Manufacturer = "CT", "EHR bridge phantom"
    ds.StudyDescription, ds.SeriesDescription = "Thorax phantom", "Axial 1.5 mm"
    ds.ReferringPhysicianName = ""
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "PHANTOM^THORAX", "SCANNER-1", "", "O"
    ds.AccessionNumber, ds.StudyID = "", "1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
    ds.SeriesNumber, ds.AcquisitionNumber = 1, 1
    ds.PatientPosition, ds.PositionReferenceIndicator = "HFS", ""
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceThickness, ds.PixelSpacing, ds.KVP = SPACING, [SPACING, SPACING], 120
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = SIZE
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = 40, 400
    return ds
