"""Findings: what keeps a file out, and what people are told about it."""

from __future__ import annotations

from datetime import date

import pytest

from ehr_bridge.dicom import Finding, date_text, is_date, is_uid, read_header, require_storable, validate
from ehr_bridge.errors import RefusedInstance
from tests.support.material import wheel_files
from tests.unit.dicom_samples import PREAMBLE, El, Shape, file_of, meta, storable

UIDS = {
    0x0020000D: "(0020,000D)",
    0x0020000E: "(0020,000E)",
    0x00080018: "(0008,0018)",
    0x00080016: "(0008,0016)",
}


def findings(*more: El, without: tuple[int, ...] = (), data: bytes | None = None) -> list[tuple[str, str, str | None]]:
    """Level, code and tag of each finding for Alice's image with other elements."""
    header = read_header(data if data is not None else file_of(storable(*more, without=without)))
    return [(finding.level, finding.code, finding.tag) for finding in validate(header)]


def test_good_file_has_no_findings() -> None:
    """A complete image can be stored and nobody is bothered."""
    assert findings() == []
    require_storable(read_header(file_of(storable())))


@pytest.mark.parametrize("value", [None, b"", b"\0\0", b"  "])
def test_a_missing_sop_class_is_only_a_warning(value: bytes | None) -> None:
    """Orthanc stores and shows such a file, and nothing is asked for by its class."""
    more = () if value is None else (El(0x00080016, "UI", value),)
    assert findings(*more, without=(0x00080016,)) == [("warning", "missing_sop_class", "(0008,0016)")]
    require_storable(read_header(file_of(storable(*more, without=(0x00080016,)))))


@pytest.mark.parametrize("tag", [tag for tag in UIDS if tag != 0x00080016])
@pytest.mark.parametrize("value", [None, b"", b"\0\0", b"  "])
def test_missing_uid_keeps_a_file_out(tag: int, value: bytes | None) -> None:
    """An image that does not say which study, series or instance it is cannot be stored."""
    more = () if value is None else (El(tag, "UI", value),)
    assert findings(*more, without=(tag,)) == [("error", "missing_uid", UIDS[tag])]
    with pytest.raises(RefusedInstance) as refused:
        require_storable(read_header(file_of(storable(*more, without=(tag,)))))
    assert refused.value.code == "missing_uid"
    assert refused.value.errors[0][0] == UIDS[tag]
    assert "Export the file again" in refused.value.detail


@pytest.mark.parametrize("tag", UIDS)
@pytest.mark.parametrize("value", [b"1.2.x3", b"1..2", b".1.2", b"1.2.", b"1.2\\1.3", b"1" * 66, b"1.2 .3", b"1.2-3"])
def test_invalid_uid_keeps_a_file_out(tag: int, value: bytes) -> None:
    """A UID with letters, empty parts or more than 64 characters cannot be a key."""
    assert findings(El(tag, "UI", value)) == [("error", "invalid_uid", UIDS[tag])]
    with pytest.raises(RefusedInstance, match="invalid_uid"):
        require_storable(read_header(file_of(storable(El(tag, "UI", value)))))


LONG = [
    (b"A" * 256, []),
    (b"A" * 256 + b"  ", []),
    (b"A" * 257, ["cannot_index"]),
    ("\xe9".encode() * 128, []),
    ("\xe9".encode() * 129, ["cannot_index"]),
    (b"A" * 60 + b"\\" + b"B" * 60, []),
    (b"\\".join([b"A" * 60] * 5), ["cannot_index"]),
]


@pytest.mark.parametrize(("value", "expected"), LONG)
def test_a_patient_id_that_orthanc_cannot_index_keeps_a_file_out(value: bytes, expected: list[str]) -> None:
    """Orthanc 1.12.7 keeps up to 256 bytes of UTF-8, and answers an error to a file whose Patient ID is longer."""
    found = findings(El(0x00080005, "CS", b"ISO_IR 192"), El(0x00100020, "LO", value))
    assert [code for level, code, _ in found if level == "error"] == expected


@pytest.mark.parametrize(
    "vr", ["OB", "OW", "OF", "OD", "OL", "OV", "SV", "UV", "FD", "FL", "US", "SL", "AT", "SQ", "??", "  "]
)
@pytest.mark.parametrize("tag", [0x0020000D, 0x0020000E, 0x00080018, 0x00100020])
def test_an_identifier_that_is_not_text_keeps_a_file_out(tag: int, vr: str) -> None:
    """Orthanc cannot index bytes, and turns numbers into a UID that nobody wrote."""
    value = b"" if vr == "SQ" else b"1.2.3.40"
    found = findings(El(tag, vr, value))
    assert ("error", "cannot_index", f"({tag >> 16:04X},{tag & 0xFFFF:04X})") in found


@pytest.mark.parametrize("vr", ["UN", "LO", "UT", "SH", "UI"])
def test_an_identifier_in_another_text_is_taken(vr: str) -> None:
    """Orthanc reads it, and so do we."""
    assert findings(El(0x0020000D, vr, b"1.2.3.40"), El(0x00100020, vr, b"ID-1")) == []


def test_all_errors_are_told_at_once() -> None:
    """The sender learns everything that is missing, not one thing at a time."""
    header = read_header(file_of(storable(without=tuple(UIDS))))
    with pytest.raises(RefusedInstance) as refused:
        require_storable(header)
    assert [tag for tag, _ in refused.value.errors] == [tag for tag in UIDS.values() if tag != "(0008,0016)"]


def test_leading_zero_in_a_uid_is_only_a_warning() -> None:
    """Old devices write 1.2.03; Orthanc stores it, so the image is kept."""
    assert findings(El(0x0020000D, "UI", b"1.2.03")) == [("warning", "leading_zero_in_uid", "(0020,000D)")]


