"""Whole datasets through pydicom, for what is slow and rare: reading all tags, comparing two files by meaning."""

from __future__ import annotations

import io

import pydicom
from pydicom import config

from ehr_bridge.dicom.reading.header import Header


def read_dataset(header: Header) -> pydicom.FileDataset:
    """The dataset of a walked file, its values decoded when they are asked for.

    Values that break the Standard are taken as they are. For the whole process: pydicom would write each of them into
    the log, and they are patient data.

    Raises: whatever pydicom raises for what it cannot read.
    """
    config.settings.reading_validation_mode = config.IGNORE
    return pydicom.dcmread(io.BytesIO(header.data), force=True)
