"""Worklist queries as a modality makes them, and items read back: with pydicom, not with our own encoder and parser."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

STEP = {
    "CommentsOnTheScheduledProcedureStep",
    "Modality",
    "ScheduledStationAETitle",
    "ScheduledStationName",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "ScheduledProcedureStepStatus",
}


def identifier(keys: Mapping[str, Any], charset: str = "ISO_IR 192") -> Dataset:
    """The identifier of a C-FIND; keys of the step go into its sequence."""
    query, step = Dataset(), Dataset()
    query.SpecificCharacterSet = charset
    for keyword, value in keys.items():
        setattr(step if keyword in STEP else query, keyword, value)
    query.ScheduledProcedureStepSequence = Sequence([step])
    return query


def query_file(keys: Mapping[str, Any], charset: str = "ISO_IR 192") -> bytes:
    """The same as Orthanc hands it to a plugin: a file."""
    with pydicom.config.disable_value_validation():
        query = identifier(keys, charset)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ModalityWorklistInformationFind, UID("2.25.1")
        file = io.BytesIO()
        FileDataset("", query, file_meta=meta, preamble=b"\0" * 128).save_as(file, enforce_file_format=True)
    return file.getvalue()


def item(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))
