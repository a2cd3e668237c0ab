"""Coercing a file for an order, as a step."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from pydicom.dataset import Dataset

from ehr_bridge.dicom import Coerced, coerce, read_header
from tests.unit.dicom_samples import dcmread

NOON = datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=timezone(timedelta(hours=2)))
BEA = {"PatientID": "MRN-7", "PatientName": "BEA^BO", "AccessionNumber": "ACC-42"}
ORIGINAL = 0x04000561
CHARACTER_SET = 0x00080005


def coerced(data: bytes, wanted: dict[str, str], **kwargs: Any) -> Coerced:
    return coerce(read_header(data), wanted, when=NOON, modifying_system="EHR-BRIDGE", **kwargs)


def last_original(data: bytes) -> Dataset:
    last: Dataset = dcmread(data).OriginalAttributesSequence[-1]
    return last
