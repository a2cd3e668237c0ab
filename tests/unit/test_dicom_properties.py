"""Properties of reading and coercing: over every real file we have, and over files nobody has thought of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ehr_bridge.dicom import coerce, read_header, validate
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA
from ehr_bridge.errors import RefusedInstance
from tests.support.cost import calls
from tests.support.material import real_files, wheel_files
from tests.unit.dicom_samples import (
    REFUSED_BY_ORTHANC,
    STRICTER_THAN_ORTHANC,
    as_text,
    dcmdump,
    dcmread,
    differences,
)
from tests.unit.property_steps import CHARACTER_SET, ORIGINAL, WANTED, files, wishes

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
TAGS = {
    "PatientID": 0x00100020, "IssuerOfPatientID": 0x00100021, "PatientName": 0x00100010, "PatientSex": 0x00100040,
    "PatientBirthDate": 0x00100030, "AccessionNumber": 0x00080050, "StudyDate": 0x00080020,
    "ReferringPhysicianName": 0x00080090, "StudyDescription": 0x00081030, "SpecificCharacterSet": CHARACTER_SET,
}  # fmt: skip


def broken_promises(data: bytes, wanted: dict[str, str]) -> list[str]:
    """Which promises of coercion one file breaks; pydicom is the judge of both files."""
    header = read_header(data)
    result = coerce(header, wanted, when=WHEN, modifying_system="EHR-BRIDGE")
    after_header = read_header(result.data)
    before, after = dcmread(data), dcmread(result.data)
    found = differences(before, after, {TAGS[keyword] for keyword in wanted} | {ORIGINAL, CHARACTER_SET})
    for keyword, value in wanted.items():
        if as_text(after.get(keyword)).rstrip("^") != value:
            found.append(f"{keyword} is not what was wanted")
    for tag in (PIXEL_DATA, *UIDS):
        if header.raw(tag) != after_header.raw(tag):
            found.append(f"{tag:08X} changed")
    if after_header.body[: header.dataset_start] != header.body[: header.dataset_start]:
        found.append("the meta information changed")
    for change in result.changes:
        previous = after.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]
        if TAGS[change.keyword] not in previous or as_text(previous[change.keyword].value) != change.before:
            found.append(f"{change.keyword} before is not in the original attributes")
    if coerce(after_header, wanted, when=WHEN, modifying_system="EHR-BRIDGE").data is not result.data:
        found.append("a second coercion changes the file again")
    if bool(result.changes) == (result.data is data):
        found.append("the changes do not tell whether the file changed")
    return found


def over(paths: tuple[Path, ...], wanted: dict[str, str]) -> dict[str, list[str]]:
    known = REFUSED_BY_ORTHANC.keys() | STRICTER_THAN_ORTHANC.keys()
    return {p.name: f for p in paths if p.name not in known and (f := broken_promises(p.read_bytes(), wanted))}


# --- real files


@pytest.mark.parametrize("wanted", WANTED, ids=["ascii", "german", "chinese and russian"])
def test_coercing_any_real_file_keeps_every_promise(wanted: dict[str, str]) -> None:
    """Whatever the device, encoding or script: wanted values in, all else as before, old values kept."""
    assert over(real_files(), wanted) == {}


def test_dcmtk_reads_coerced_files() -> None:
    """The reference implementation reads what we made of one file of each kind."""
    names = {"CT_small.dcm", "MR_small_bigendian.dcm", "rtplan.dcm", "image_dfl.dcm", "JPEG2000.dcm", "chrH32.dcm"}
    paths = [path for path in wheel_files() if path.name in names]
    assert len(paths) == len(names)
    for path in paths:
        for wanted in WANTED:
            result = coerce(read_header(path.read_bytes()), wanted, when=WHEN, modifying_system="EHR-BRIDGE")
            dump = dcmdump(result.data, convert=False)
            assert "[EHR-BRIDGE]" in dump
            assert f"[{wanted['PatientName']}]" in dump or "[ISO_IR 100]" in dump


# --- generated files


@settings(max_examples=120, deadline=None, database=None)
@given(files(), wishes())
def test_coercing_any_generated_file_keeps_every_promise(data: bytes, wanted: dict[str, str]) -> None:
    """Nested, private, open, big endian, deflated, in five character sets: the promises hold."""
    assert broken_promises(data, wanted) == []


@settings(max_examples=60, deadline=None, database=None)
@given(files())
def test_text_of_any_generated_file_reads_as_pydicom_reads_it(data: bytes) -> None:
    """Our reading and pydicom's agree on every public text element."""
    header, dataset = read_header(data), dcmread(data)
    for el in dataset:
        if el.VR in {"LO", "PN", "LT", "SH", "DA", "UI", "UT"} and not el.tag.is_private:
            assert header.text(int(el.tag)).strip() == as_text(el.value).strip()


CODES = {
    "empty_file", "not_dicom", "truncated", "malformed", "unreadable_meta", "nested_too_deep", "too_many_elements",
    "inflated_too_large", "cannot_recode"
}  # fmt: skip
BYTES = st.sampled_from([0, 1, 0x1B, 0x5C, 0x7E, 0xFE, 0xFF]) | st.integers(0, 255)
SMALL = [path.read_bytes() for path in wheel_files() if path.stat().st_size < 8000]


def survives(data: bytes) -> None:
    """Read, judge and coerce a file; only a refusal may stop it, and the work is never out of all proportion."""
    assert calls(lambda: _survives(data)) < 100_000


def _survives(data: bytes) -> None:
    try:
        header = read_header(data)
        validate(header)
        for wanted in WANTED:
            read_header(coerce(header, wanted, when=WHEN, modifying_system="EHR-BRIDGE").data)
    except RefusedInstance as refused:
        assert refused.code in CODES


@settings(max_examples=250, deadline=None, database=None)
@given(st.sampled_from(SMALL), st.data())
def test_file_cut_anywhere_is_refused_or_read(data: bytes, draw: st.DataObject) -> None:
    """A broken transfer never ends in anything but a clear answer."""
    survives(data[: draw.draw(st.integers(0, len(data)))])


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.integers(0, 7999), BYTES)),
)
def test_file_with_damaged_bytes_is_refused_or_read(data: bytes, damage: list[tuple[int, int]]) -> None:
    """Whatever a bad disc or a bad person does to a file, nothing but a refusal comes out."""
    damaged = bytearray(data)
    for position, byte in damage:
        damaged[position % len(damaged)] = byte
    survives(bytes(damaged))


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0CS", b"\0\x08\0\x05CS"]))
def test_random_bytes_are_refused_or_read(data: bytes, start: bytes) -> None:
    """Noise behind a plausible beginning is no danger."""
    survives(start + data)
