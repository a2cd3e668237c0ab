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
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    REFUSED_BY_ORTHANC,
    STRICTER_THAN_ORTHANC,
    El,
    Shape,
    as_text,
    dcmdump,
    dcmread,
    differences,
    even,
    file_of,
    storable,
)

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGINAL, CHARACTER_SET = 0x04000561, 0x00080005
UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
ASCII = {
    "PatientID": "MRN-0001", "IssuerOfPatientID": "HOSP", "PatientName": "DOE^JANE", "PatientBirthDate": "19700101",
    "PatientSex": "F", "AccessionNumber": "A123456", "StudyDate": "20260101",
}  # fmt: skip
WANTED = [
    ASCII,
    {"PatientID": "Ñ-1", "PatientName": "Müller^Jörg", "AccessionNumber": ""},
    {"PatientName": "Wang^XiaoDong=王^小東", "ReferringPhysicianName": "Иванов^Иван"},
]
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
def test_coercing_any_real_file_keeps_every_promise(wanted):
    """Whatever the device, encoding or script: wanted values in, all else as before, old values kept."""
    assert over(real_files(), wanted) == {}


def test_dcmtk_reads_coerced_files():
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

LETTERS = {
    "": st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    "ISO_IR 100": st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]),
    "ISO_IR 192": st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]),
    "GB18030": st.sampled_from("abc 王小东張德中 ~é"),
    "ISO_IR 144": st.sampled_from("abc ИванПетр ~"),
}
CODECS = {"": "ascii", "ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "ISO_IR 144": "iso8859-5"}
NESTED_TAGS = (
    (0x00080104, "LO"), (0x0008103E, "LO"), (0x00100010, "PN"), (0x00102000, "LO"), (0x00104000, "LT"),
    (0x0040A160, "UT"), (0x00200011, "IS"), (0x00280010, "US"), (0x00291010, "OB"), (0x00291011, "UN"),
)  # fmt: skip
SEQUENCE_TAGS = (0x00081140, 0x00400275, 0x0040A730, 0x00291012)


@st.composite
def texts(draw, term: str, longest: int = 20) -> bytes:
    """Text in a character set, padded, without the delimiters a value must not contain."""
    text = draw(st.text(LETTERS[term], max_size=longest))
    return even("".join(letter for letter in text if letter not in "\\^=").encode(CODECS[term]))


@st.composite
def datasets(draw, term: str, depth: int) -> list[El]:
    """Elements of one level, in order, with sequences below."""
    found = {}
    for tag, vr in draw(st.lists(st.sampled_from(NESTED_TAGS), max_size=4)):
        if vr in {"US", "IS", "OB", "UN"}:
            value = draw(st.binary(min_size=2, max_size=2)) if vr != "IS" else b"7 "
        else:
            value = draw(texts(term))
        found[tag] = El(tag, vr, value)
    for tag in draw(st.lists(st.sampled_from(SEQUENCE_TAGS), max_size=2)) if depth else []:
        found[tag] = El(tag, "SQ", draw(st.lists(datasets(term, depth - 1), max_size=2)))
    if 0x00291010 in found or 0x00291011 in found or 0x00291012 in found:
        found[0x00290010] = El(0x00290010, "LO", b"SOMEBODY")
    return [found[tag] for tag in sorted(found)]


@st.composite
def files(draw) -> bytes:
    """A whole storable file in some encoding and character set."""
    term = draw(st.sampled_from(list(LETTERS)))
    shape = Shape(draw(st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED])), draw(st.booleans()), draw(st.booleans()))
    if shape.syntax == DEFLATED:
        shape = Shape(DEFLATED, shape.open_sequences)
    more = draw(datasets(term, 3))
    if draw(st.booleans()):
        more.append(El(0x00081030, "LO", draw(texts(term))))
    if term:
        more.append(El(CHARACTER_SET, "CS", even(term.encode())))
    return file_of(storable(*{el.tag: el for el in more}.values()), shape)


@st.composite
def wishes(draw) -> dict[str, str]:
    """Values some EHR might want."""
    letters = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp", "Zs"], exclude_characters="\\^=")
    plain = st.one_of(st.text(st.sampled_from("ABC123-"), max_size=16), st.text(letters, max_size=16))
    name = st.lists(st.text(letters, min_size=1, max_size=10), min_size=1, max_size=3).map("^".join)
    return draw(st.fixed_dictionaries(
        {}, optional={"PatientID": plain, "PatientName": name, "AccessionNumber": plain, "StudyDescription": plain,
                      "PatientBirthDate": st.sampled_from(["", "19991231"])},
    ))  # fmt: skip


@settings(max_examples=120, deadline=None, database=None)
@given(files(), wishes())
def test_coercing_any_generated_file_keeps_every_promise(data, wanted):
    """Nested, private, open, big endian, deflated, in five character sets: the promises hold."""
    assert broken_promises(data, wanted) == []


@settings(max_examples=60, deadline=None, database=None)
@given(files())
def test_text_of_any_generated_file_reads_as_pydicom_reads_it(data):
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
def test_file_cut_anywhere_is_refused_or_read(data, draw):
    """A broken transfer never ends in anything but a clear answer."""
    survives(data[: draw.draw(st.integers(0, len(data)))])


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.integers(0, 7999), BYTES)),
)
def test_file_with_damaged_bytes_is_refused_or_read(data, damage):
    """Whatever a bad disc or a bad person does to a file, nothing but a refusal comes out."""
    damaged = bytearray(data)
    for position, byte in damage:
        damaged[position % len(damaged)] = byte
    survives(bytes(damaged))


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0CS", b"\0\x08\0\x05CS"]))
def test_random_bytes_are_refused_or_read(data, start):
    """Noise behind a plausible beginning is no danger."""
    survives(start + data)
