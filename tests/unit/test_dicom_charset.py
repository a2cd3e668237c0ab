"""Character sets: a value is written in the file's own set if it can be, and all text keeps its reading if not."""

from __future__ import annotations

import pytest

from ehr_bridge.dicom import Change, Header, read_header
from ehr_bridge.dicom.structure.charset import decode, encode, encodings_of
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA
from ehr_bridge.errors import RefusedInstance
from tests.unit.coerce_steps import CHARACTER_SET, ORIGINAL, coerced, last_original
from tests.unit.dicom_samples import (
    AS_USUAL,
    DEFLATED,
    SHAPES,
    El,
    Shape,
    dcmdump,
    dcmread,
    delimiter,
    differences,
    element,
    even,
    file_of,
    item,
    sequence,
    shape_name,
    storable,
)

LONG_TEXT, DESCRIPTION = 0x00104000, 0x00081030


def with_set(term: str, *more: El) -> list[El]:
    return storable(El(CHARACTER_SET, "CS", even(term.encode())), *more)


def charset_of(data: bytes) -> str:
    return read_header(data).text(CHARACTER_SET)


# --- written in the set of the file

FITTING = [
    ("ISO_IR 100", "MÜLLER^JÖRG", b"M\xdcLLER^J\xd6RG"),
    ("ISO_IR 144", "Иванов^Иван", b"\xb8\xd2\xd0\xdd\xde\xd2^\xb8\xd2\xd0\xdd"),
    ("ISO_IR 126", "Διονυσιος", "Διονυσιος".encode("iso8859-7")),
    ("ISO_IR 166", "สมชาย", "สมชาย".encode("tis-620")),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3"),
    ("GB18030", "王^小东", "王^小东".encode("gb18030")),
    ("GBK", "王^小东", "王^小东".encode("gbk")),
    ("ISO_IR 192", "王^小東=Ж", "王^小東=Ж".encode()),
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ=春子", b"\xd4\xcf\xc0\xde=\x1b$B=U;R\x1b(J"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7"),
    ("ISO 2022 IR 100\\ISO 2022 IR 144", "Müller=Müller^Иван", b"M\xfcller=M\xfcller^\x1b-L\xb8\xd2\xd0\xdd"),
]


@pytest.mark.parametrize(("term", "name", "raw"), FITTING, ids=[term for term, _, _ in FITTING])
def test_name_is_written_in_the_set_the_file_declares(term: str, name: str, raw: bytes) -> None:
    """A Japanese, Korean, Russian or German name goes in as that file writes names; the set stays."""
    data = file_of(with_set(term))
    result = coerced(data, {"PatientName": name})
    header = read_header(result.data)
    assert header.raw(0x00100010) == even(raw)
    assert header.patient_name == name == str(dcmread(result.data).PatientName)
    assert charset_of(result.data) == term
    assert result.changes == (Change("PatientName", "ALICE^ANN", name),)


@pytest.mark.parametrize(("term", "name"), [
    ("", "MÜLLER"), ("ISO_IR 6", "é"), ("ISO_IR 100", "Иван"), ("\\ISO 2022 IR 87", "é"), ("\\ISO 2022 IR 100", "é"),
    ("ISO_IR 13", "ﾔ~"), ("ISO_IR 13", "山"), ("\\ISO 2022 IR 58", "张"), ("KLINGON", "é"), ("ISO_IR 144", "山 Иван"),
    ("\\ISO 2022 IR 87", "山田"), ("ISO 2022 IR 100\\ISO 2022 IR 144", "Müller^Иван"),
])  # fmt: skip
def test_name_the_set_cannot_hold_turns_the_file_to_utf8(term: str, name: str) -> None:
    """An undeclared set is ASCII, whatever readers make of it; the first group of a name knows no escapes.

    The change of set is recorded as a change.
    """
    data = file_of(with_set(term, El(DESCRIPTION, "LO", b"plain ")))
    result = coerced(data, {"PatientName": name})
    assert charset_of(result.data) == "ISO_IR 192"
    assert str(dcmread(result.data).PatientName) == name
    assert result.changes == (
        Change("SpecificCharacterSet", term, "ISO_IR 192"),
        Change("PatientName", "ALICE^ANN", name),
    )
    before = last_original(result.data).ModifiedAttributesSequence[0]
    assert before.PatientName == "ALICE^ANN"
    assert before[CHARACTER_SET].value in (term, term.split("\\"), None)
    assert coerced(result.data, {"PatientName": name}).data is result.data


def test_text_that_needs_an_escape_pydicom_forgets_turns_the_file_to_utf8() -> None:
    """Latin-1 letters in a file of ASCII with extensions would be read differently by others."""
    result = coerced(file_of(with_set("\\ISO 2022 IR 100")), {"PatientID": "é"})
    assert charset_of(result.data) == "ISO_IR 192"
    assert dcmread(result.data).PatientID == "é"


