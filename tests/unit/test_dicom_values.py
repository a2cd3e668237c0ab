"""Values a caller may not put into any file, and the limits of those it may."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ehr_bridge.dicom import coerce, read_header
from tests.unit.coerce_steps import BEA, NOON, coerced, last_original
from tests.unit.dicom_samples import dcmread, file_of, storable


@pytest.mark.parametrize(("keyword", "value"), [
    ("StudyInstanceUID", "1.2"), ("SOPInstanceUID", "1.2"), ("SOPClassUID", "1.2"), ("PixelData", "x"),
    ("TransferSyntaxUID", "1.2"), ("SpecificCharacterSet", "ISO_IR 192"), ("OtherPatientIDsSequence", "x"),
    ("Rows", "5"), ("NoSuchKeyword", "x"), ("MediaStorageSOPInstanceUID", "1"), ("FileSetID", "x"),
    ("PatientID", "a\\b"), ("PatientID", "a\nb"), ("PatientID", "a\x1bb"), ("PatientID", "a\x9bb"),
    ("PatientID", "\ud800"),
    ("PatientID", "x" * 65), ("AccessionNumber", "x" * 17), ("PatientName", "x" * 65), ("PatientName", "a=b=c=d"),
    ("PatientName", "a^b^c^d^e^f"), ("PatientName", "a=" + "x" * 65), ("StudyDate", "2025-01-02"),
    ("StudyDate", "20250230"),
    ("StudyDate", "202501"), ("PatientSex", "female"), ("PatientSex", "Ä"), ("StudyTime", "2561"), ("PatientAge", "45"),
    ("PatientWeight", "heavy"), ("SeriesNumber", "1.5"), ("StudyDate", "٢٠٢٥٠١٠١"),
])  # fmt: skip
def test_value_no_file_may_get_is_an_error_of_the_caller(keyword: str, value: str) -> None:
    """Unchecked input never reaches a file, and the message does not repeat it."""
    with pytest.raises(ValueError) as error:
        coerced(file_of(storable()), {keyword: value})
    assert len(value) < 3 or value not in str(error.value)


def test_longest_values_are_taken() -> None:
    """Limits count characters, not bytes (PS3.5 section 6.2)."""
    name = "Ж" * 64 + "=" + "Я" * 64
    wanted = {"PatientID": "Ü" * 64, "AccessionNumber": "Ü" * 16, "PatientName": name}
    dataset = dcmread(coerced(file_of(storable()), wanted).data)
    assert (dataset.PatientID, str(dataset.PatientName)) == ("Ü" * 64, name)


def test_time_and_reason_of_a_modification_are_checked() -> None:
    """A local time without zone, an unnamed system or a free-text reason is a mistake of the caller."""
    header = read_header(file_of(storable()))
    for when, system, reason in (
        (datetime(2026, 1, 1), "X", "COERCE"),  # noqa: DTZ001
        (NOON, "", "COERCE"),
        (NOON.astimezone(UTC), "X", "because"),
    ):
        with pytest.raises(ValueError):
            coerce(header, BEA, when=when, modifying_system=system, reason=reason)


def test_name_of_the_source_fits_every_character_set() -> None:
    """The name of a sender loses its accents rather than turning the file to another character set."""
    result = coerced(file_of(storable()), BEA, source="Praxis Müller " + "x" * 80)
    assert last_original(result.data).SourceOfPreviousValues == ("Praxis Muller " + "x" * 80)[:64]
    assert "SpecificCharacterSet" not in {change.keyword for change in result.changes}
