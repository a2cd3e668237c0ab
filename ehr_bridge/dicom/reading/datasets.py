"""Whole datasets through pydicom, for slow and rare tasks: reading all tags, comparing two files by value."""

from __future__ import annotations

import io

import pydicom
from pydicom import config

from ehr_bridge.dicom.reading.header import Header


def read_dataset(header: Header) -> pydicom.FileDataset:
    """The dataset of a walked file, its values decoded on access. Raises whatever pydicom raises.

    Values that break the Standard are taken as they are. This setting is for the whole process, since pydicom would
    write each of them into the log, and they are patient data.
    """
    config.settings.reading_validation_mode = config.IGNORE
    return pydicom.dcmread(io.BytesIO(header.data), force=True)