def test_set_is_declared_in_a_file_that_had_none() -> None:
    """The element goes in front of all text, and its absence before is recorded."""
    result = coerced(file_of(storable()), {"PatientName": "Ü"})
    assert next(iter(read_header(result.data).walk.starts)) == CHARACTER_SET
    assert CHARACTER_SET in last_original(result.data).ModifiedAttributesSequence[0]


# --- everything else keeps its reading

LATIN = even("Jörg's Fuß".encode("latin-1"))
NESTED = [
    El(0x00400007, "LO", LATIN),
    El(0x00400008, "SQ", [[El(0x00080100, "SH", b"A "), El(0x00080104, "LO", LATIN)], [El(0x00080104, "LO", b"B ")]]),
]


@pytest.mark.parametrize("shape", [*SHAPES, Shape(DEFLATED)], ids=shape_name)
def test_text_at_every_level_reads_as_before_when_the_set_changes(shape: Shape) -> None:
    """German text in a Latin-1 file stays German when the patient gets a Chinese name."""
    data = file_of(
        with_set(
            "ISO_IR 100",
            El(DESCRIPTION, "LO", LATIN),
            El(LONG_TEXT, "LT", even("a\r\nÄ\\~ ".encode("latin-1"))),
            El(0x00400275, "SQ", [NESTED, NESTED]),
            El(0x00110010, "LO", even("ÖACME".encode("latin-1"))),
            El(0x00111001, "UN", b"\xff\xfe\xfd\xfc"),
            El(ORIGINAL, "SQ", [[El(0x04000550, "SQ", [[El(0x00100010, "PN", LATIN)]]), El(0x04000563, "LO", LATIN)]]),
        ),
        shape,
    )
    result = coerced(data, {"PatientName": "王^小東", "PatientID": "Ä"})
    before, after = dcmread(data), dcmread(result.data)
    changed = {0x00100010, 0x00100020, CHARACTER_SET, ORIGINAL}
    assert differences(before, after, changed) == []
    assert after.StudyDescription == "Jörg's Fuß"
    assert differences(before[ORIGINAL].value[0], after[ORIGINAL].value[0], set()) == []
    assert str(after.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientName) == "Jörg's Fuß"
    assert read_header(result.data).raw(PIXEL_DATA) == bytes(range(16))
    assert "Jörg's Fuß" in dcmdump(result.data)


def test_japanese_text_reads_as_before_when_the_set_changes() -> None:
    """Seven-bit escape sequences look like ASCII and are not."""
    term = "\\ISO 2022 IR 87"
    raw = encode("検査 春子", encodings_of(term.encode()), "LO")
    assert raw is not None
    assert raw.isascii()
    data = file_of(with_set(term, El(DESCRIPTION, "LO", even(raw))))
    result = coerced(data, {"PatientName": "Ünal"})
    assert dcmread(result.data).StudyDescription == "検査 春子"
    assert dcmread(data).StudyDescription == "検査 春子"


def test_item_with_its_own_set_is_left_alone() -> None:
    """A Korean item inside a Latin-1 file keeps its bytes, and its reading."""
    korean = encode("홍길동", encodings_of(b"\\ISO 2022 IR 149"), "LO") or b""
    own = [El(CHARACTER_SET, "CS", b"\\ISO 2022 IR 149 "), El(0x00400007, "LO", even(korean))]
    data = file_of(with_set("ISO_IR 100", El(DESCRIPTION, "LO", LATIN), El(0x00400275, "SQ", [own, NESTED])))
    result = coerced(data, {"PatientName": "王"})
    assert korean in result.data
    assert differences(dcmread(data), dcmread(result.data), {0x00100010, CHARACTER_SET, ORIGINAL}) == []
    assert dcmread(result.data).RequestAttributesSequence[0].ScheduledProcedureStepDescription == "홍길동"


def test_text_in_unknown_elements_of_known_meaning_is_recoded() -> None:
    """A public or private text element that lost its VR on the way still reads the same."""
    data = file_of(with_set(
        "ISO_IR 100", El(DESCRIPTION, "UN", LATIN), El(0x00090010, "LO", b"GEMS_IDEN_01"), El(0x00091004, "UN", LATIN),
    ))  # fmt: skip
    result = coerced(data, {"PatientName": "王"})
    assert differences(dcmread(data), dcmread(result.data), {0x00100010, CHARACTER_SET, ORIGINAL}) == []
    assert read_header(result.data).study_description == "Jörg's Fuß"


