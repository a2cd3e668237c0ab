"""Reading headers: what is accepted, what is refused and why, and that the text is right.

Orthanc 1.12.7 and DCMTK 3.6.9 were asked about every crafted file here; where we are stricter, the test says so.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA, TEXT_VRS
from ehr_bridge.errors import RefusedInstance
from tests.support.material import mr_series, real_files, too_long
from tests.unit.dicom_samples import (
    AS_USUAL,
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    INNER,
    PREAMBLE,
    REFUSED_BY_ORTHANC,
    SHAPES,
    STRICTER_THAN_ORTHANC,
    UNDEFINED,
    El,
    Shape,
    as_text,
    dcmread,
    delimiter,
    element,
    file_of,
    head,
    item,
    meta,
    refusal_of,
    sequence,
    shape_name,
    storable,
)


def disagreements(path: Path) -> list[str]:
    """Public text elements that we and pydicom read differently."""
    data = path.read_bytes()
    header, dataset = read_header(data), dcmread(data)
    assert set(header.walk.starts) == {int(el.tag) for el in dataset}
    found = []
    for el in dataset:
        if el.VR in TEXT_VRS and not el.tag.is_private:
            ours, theirs = header.text(int(el.tag)).strip(), as_text(el.value)
            if ours != theirs:
                found.append(f"{el.tag} {ours!r} {theirs!r}")
    return found


def accepted(path: Path) -> bool:
    return path.name not in REFUSED_BY_ORTHANC and path.name not in STRICTER_THAN_ORTHANC


# --- real files


def test_files_of_the_wheel_are_accepted_exactly_as_orthanc_accepts_them() -> None:
    """Each real file is taken if Orthanc can read it, and refused with a reason if it cannot."""
    outcome = {}
    for path in real_files():
        try:
            read_header(path.read_bytes())
        except RefusedInstance as refused:
            outcome[path.name] = refused.code
    expected = REFUSED_BY_ORTHANC | STRICTER_THAN_ORTHANC
    present = {path.name for path in real_files()}
    assert len(present) > 130
    assert outcome == {name: code for name, code in expected.items() if name in present}


def test_text_of_real_files_reads_as_pydicom_reads_it() -> None:
    """Names, numbers and dates of the files that ship with pydicom, and more, read the same with us, in 17 scripts."""
    assert {p.name: d for p in real_files() if accepted(p) and (d := disagreements(p))} == {}


def test_series_with_one_damaged_slice_loses_only_that_slice() -> None:
    """The first has as much again behind its last element; it is refused with the place, the others are taken."""
    first, *others = mr_series()
    codes = []
    for data in (too_long(first), *others):
        try:
            codes.append(read_header(data).modality)
        except RefusedInstance as refused:
            codes.append(refused.code)
            assert f"byte {len(first)} " in refused.detail
            assert "export it again" in refused.detail
    assert codes == ["malformed"] + ["MR"] * 6


# --- what is not a DICOM file at all


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\0", "not_dicom"),
        (b"hello, this is a text file", "not_dicom"),
        (b"PK\x03\x04" + b"\0" * 200, "not_dicom"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "not_dicom"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 200, "not_dicom"),
        (b"\x08\x00\x05\x00\xff\xff\xff\x7f", "not_dicom"),
        (b"\0" * 128, "not_dicom"),
        (b"\0" * 132, "not_dicom"),
        (PREAMBLE, "truncated"),
        (PREAMBLE + b"\2\0\0\0UL", "truncated"),
        (PREAMBLE + b"junk behind the mark", "malformed"),
    ],
)
def test_file_that_is_no_dicom_file_is_refused(data: bytes, code: str) -> None:
    """A text, a picture, an archive or an empty file is told apart from a damaged DICOM file."""
    assert refusal_of(data) == code


def test_refusal_never_repeats_what_the_file_says() -> None:
    """A reason for refusal can be shown and logged: it holds no patient data."""
    for data in (file_of(storable())[:-4], file_of(storable()) + b"\0" * 9, file_of(storable())[:300]):
        with pytest.raises(RefusedInstance) as refused:
            read_header(data)
        assert "ALICE" not in str(refused.value)
        assert len(refused.value.detail) > 40


# --- the beginning of a file


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_file_in_each_encoding_is_read(shape: Shape) -> None:
    """Implicit, explicit and big endian files say the same about Alice."""
    header = read_header(file_of(storable(), shape))
    assert header.patient_name == "ALICE^ANN"
    assert header.patient_id == "ID-1"
    assert header.study_instance_uid == "1.2.3"
    assert header.sop_instance_uid == "1.2.3.40"
    assert header.accession_number == "A1"
    assert header.transfer_syntax_uid == shape.syntax
    assert (header.implicit, header.big_endian) == (shape.syntax == IMPLICIT, shape.syntax == BIG)
    assert header.raw(PIXEL_DATA) == bytes(range(16))
    assert header.raw(0x00104000) is None
    assert header.text("PatientComments") == ""


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_dataset_without_preamble_and_meta_is_read(syntax: str) -> None:
    """Old archives keep bare datasets; they are taken, and the header says that nothing declared them."""
    shape = Shape(syntax, preamble=False)
    header = read_header(file_of(storable(), shape))
    assert header.patient_id == "ID-1"
    assert (header.has_preamble, header.meta, header.dataset_start) == (False, {}, 0)
    assert header.transfer_syntax_uid == syntax


def test_meta_information_without_preamble_is_read() -> None:
    """A file that starts with group 0002 is taken."""
    data = file_of(storable())[132:]
    header = read_header(data)
    assert (header.has_preamble, bool(header.meta)) == (False, True)
    assert header.patient_id == "ID-1"


def test_unknown_transfer_syntax_is_guessed_from_the_first_element() -> None:
    """A private transfer syntax does not hide the patient: the first element shows how it is written."""
    for shape in (Shape(EXPLICIT), Shape(IMPLICIT)):
        dataset = file_of(storable(), Shape(shape.syntax, preamble=False))
        header = read_header(PREAMBLE + meta("1.2.3.4.5") + dataset)
        assert header.patient_id == "ID-1"
        assert header.transfer_syntax_uid == "1.2.3.4.5"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("wrong", [-24, -12, -1, 1, 12, 24, 200, 1 << 31])
def test_a_false_length_of_the_meta_information_is_put_right(wrong: int, syntax: str) -> None:
    """Orthanc goes by that length: it would take the character set of the names for meta information, or lose the
    file. Many writers count the 12 bytes of the length itself. What is kept is the file with the right length."""
    right = file_of(storable(), Shape(syntax))
    length = len(meta(syntax)) - 12
    header = read_header(file_of(storable(), Shape(syntax), meta_length=length + wrong & 0xFFFFFFFF))
    assert (header.patient_id, header.data) == ("ID-1", right)
    assert read_header(right).data is right


@pytest.mark.parametrize(
    "element_", [b"OB\0\0\4\0\0\0\xb0\0\0\0", b"UN\0\0\0\0\0\0", b"US\2\0\x10\0", b"UL\0\0", b"??\2\0ab"]
)
def test_a_length_of_the_meta_information_that_is_no_number_is_put_right(element_: bytes) -> None:
    """Whatever stands in (0002,0000), Orthanc finds a number there."""
    right = file_of(storable())
    assert read_header(right[:136] + element_ + right[144:]).data == right


@pytest.mark.parametrize("vr", [b"OV", b"SV", b"UV", b"SQ", b"ZZ", b"  ", b"??", b"--", b"00"])
def test_meta_information_that_orthanc_cannot_read_is_refused_by_name(vr: bytes) -> None:
    """Orthanc 1.12.7 stores nothing that has such a value representation in group 0002, whatever the element."""
    long = vr in (b"OV", b"SV", b"UV", b"SQ", b"ZZ")
    odd = b"\2\0\x13\0" + vr + (b"\0\0\4\0\0\0" if long else b"\4\0") + b"TEST"
    usual = file_of(storable())
    start = read_header(usual).dataset_start
    assert refusal_of(usual[:start] + odd + usual[start:]) == "unreadable_meta"


def test_a_nul_inside_a_text_shows_as_its_sign() -> None:
    """PostgreSQL takes no NUL; two numbers that differ in one are not the same number."""
    header = read_header(file_of(storable(El(0x00100020, "LO", b"AB\0CD\0"))))
    assert header.patient_id == "AB\u2400CD"


def test_element_tells_where_it_lies() -> None:
    """Positions point into the body: header, value and end of each element."""
    data = file_of(storable())
    header = read_header(data)
    el = header.element(0x00100020)
    assert el is not None
    assert el == header.elements[0x00100020]
    assert (el.vr, el.length) == ("LO", 4)
    assert data[el.start : el.end] == b"\x10\0\x20\0LO\4\0ID-1"
    assert data[el.value_start : el.end] == b"ID-1"
    assert header.meta[0x00020010].vr == "UI"
    with pytest.raises(KeyError):
        header.text("NoSuchKeyword")


# --- irregular but harmless


HARMLESS: dict[str, list[El] | bytes] = {
    "unsorted": [*storable(without=(0x00100010,)), El(0x00100010, "PN", b"ALICE^ANN ")],
    "odd_length": storable(El(0x00204000, "LT", b"abc")),
    "trailing_padding": [*storable(), El(0xFFFCFFFC, "OB", b"\0" * 100)],
    "group_lengths": storable(El(0x00100000, "UL", b"\1\0\0\0")),
    "private_sequence": storable(El(0x00110010, "LO", b"ACME"), El(0x00111001, "SQ", [[El(0x00111002, "LO", b"x ")]])),
    "unknown_vr_of_the_future": b"\x41\0\7\0XX\0\0\4\0\0\0abcd",
    "spaces_for_a_vr": b"\x41\0\7\0  \4\0abcd",
    "sequence_delimiter_at_its_end": sequence(item([], AS_USUAL), delimiter(0xE0DD)),
    "item_delimiter_at_its_end": sequence(delimiter(0xE000, AS_USUAL, 20) + INNER + delimiter(0xE00D)),
    "item_delimiter_with_a_length": sequence(
        delimiter(0xE000, AS_USUAL, UNDEFINED), b"\xfe\xff\x0d\xe0CS\0\0", delimiter(0xE0DD), length=UNDEFINED
    ),
    "open_un": sequence(
        delimiter(0xE000, AS_USUAL, 12) + struct.pack("<HHI", 0x40, 7, 4) + b"abcd",
        delimiter(0xE0DD),
        length=UNDEFINED,
        vr="UN",
        tag=0x00411001,
    ),
    "un_that_looks_like_items": sequence(b"\xfe\xff\0\xe0\xff\xff\0\0", vr="UN", tag=0x00411001),
    "fragments_though_not_compressed": head(PIXEL_DATA, "OB", UNDEFINED, AS_USUAL)
    + delimiter(0xE000)
    + delimiter(0xE000, AS_USUAL, 4)
    + b"abcd"
    + delimiter(0xE0DD),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_irregular_file_that_orthanc_reads_is_accepted(name: str) -> None:
    """Devices write strange things that hurt nobody; their images are taken."""
    content = HARMLESS[name]
    if isinstance(content, bytes):
        content = b"".join(element(el, AS_USUAL) for el in storable(without=(PIXEL_DATA,))) + content
    data = file_of(content)
    assert read_header(data).patient_id == "ID-1"


def test_repeated_element_counts_once_and_is_reported() -> None:
    """Of two Patient IDs the first is read, as Orthanc does; the second is known to be there."""
    header = read_header(file_of([*storable(), El(0x00100020, "LO", b"OTHER ")]))
    assert header.patient_id == "ID-1"
    assert [tag for tag, _, _ in header.walk.repeats] == [0x00100020]
