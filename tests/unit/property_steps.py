"""Generated files and wishes for Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.unit.dicom_samples import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    El,
    Shape,
    even,
    file_of,
    storable,
)

ORIGINAL, CHARACTER_SET = 0x04000561, 0x00080005
ASCII = {
    "PatientID": "MRN-0001", "IssuerOfPatientID": "HOSP", "PatientName": "DOE^JANE", "PatientBirthDate": "19700101",
    "PatientSex": "F", "AccessionNumber": "A123456", "StudyDate": "20260101",
}  # fmt: skip
WANTED = [
    ASCII,
    {"PatientID": "Ñ-1", "PatientName": "Müller^Jörg", "AccessionNumber": ""},
    {"PatientName": "Wang^XiaoDong=王^小東", "ReferringPhysicianName": "Иванов^Иван"},
]
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
def texts(draw: DrawFn, term: str, longest: int = 20) -> bytes:
    """Text in a character set, padded, without the delimiters a value must not contain."""
    text = draw(st.text(LETTERS[term], max_size=longest))
    return even("".join(letter for letter in text if letter not in "\\^=").encode(CODECS[term]))


@st.composite
def datasets(draw: DrawFn, term: str, depth: int) -> list[El]:
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
def files(draw: DrawFn) -> bytes:
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
def wishes(draw: DrawFn) -> dict[str, str]:
    """Values some EHR might want."""
    letters = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp", "Zs"], exclude_characters="\\^=")
    plain = st.one_of(st.text(st.sampled_from("ABC123-"), max_size=16), st.text(letters, max_size=16))
    name = st.lists(st.text(letters, min_size=1, max_size=10), min_size=1, max_size=3).map("^".join)
    wished: dict[str, str] = draw(st.fixed_dictionaries(
        {}, optional={"PatientID": plain, "PatientName": name, "AccessionNumber": plain, "StudyDescription": plain,
                      "PatientBirthDate": st.sampled_from(["", "19991231"])},
    ))  # fmt: skip
    return wished
