"""Objects that are no images, as other systems write them, and images that OHIF cannot draw."""

from __future__ import annotations

import io
import math
import struct

import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEGBaseline8Bit,
    KeyObjectSelectionDocumentStorage,
    RTPlanStorage,
    TwelveLeadECGWaveformStorage,
    generate_uid,
)

from tests.support.samples import encoded, small

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SAMPLES_PER_SECOND = 500


def code(meaning: str, value: str = "121071") -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, "DCM", meaning
    return ds


def a_file(sop_class: UID, modality: str, study: str, patient: str) -> FileDataset:
    """A file of a study, without what it is about."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, generate_uid(), modality
    ds.PatientID, ds.PatientName, ds.PatientSex, ds.PatientBirthDate = patient, "Osei^Ama", "F", "19660405"
    ds.StudyDate = ds.ContentDate = "20261120"
    ds.StudyTime = ds.ContentTime = "101500"
    ds.AccessionNumber = ds.StudyID = ""
    ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = 1, 1, f"{modality} of a test"
    return ds


def measurements(study: str, patient: str) -> bytes:
    """A report with a measurement and no words for its coordinates: it stops OHIF."""
    ds = a_file(ComprehensiveSRStorage, "SR", study, patient)
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ConceptNameCodeSequence = Sequence([code("Imaging Measurement Report", "126000")])
    unit, measured, number = Dataset(), Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm", "UCUM", "millimetre"
    measured.MeasurementUnitsCodeSequence, measured.NumericValue = Sequence([unit]), "12.5"
    number.RelationshipType, number.ValueType = "CONTAINS", "NUM"
    number.ConceptNameCodeSequence, number.MeasuredValueSequence = Sequence([code("Diameter")]), Sequence([measured])
    place = Dataset()
    place.RelationshipType, place.ValueType, place.GraphicType = "CONTAINS", "SCOORD", "POINT"
    place.GraphicData = [10.0, 10.0]
    ds.ContentSequence = Sequence([number, place])
    return encoded(ds)


def ecg(study: str, patient: str) -> bytes:
    """Ten seconds of twelve leads."""
    ds = a_file(TwelveLeadECGWaveformStorage, "ECG", study, patient)
    group, count = Dataset(), 10 * SAMPLES_PER_SECOND
    group.WaveformOriginality, group.NumberOfWaveformChannels = "ORIGINAL", len(LEADS)
    group.NumberOfWaveformSamples, group.SamplingFrequency = count, str(SAMPLES_PER_SECOND)
    group.MultiplexGroupLabel, group.WaveformBitsAllocated = "RHYTHM", 16
    group.WaveformSampleInterpretation = "SS"
    channels = []
    for lead in LEADS:
        channel, unit = Dataset(), Dataset()
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence = Sequence([code(f"Lead {lead}")])
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "1", "1"
        channel.ChannelBaseline, channel.WaveformBitsStored = "0", 16
        channel.ChannelSensitivityUnitsSequence = Sequence([unit])
        channels.append(channel)
    group.ChannelDefinitionSequence = Sequence(channels)
    beats = [round(900 * math.sin(at / SAMPLES_PER_SECOND * 2 * math.pi * 1.2) ** 21) for at in range(count)]
    group.WaveformData = b"".join(struct.pack("<12h", *[beat] * len(LEADS)) for beat in beats)
    ds.WaveformSequence = Sequence([group])
    return encoded(ds)


def plan(study: str, patient: str) -> bytes:
    ds = a_file(RTPlanStorage, "RTPLAN", study, patient)
    ds.RTPlanLabel, ds.RTPlanName, ds.RTPlanGeometry = "Left lung", "Two fields", "TREATMENT_DEVICE"
    beam, point = Dataset(), Dataset()
    point.NominalBeamEnergy, point.GantryAngle, point.ControlPointIndex = "6.00000000000000", "180", 0
    beam.BeamNumber, beam.BeamName, beam.BeamType, beam.RadiationType = 1, "Posterior", "STATIC", "PHOTON"
    beam.ControlPointSequence = Sequence([point])
    ds.BeamSequence = Sequence([beam])
    return encoded(ds)


def key_objects(study: str, patient: str, instance: str) -> bytes:
    ds = a_file(KeyObjectSelectionDocumentStorage, "KO", study, patient)
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("For Teaching", "113004")])
    picture, series, root = Dataset(), Dataset(), Dataset()
    picture.ReferencedSOPClassUID, picture.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", instance
    series.ReferencedSOPSequence, series.SeriesInstanceUID = Sequence([picture]), generate_uid()
    root.ReferencedSeriesSequence, root.StudyInstanceUID = Sequence([series]), study
    ds.CurrentRequestedProcedureEvidenceSequence = Sequence([root])
    return encoded(ds)


def cut_frames(**values: str) -> bytes:
    """Two frames of JPEG in three fragments each, without a table of where they begin: Orthanc gives none of them, and
    decodes them all the same."""
    frames = []
    for brightness in (90, 200):
        picture, file = Image.new("L", (64, 64), brightness), io.BytesIO()
        picture.paste(255 - brightness, (16, 16, 48, 48))
        picture.save(file, "JPEG")
        frames.append(file.getvalue())
    ds = pydicom.dcmread(io.BytesIO(small(Rows=64, Columns=64, BitsAllocated=8, BitsStored=8, HighBit=7, **values)))
    ds.NumberOfFrames, ds.file_meta.TransferSyntaxUID = 2, JPEGBaseline8Bit
    ds.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=False)
    ds["PixelData"].is_undefined_length = True
    return encoded(ds)


def unknown_form(**values: str) -> bytes:
    """Pixels in a form that nobody here can draw: JPEG XL."""
    ds = pydicom.dcmread(io.BytesIO(small(**values)))
    ds.file_meta.TransferSyntaxUID = HTJ2KLossless
    ds.PixelData = encapsulate([b"\xff\x0a" + bytes(range(64))])
    ds["PixelData"].is_undefined_length = True
    return encoded(ds).replace(HTJ2KLossless.encode(), b"1.2.840.10008.1.2.4.110")  # pydicom writes no such file
