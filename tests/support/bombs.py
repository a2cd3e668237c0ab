"""Small files that would become large ones."""

from __future__ import annotations

import io
import zlib

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ehr_bridge.dicom import read_header
from tests.support.samples import encoded, small

MEGABYTE = 1 << 20


def deflated(megabytes: int) -> bytes:
    """A proper deflated file with so many megabytes of black pixels; it has about a thousandth of that size."""
    plain = small(PixelData=None)
    ds = pydicom.dcmread(io.BytesIO(plain))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    packed_by_pydicom = encoded(ds)
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(plain[read_header(plain).dataset_start :])
    packed += packer.compress(b"\xe0\x7f\x10\0OW\0\0" + (megabytes * MEGABYTE).to_bytes(4, "little"))
    packed += b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)) + packer.flush()
    return packed_by_pydicom[: read_header(packed_by_pydicom).dataset_start] + packed + bytes(len(packed) & 1)
