"""Images that move to another study together: their references follow, and nothing else changes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.changing.references import NewUids, move_file, references
from tests.support.samples import encoded, pixels, small

WHEN = datetime(2026, 11, 30, tzinfo=UTC)
UIDS = NewUids(("1.2.1", "2.25.1"), {"1.2.2": "2.25.2"}, {"1.2.3": "2.25.3", "1.2.4": "2.25.4"}, lambda uid: f"{uid}.9")


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def referring(syntax: str = ExplicitVRLittleEndian) -> bytes:
    """An image that refers to one that moves, within its series, and to one that stays."""
    ds = pydicom.dcmread(io.BytesIO(small(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.2", SOPInstanceUID="1.2.3")))
    ds.FrameOfReferenceUID = "1.2.7"
    ds.ReferencedImageSequence = Sequence([item(ReferencedSOPClassUID="1.2.840", ReferencedSOPInstanceUID="1.2.4")])
    stays = item(ReferencedSOPInstanceUID="1.2.5", PurposeOfReferenceCodeSequence=Sequence([item(CodeMeaning="Kopf")]))
    ds.SourceImageSequence = Sequence([stays])
    series = item(SeriesInstanceUID="1.2.2", ReferencedSOPSequence=Sequence([item(ReferencedSOPInstanceUID="1.2.4")]))
    of_study = item(StudyInstanceUID="1.2.1", ReferencedSeriesSequence=Sequence([series]))
    ds.CurrentRequestedProcedureEvidenceSequence = Sequence([of_study])
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    out = io.BytesIO()
    pydicom.dcmwrite(out, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return out.getvalue()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_references_to_what_moves_too_follow_it(syntax: str) -> None:
    """At every depth, with the series and the study around them; the pixels stay."""
    before = referring(syntax)
    after = move_file(read_header(before), UIDS, when=WHEN, modifying_system="test")
    ds = pydicom.dcmread(io.BytesIO(after))
    assert (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID) == ("2.25.1", "2.25.2", "2.25.3")
    assert ds.FrameOfReferenceUID == "1.2.7.9"
    assert ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "2.25.4"
    of_study = ds.CurrentRequestedProcedureEvidenceSequence[0]
    assert of_study.StudyInstanceUID == "2.25.1"
    assert of_study.ReferencedSeriesSequence[0].SeriesInstanceUID == "2.25.2"
    assert of_study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.4"
    assert pixels(after) == pixels(before)


def test_a_reference_to_what_stays_is_left_as_it_is() -> None:
    """It says what the image was made from; and how many there are of each is counted."""
    header = read_header(referring())
    ds = pydicom.dcmread(io.BytesIO(move_file(header, UIDS, when=WHEN, modifying_system="test")))
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.5"
    assert ds.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeMeaning == "Kopf"
    found = references(header, UIDS)
    assert (found.moved, found.kept) == (2, 1)


def test_the_former_uids_stand_in_the_file() -> None:
    """In the Original Attributes Sequence, and again when it is moved a second time."""
    once = move_file(read_header(referring()), UIDS, when=WHEN, modifying_system="test")
    said = pydicom.dcmread(io.BytesIO(once)).OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert (said.StudyInstanceUID, said.SeriesInstanceUID, said.SOPInstanceUID) == ("1.2.1", "1.2.2", "1.2.3")
    assert said.FrameOfReferenceUID == "1.2.7"
    further = NewUids(("2.25.1", "2.25.11"), {"2.25.2": "2.25.12"}, {"2.25.3": "2.25.13"})
    twice = pydicom.dcmread(io.BytesIO(move_file(read_header(once), further, when=WHEN, modifying_system="test")))
    assert len(twice.OriginalAttributesSequence) == 2
    assert twice.FrameOfReferenceUID == "1.2.7.9", "the images stay with their patient"
    assert encoded(twice)


def test_a_file_of_an_old_modality_can_be_moved() -> None:
    """It has group lengths, and attributes that the dictionary does not know, without saying what they are."""
    before = referring(ImplicitVRLittleEndian)
    ds = pydicom.dcmread(io.BytesIO(before))
    for part in (ds, ds.ReferencedImageSequence[0]):
        part.add_new(0x00189999, "UN", b"odd ")
    out = io.BytesIO()
    pydicom.dcmwrite(out, ds, implicit_vr=True, little_endian=True)
    length = bytes.fromhex("0800000004000000")  # pydicom writes none of its own
    old = out.getvalue().replace(bytes.fromhex("08000500"), length + bytes(4) + bytes.fromhex("08000500"), 1)
    assert pydicom.dcmread(io.BytesIO(old))[0x00080000].value == 0
    header = read_header(old)
    moved = pydicom.dcmread(io.BytesIO(move_file(header, UIDS, when=WHEN, modifying_system="test")))
    assert moved.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "2.25.4"
    assert moved.ReferencedImageSequence[0][0x00189999].value == b"odd "