def test_group_lengths_of_recoded_groups_are_dropped_at_every_level() -> None:
    """Lengths that would be false afterwards go, those that stay true are kept."""
    length = El(0x00400000, "UL", b"\1\0\0\0")
    keep = El(0x00280000, "UL", b"\1\0\0\0")
    data = file_of(
        with_set("ISO_IR 100", length, keep, El(0x00400275, "SQ", [[keep, length, El(0x00400007, "LO", LATIN)]]))
    )
    dataset = dcmread(coerced(data, {"PatientName": "王"}).data)
    (inner,) = dataset.RequestAttributesSequence
    assert (0x00400000 in dataset, 0x00280000 in dataset) == (False, True)
    assert (0x00400000 in inner, 0x00280000 in inner) == (False, True)
    assert [int(el.tag) for el in inner] == [0x00280000, 0x00400007]
    assert dataset.PixelData == bytes(range(16))


def test_broken_original_attributes_stay_readable_under_their_old_set() -> None:
    """What cannot be recoded in place moves beside the old character set that explains it."""
    data = file_of(with_set("ISO_IR 100", El(ORIGINAL, "LO", LATIN)))
    before = last_original(coerced(data, {"PatientName": "王"}).data).ModifiedAttributesSequence[0]
    assert before[CHARACTER_SET].value == "ISO_IR 100"
    assert before[ORIGINAL].value == "Jörg's Fuß"


@pytest.mark.parametrize(("term", "el"), [
    ("ISO_IR 13", El(DESCRIPTION, "LO", b"a~")),
    ("ISO_IR 13", El(LONG_TEXT, "LT", b"a\\b ")),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", El(DESCRIPTION, "LO", b"a~\x1b$B;3\x1b(J")),
    ("ISO 2022 IR 6\\ISO 2022 IR 87", El(DESCRIPTION, "LO", b"\x1b$X;3\x1b(B")),
    ("\\ISO 2022 IR 149", El(DESCRIPTION, "LO", b"\x1b$)C\xff\xff")),
    ("GBK", El(DESCRIPTION, "LO", b"\xff\xff")),
    ("ISO_IR 100", El(0x00400275, "SQ", [[El(CHARACTER_SET, "CS", b""), El(0x00400007, "LO", LATIN)]])),
    ("ISO_IR 144", El(LONG_TEXT, "LT", b"\xd0" * 40_000)),
])  # fmt: skip
def test_text_without_one_sure_reading_refuses_the_change(term: str, el: El) -> None:
    """Rather no coercion than a text that silently reads differently: a person decides."""
    data = file_of(with_set(term, el))
    with pytest.raises(RefusedInstance) as refused:
        coerced(data, {"PatientName": "王Ünal€"})
    assert refused.value.code == "cannot_recode"
    assert "Store the file as it is" in refused.value.detail


def test_backslash_between_values_is_no_yen_sign() -> None:
    """In a Japanese single-byte file a backslash still separates values."""
    data = file_of(with_set("ISO_IR 13", El(0x00081060, "PN", b"A\\B ")))
    assert list(dcmread(coerced(data, {"PatientName": "山"}).data).NameOfPhysiciansReadingStudy) == ["A", "B"]


# --- reading


@pytest.mark.parametrize(("term", "raw", "text"), [
    ("", b"caf\xe9", "café"), ("ISO-IR 100", b"caf\xe9", "café"), ("ISO_IR 192", b"caf\xe9", "caf\ufffd"),
    ("ISO 2022-IR 87", b"\x1b$B;3\x1b(B", "山"), ("ISO_IR 192\\ISO 2022 IR 87", "é".encode(), "é"),
    ("\\GB18030", b"\xe9", "é"), ("unicode_escape", b"\\u0041", "\\u0041"),
    ("\\ISO 2022 IR 58", b"\x1b$)A\xd5\xc5", "张"),
])  # fmt: skip
def test_set_that_is_misspelled_or_unknown_is_read_as_far_as_possible(term: str, raw: bytes, text: str) -> None:
    """Wrong terms are read as what they mean, or as the default; never as the name of a Python codec."""
    assert decode(raw, encodings_of(term.encode())) == text


def test_value_full_of_escape_sequences_is_read_in_no_time() -> None:
    """A megabyte of switches between sets is not worth following."""
    header = read_header(file_of(with_set("\\ISO 2022 IR 87", El(LONG_TEXT, "UT", b"\x1b$B;3\x1b(B" * 100_000))))
    assert isinstance(header, Header)
    assert header.text(LONG_TEXT).count("\x1b") == 200_000


def test_refused_text_stays_as_it_was() -> None:
    """A header that refused a change can still be read."""
    start = b"".join(element(el, AS_USUAL) for el in with_set("ISO_IR 13", El(DESCRIPTION, "LO", b"a~"))[:-1])
    header = read_header(file_of(start + sequence(item([], AS_USUAL), delimiter(0xE0DD))))
    assert header.study_description == "a~"