def test_dicomdir_is_told_apart_from_an_image() -> None:
    """The index of a disc is refused as such, whatever it is called."""
    files = [path for path in wheel_files() if path.name.startswith("DICOMDIR") and "nooffset" not in path.name]
    assert len(files) >= 6
    for path in files:
        header = read_header(path.read_bytes())
        assert findings(data=path.read_bytes())[0] == ("error", "dicomdir", None)
        with pytest.raises(RefusedInstance, match="dicomdir"):
            require_storable(header)


def test_sop_class_of_a_directory_is_refused() -> None:
    """A file that calls itself a Media Storage Directory is refused even without directory records."""
    data = file_of(storable(El(0x00080016, "UI", b"1.2.840.10008.1.3.10")))
    assert findings(data=data)[0] == ("error", "dicomdir", None)


@pytest.mark.parametrize(
    ("el", "code", "tag"),
    [
        (El(0x00100020, "LO", b""), "missing_patient_id", "(0010,0020)"),
        (El(0x00100020, "LO", b"1" * 66), "patient_id_too_long", "(0010,0020)"),
        (El(0x00100010, "PN", b"^^"), "missing_patient_name", "(0010,0010)"),
        (El(0x00100030, "DA", b"19801301"), "invalid_date", "(0010,0030)"),
        (El(0x00100030, "DA", b"1980    "), "invalid_date", "(0010,0030)"),
        (El(0x00080020, "DA", b"20250229"), "invalid_date", "(0008,0020)"),
        (El(0x00080020, "DA", b"2025.01.02"), "invalid_date", "(0008,0020)"),
        (El(0x00080050, "SH", b"1" * 18), "accession_number_too_long", "(0008,0050)"),
        (El(0x00080060, "CS", b""), "missing_modality", "(0008,0060)"),
        (El(0x00100020, "LO", b"ID\x07 1 "), "control_character", "(0010,0020)"),
        (El(0x00080005, "CS", b"KLINGON "), "unknown_character_set", "(0008,0005)"),
        (El(0x00080005, "CS", b"\\ISO 2022 IR 99 "), "unknown_character_set", "(0008,0005)"),
    ],
)
def test_doubtful_value_is_a_warning(el: El, code: str, tag: str) -> None:
    """What looks wrong is shown to people, but the image is stored."""
    data = file_of(storable(el))
    assert findings(data=data) == [("warning", code, tag)]
    require_storable(read_header(data))


@pytest.mark.parametrize(
    "term",
    [b"", b"ISO_IR 100", b"ISO_IR 192", b"GB18030 ", b"GBK ", b"ISO 2022 IR 6\\ISO 2022 IR 87 ", b"\\ISO 2022 IR 149 "],
)
def test_defined_character_set_is_no_finding(term: bytes) -> None:
    """The sets of the Standard are known, with and without code extensions."""
    assert findings(El(0x00080005, "CS", term)) == []


def test_empty_birth_date_is_no_finding() -> None:
    """An emergency patient without a birth date is not a broken file."""
    assert findings(El(0x00100030, "DA", b"")) == []


def test_unknown_transfer_syntax_is_a_warning() -> None:
    """Pixels we may not be able to show are told."""
    data = PREAMBLE + meta("1.2.3.4.5") + file_of(storable(), Shape(preamble=False))
    assert findings(data=data) == [("warning", "unknown_transfer_syntax", "(0002,0010)")]


def test_repeated_element_is_a_warning() -> None:
    """Two Patient IDs in one file are shown to a person."""
    data = file_of([*storable(), El(0x00100020, "LO", b"OTHER ")])
    assert findings(data=data) == [("warning", "repeated_element", "(0010,0020)")]


def test_findings_hold_no_patient_data() -> None:
    """A finding can be logged."""
    data = file_of(storable(El(0x00100020, "LO", b"SECRET" * 12), El(0x00100030, "DA", b"SECRET  ")))
    found = validate(read_header(data))
    assert len(found) == 2
    assert not any("SECRET" in text for finding in found for text in finding if text)
    assert all(isinstance(finding, Finding) for finding in found)


@pytest.mark.parametrize("text", ["1.2.840.10008.1.2", "0", "2.25.0", "1." * 31 + "12"])
def test_uid_of_the_standard_is_a_uid(text: str) -> None:
    """Digits and dots, no leading zeros, up to 64 characters."""
    assert is_uid(text)


@pytest.mark.parametrize("text", ["", ".", "1.", "1..2", "01.2", "1.02", "1.2\n", "1.٣", "a", "1." * 32 + "1", "1 .2"])
def test_other_text_is_no_uid(text: str) -> None:
    """Nothing else is a UID, not even digits of other scripts."""
    assert not is_uid(text)


@pytest.mark.parametrize(("text", "valid"), [
    ("20240229", True), ("19000228", True), ("19000229", False), ("20000229", True), ("20250431", False),
    ("00000101", False), ("20251301", False), ("2025010", False), ("٢٠٢٥٠١٠١", False), ("20250100", False),
])  # fmt: skip
def test_date_is_a_day_of_the_calendar(text: str, valid: bool) -> None:
    """Leap years count, other scripts do not."""
    assert is_date(text) is valid


@pytest.mark.parametrize("day", [date(1, 1, 1), date(800, 12, 25), date(1961, 3, 14), date(9999, 12, 31)])
def test_every_day_of_the_calendar_is_written_as_a_day(day: date) -> None:
    """A year in the first millennium has four digits too; the EHR may say anything."""
    assert is_date(date_text(day)) and date.fromisoformat(date_text(day)) == day
    assert date_text(None) == ""
