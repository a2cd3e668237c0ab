"""Two files with one SOP Instance UID: the same image sent again, or another one under a stolen number."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest

from ehr_bridge.dicom import Header, coerce, is_same_content, read_header
from ehr_bridge.errors import RefusedInstance
from tests.support.samples import encoded, small

WANTED = {"PatientID": "MRN-1", "PatientName": "Lindqvist^Åsa", "AccessionNumber": "ACC-1", "StudyDate": "20260101"}
DATA = Path(pydicom.__file__).parent / "data"
REAL = sorted(
    [*DATA.glob("test_files/*.dcm"), *DATA.glob("charset_files/*.dcm"), *DATA.glob("test_files/dicomdirtests/77*/*/*")]
)


def coerced(header: Header, **wanted: str) -> bytes:
    return coerce(header, wanted or WANTED, when=datetime.now(UTC), modifying_system="TEST", source="rita").data


def test_a_real_file_is_the_same_after_coercion_even_when_it_was_turned_to_utf_8() -> None:
    """Every readable file of pydicom: what was sent, and what became of it; coerced twice as well."""
    compared = 0
    for path in REAL:
        try:
            header = read_header(path.read_bytes())
            once = coerced(header)
        except RefusedInstance:
            continue
        assert is_same_content(header, once), path.name
        again = coerced(read_header(once, max_depth=18), PatientID="MRN-2", PatientName="Şahin^Ayşe")
        assert is_same_content(header, again), path.name
        compared += 1
    assert compared > 90


def test_a_corrected_file_is_the_same_as_the_stored_one() -> None:
    """The sender took over the values it was told."""
    data = small()
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.PatientID, ds.PatientName = "MRN-1", "Lindqvist^Åsa"
    stored = coerced(read_header(data), PatientID="MRN-1", PatientName="Lindqvist^Åsa")
    assert is_same_content(read_header(encoded(ds)), stored)


def test_what_a_rule_of_the_site_replaced_or_added_makes_no_other_file() -> None:
    """Sent again it is a duplicate, whatever the rules are by then; with a value that it never had, it is another."""
    data = small()
    wanted = {"PatientID": "MRN-1", "InstitutionName": "General Hospital", "StudyDescription": "MR BRAIN"}
    stored = coerced(read_header(data), **wanted)
    assert is_same_content(read_header(data), stored)
    for keyword, value in (("InstitutionName", "Elsewhere"), ("StudyDescription", "MR knee")):
        ds = pydicom.dcmread(io.BytesIO(data))
        setattr(ds, keyword, value)
        assert not is_same_content(read_header(encoded(ds)), stored)


def test_what_says_how_the_picture_is_read_is_compared_whatever_another_system_says_it_was() -> None:
    """Its Original Attributes Sequence may list anything; only what describes may differ."""
    ds = pydicom.dcmread(io.BytesIO(small()))
    before, change = pydicom.Dataset(), pydicom.Dataset()
    before.SliceThickness, before.SOPClassUID, before.StudyDescription = "1", "1.2.3", "MR knee"
    change.ModifiedAttributesSequence = [before]
    ds.OriginalAttributesSequence = [change]
    ds.SliceThickness = "5"
    stored = encoded(ds)
    assert is_same_content(read_header(stored), stored)
    ds.StudyDescription = "MR knee"
    assert is_same_content(read_header(encoded(ds)), stored)
    ds.SliceThickness = "1"
    assert not is_same_content(read_header(encoded(ds)), stored)


def test_a_file_written_again_by_another_tool_is_the_same() -> None:
    """Implicit instead of explicit VR, sequences measured otherwise."""
    ds = pydicom.dcmread(DATA / "test_files" / "CT_small.dcm")
    sent = read_header(encoded(ds))
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    for tag in [element.tag for element in ds if element.tag.is_private]:
        del ds[tag]
    explicit = io.BytesIO()
    ds.save_as(explicit, implicit_vr=True, little_endian=True, enforce_file_format=True)
    implicit = read_header(explicit.getvalue())
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    back = io.BytesIO()
    ds.save_as(back, implicit_vr=False, little_endian=True, enforce_file_format=True)
    assert is_same_content(implicit, back.getvalue())
    assert not is_same_content(sent, back.getvalue())  # its private elements are gone


OTHER: dict[str, dict[str, Any]] = {
    "other pixels": {"PixelData": bytes(128)},
    "another description": {"StudyDescription": "MR knee"},
    "an element more": {"SliceThickness": "2.5"},
    "another patient name": {"PatientName": "OTHER^PERSON"},
    "another birth date": {"PatientBirthDate": "19700101"},
    "another study date": {"StudyDate": "20260116"},
}


@pytest.mark.parametrize("what", OTHER)
def test_a_file_that_differs_is_another(what: str) -> None:
    """In both directions, coerced or not."""
    data = small()
    ds = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in OTHER[what].items():
        setattr(ds, keyword, value)
    other = encoded(ds)
    for sent, stored in ((data, other), (other, data)):
        assert not is_same_content(read_header(sent), stored)
        assert not is_same_content(read_header(sent), coerced(read_header(stored), PatientID="MRN-1"))


def test_a_stored_file_that_cannot_be_read_is_another() -> None:
    """Nothing is called a duplicate that nobody compared."""
    data = small()
    assert not is_same_content(read_header(data), data[:-10])
    assert not is_same_content(read_header(data), b"nothing of the kind")
