"""The DICOM files of the ingest benchmarks: CT instances of half a megabyte, written before any clock runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, PrivateBlock
from pydicom.uid import UID, CTImageStorage

from plugin.starting.phantom import ct_phantom
from tests.support.samples import encoded

ELEMENTS = 260
PATIENT = {"family_name": "Benchmark", "given_name": "Beatrice", "birth_date": "1961-03-14", "sex": "female"}
PATIENT_NAME, BIRTH_DATE, ISSUER, REFERRER = "Benchmark^Beatrice", "19610314", "BENCH-HOSPITAL", "Referrer^Rosa"
MRN = "BENCH-1"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the files say of themselves: whose they are, for which order."""

    patient_id: str
    patient_name: str
    accession_number: str


def stranger() -> Claim:
    """Files of a patient who is not the order's: only the sender's word links them, and everything is coerced."""
    return Claim("SCANNER-4711", "UNKNOWN^SCAN", "")


def acquainted(accession_number: str) -> Claim:
    """Files with the order's keys and an empty name: an exact match that is coerced all the same."""
    return Claim(MRN, "", accession_number)


class Uids:
    """UIDs that nobody else has, of one length, so that one takes another's place in a file byte by byte."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def new(self) -> str:
        return f"2.25.{self._random.randrange(10**37, 10**38)}"


def study(claim: Claim, study_uid: str, count: int, uids: Uids) -> Iterator[bytes]:
    """The instances of one series."""
    ds = template()
    ds.PatientID, ds.PatientName, ds.AccessionNumber = claim.patient_id, claim.patient_name, claim.accession_number
    ds.PatientBirthDate = ds.PatientSex = ds.ReferringPhysicianName = ""
    first = uids.new()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(study_uid), UID(uids.new())
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(first)
    data = encoded(ds)
    for _ in range(count):
        yield data.replace(first.encode(), uids.new().encode())


def write_study(folder: Path, claim: Claim, study_uid: str, count: int, uids: Uids) -> list[Path]:
    """The same as files."""
    folder.mkdir(parents=True)
    paths = []
    for number, data in enumerate(study(claim, study_uid, count, uids)):
        path = folder / f"{number:05}.dcm"
        path.write_bytes(data)
        paths.append(path)
    return paths


@cache
def template() -> FileDataset:
    """An explicit VR CT of 512 x 512 pixels and about 260 elements: the phantom's header, filled up with private
    elements of the kinds a scanner writes."""
    ds = pydicom.dcmread(io.BytesIO(next(ct_phantom(1))))
    ds.SOPClassUID = CTImageStorage
    ds.Rows = ds.Columns = 512
    ds.PixelData = np.random.default_rng(1).integers(0, 3000, (512, 512), dtype="<u2").tobytes()
    for group in range(0x0019, 0x0053, 2):
        block = ds.private_block(group, "EHR BRIDGE BENCH", create=True)
        for number in range(8):
            if len(ds) >= ELEMENTS:
                return ds
            _private(block, number)
    return ds


def _private(block: PrivateBlock, number: int) -> None:
    kinds = (("DS", "1.500000"), ("SH", "HELICAL"), ("IS", "120"), ("SL", 4096), ("US", 7), ("LO", "BENCH"))
    vr, value = kinds[number % len(kinds)]
    block.add_new(number, vr, value)
