"""Rejection notes: what others' tools find in ours, and what we read in those of others."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from ehr_bridge.dicom import read_header
from ehr_bridge.reporting.documents import Place, Site, Subject
from ehr_bridge.reporting.rejection_note import TITLES, Named, read_note, rejection_note
from tests.support.samples import small
from tests.unit.report_steps import errors

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WAVEFORM, RAW = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.66"


def made(reason: str = "quality", comment: str | None = "motion") -> bytes:
    file = dcmread(io.BytesIO(small()))
    images = [
        Named(str(file.SeriesInstanceUID), str(file.SOPClassUID), str(file.SOPInstanceUID)),
        Named(generate_uid(), WAVEFORM, generate_uid()),
        Named(generate_uid(), RAW, generate_uid()),
    ]
    place = Place(generate_uid(), generate_uid(), 9801)
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return rejection_note(reason, comment, images, NOON, Subject.of(out.getvalue()), place, Site("St. Mary's"))


@pytest.mark.parametrize("reason", TITLES)
@pytest.mark.parametrize("comment", [None, "Ärger \\ with 山田"])
def test_a_note_of_ours_has_no_fault_and_is_read_as_it_was_meant(
    tmp_path: Path, reason: str, comment: str | None
) -> None:
    """By dciodvfy (PS3.3), and by ourselves."""
    data = made(reason, comment)
    assert errors(tmp_path, data) == []
    note = read_note(read_header(data))
    assert note is not None
    assert (note.reason, note.comment, len(note.images)) == (reason, comment and comment.replace("\\", "/"), 3)
    kinds = [item.ValueType for item in dcmread(io.BytesIO(data)).ContentSequence if item.ValueType != "TEXT"]
    assert kinds == ["IMAGE", "WAVEFORM", "COMPOSITE"]


def test_what_is_no_rejection_note_is_none() -> None:
    """An image, and key images that somebody wants to be seen."""
    assert read_note(read_header(small())) is None
    file = dcmread(io.BytesIO(made()))
    file.ConceptNameCodeSequence[0].CodeValue = "113000"
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    assert read_note(read_header(out.getvalue())) is None
