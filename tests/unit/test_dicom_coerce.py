"""Coercion: the wanted values, the values before, and everything else untouched."""

from __future__ import annotations

import time
import zlib

import pytest

from ehr_bridge.dicom import Change, Header, read_header
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA
from ehr_bridge.errors import RefusedInstance
from tests.unit.coerce_steps import BEA, ORIGINAL, coerced, last_original
from tests.unit.dicom_samples import (
    AS_USUAL,
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    SHAPES,
    UNDEFINED,
    El,
    Shape,
    dcmdump,
    dcmread,
    delimiter,
    differences,
    element,
    file_of,
    head,
    item,
    sequence,
    shape_name,
    storable,
)


def untouched(before: bytes, after: bytes, *changed: int) -> list[str]:
    return differences(dcmread(before), dcmread(after), {*changed, ORIGINAL})


# --- the plain case


@pytest.mark.parametrize("shape", [*SHAPES, Shape(DEFLATED), Shape(EXPLICIT, preamble=False)], ids=shape_name)
def test_wanted_values_replace_those_of_the_file(shape: Shape) -> None:
    """Whatever the encoding, the patient and order become the wanted ones and nothing else changes."""
    data = file_of(storable(El(0x00400275, "SQ", [[El(0x00400007, "LO", b"abcd")]])), shape)
    result = coerced(data, BEA)
    header = read_header(result.data)
    assert (header.patient_id, header.patient_name, header.accession_number) == ("MRN-7", "BEA^BO", "ACC-42")
    assert result.changes == (
        Change("AccessionNumber", "A1", "ACC-42"),
        Change("PatientName", "ALICE^ANN", "BEA^BO"),
        Change("PatientID", "ID-1", "MRN-7"),
    )
    assert untouched(data, result.data, 0x00080050, 0x00100010, 0x00100020) == []
    assert header.raw(PIXEL_DATA) == bytes(range(16))


def test_bytes_around_a_change_are_copied_one_by_one() -> None:
    """Cutting the changed elements and the new sequence out of both files leaves the same bytes."""
    data = file_of(storable())
    result = coerced(data, {"PatientID": "MRN-7"})
    assert _without(read_header(data), 0x00100020) == _without(read_header(result.data), 0x00100020, ORIGINAL)


def _without(header: Header, *tags: int) -> bytes:
    body, pieces, at = header.body, [], 0
    for el in sorted(filter(None, map(header.element, tags)), key=lambda el: el.start):
        pieces.append(body[at : el.start])
        at = el.end
    return b"".join([*pieces, body[at:]])


def test_values_before_are_kept_in_the_original_attributes() -> None:
    """Who changed what, when and why can be read in the file itself (PS3.3 C.12.1.1.9)."""
    data = file_of(storable(without=(0x00080050,)))
    result = coerced(data, BEA, source="CT-ROOM-2", reason="CORRECT")
    original = last_original(result.data)
    assert original.AttributeModificationDateTime == "20260301103015.250000+0000"
    assert original.ModifyingSystem == "EHR-BRIDGE"
    assert original.SourceOfPreviousValues == "CT-ROOM-2"
    assert original.ReasonForTheAttributeModification == "CORRECT"
    (before,) = original.ModifiedAttributesSequence
    assert [int(el.tag) for el in before] == [0x00080050, 0x00100010, 0x00100020]
    assert (before.AccessionNumber, before.PatientName, before.PatientID) == ("", "ALICE^ANN", "ID-1")


def test_time_of_a_modification_is_universal_wherever_the_server_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in Tokyo and one in London write the same moment."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        original = last_original(coerced(file_of(storable()), BEA).data)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert original.AttributeModificationDateTime == "20260301103015.250000+0000"


@pytest.mark.parametrize("wanted", [
    {}, {"PatientID": "ID-1"}, {"PatientID": " ID-1 "}, {"PatientName": "ALICE^ANN^^^"}, {"PatientName": "ALICE^ANN=="},
    {"IssuerOfPatientID": ""}, {"PatientName": "ALICE ^ANN", "PatientBirthDate": "19800101", "AccessionNumber": "A1"},
])  # fmt: skip
def test_values_that_are_already_there_change_nothing(wanted: dict[str, str]) -> None:
    """The very same bytes come back: no copy, no entry in the original attributes."""
    data = file_of(storable())
    result = coerced(data, wanted)
    assert result.data is data
    assert result.changes == ()


def test_padding_in_the_file_is_not_a_difference() -> None:
    """NULs and spaces around an identifier mean nothing."""
    data = file_of(storable(El(0x00100020, "LO", b" ID-1\0"), El(0x00100010, "PN", b"ALICE^ANN^^^^=  ")))
    assert coerced(data, {"PatientID": "ID-1", "PatientName": "ALICE^ANN"}).changes == ()


def test_coercing_twice_changes_nothing_more() -> None:
    """A file that comes back through another door is left alone."""
    once = coerced(file_of(storable()), BEA).data
    assert coerced(once, BEA).data is once


def test_two_coercions_leave_two_items() -> None:
    """The history of a file grows; the first entry is still there."""
    for shape in SHAPES:
        once = coerced(file_of(storable(), shape), BEA).data
        twice = coerced(once, {"PatientID": "MRN-8"}).data
        first, second = dcmread(twice).OriginalAttributesSequence
        assert first.ModifiedAttributesSequence[0].PatientID == "ID-1"
        assert second.ModifiedAttributesSequence[0].PatientID == "MRN-7"


def test_attributes_can_be_emptied_and_added() -> None:
    """An accession number is taken away, an issuer put in its place in tag order."""
    result = coerced(file_of(storable()), {"AccessionNumber": "", "IssuerOfPatientID": "HOSP", "PatientSex": "F"})
    dataset = dcmread(result.data)
    assert (dataset.AccessionNumber, dataset.IssuerOfPatientID, dataset.PatientSex) == ("", "HOSP", "F")
    tags = [int(el.tag) for el in dataset]
    assert tags == sorted(tags)
    assert last_original(result.data).ModifiedAttributesSequence[0].IssuerOfPatientID in ("", None)


def test_text_behind_all_others_is_appended() -> None:
    """An element that belongs at the end goes to the end, in a file without pixels."""
    data = file_of(storable(without=(PIXEL_DATA,)))
    header = read_header(coerced(data, {"TextComments": "x"}).data)
    assert list(header.walk.starts)[-1] == 0x40004000
    assert header.text("TextComments") == "x"


# --- odd files


def test_wrong_vr_is_written_right() -> None:
    """A Patient ID of unknown VR is read, kept as it was, and written as LO."""
    data = file_of(storable(El(0x00100020, "UN", b"ID-1")))
    assert coerced(data, {"PatientID": "ID-1"}).changes == ()
    result = coerced(data, {"PatientID": "MRN-7"})
    header = read_header(result.data)
    written = header.element(0x00100020)
    assert written is not None and written.vr == "LO"
    assert result.changes == (Change("PatientID", "ID-1", "MRN-7"),)
    assert b"\x10\0\x20\0UN\0\0\4\0\0\0ID-1" in result.data
    odd = coerced(file_of(storable(El(0x00100020, "UN", b"ID-"))), {"PatientID": "MRN-7"})
    assert b"\x10\0\x20\0UN\0\0\4\0\0\0ID-\0" in odd.data


def test_repeated_identifier_is_left_with_one_value() -> None:
    """Readers that take the last of two Patient IDs see the coerced one as well."""
    data = file_of([*storable(), El(0x00100020, "LO", b"OTHER ")])
    for wanted in ("MRN-7", "ID-1"):
        result = coerced(data, {"PatientID": wanted})
        assert read_header(result.data).walk.repeats == []
        assert dcmread(result.data).PatientID == wanted


def test_sequence_in_place_of_an_identifier_is_refused() -> None:
    """A file whose Patient ID is a sequence is not guessed at."""
    start = b"".join(element(el, AS_USUAL) for el in storable(without=(0x00100020, PIXEL_DATA)))
    for bad in (sequence(item([], AS_USUAL), tag=0x00100020),
                sequence(delimiter(0xE0DD), tag=0x00100020, length=UNDEFINED, vr="UN")):  # fmt: skip
        with pytest.raises(RefusedInstance, match="malformed"):
            coerced(file_of(start + bad), {"PatientID": "MRN-7"})


def test_group_length_of_a_changed_group_is_dropped() -> None:
    """A length that would now be false goes; that of a group that stays as it was is kept."""
    data = file_of(storable(
        El(0x00080000, "UL", b"\1\0\0\0"), El(0x00080001, "UL", b"\1\0\0\0"),
        El(0x00100000, "UL", b"\1\0\0\0"), El(0x00200000, "UL", b"\1\0\0\0"),
    ))  # fmt: skip
    kept = read_header(coerced(data, {"PatientID": "MRN-7"}).data).walk.starts
    assert 0x00100000 not in kept
    assert 0x00080001 not in kept
    assert {0x00080000, 0x00200000} <= set(kept)


def test_unsorted_file_is_coerced() -> None:
    """Tags out of order are tolerated and stay where they are."""
    data = file_of(list(reversed(storable())))
    result = coerced(data, {**BEA, "IssuerOfPatientID": "HOSP"})
    dataset = dcmread(result.data)
    assert (dataset.PatientID, dataset.PatientName, dataset.IssuerOfPatientID) == ("MRN-7", "BEA^BO", "HOSP")
    assert untouched(data, result.data, 0x00080050, 0x00100010, 0x00100020, 0x00100021) == []


EARLIER = [El(0x04000563, "LO", b"EARLIER ")]


@pytest.mark.parametrize("open_sequences", [True, False])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_original_attributes_of_others_are_kept(syntax: str, open_sequences: bool) -> None:
    """What an earlier system recorded stays first."""
    shape = Shape(syntax, open_sequences)
    result = coerced(file_of(storable(El(ORIGINAL, "SQ", [EARLIER, EARLIER])), shape), BEA)
    systems = [entry.ModifyingSystem for entry in dcmread(result.data).OriginalAttributesSequence]
    assert systems == ["EARLIER", "EARLIER", "EHR-BRIDGE"]


def test_original_attributes_with_a_needless_delimiter_are_kept() -> None:
    """A delimiter at the end of a sequence of known length does not hide the new item."""
    start = b"".join(element(el, AS_USUAL) for el in storable(without=(PIXEL_DATA,)))
    for items in ([item(EARLIER, AS_USUAL), delimiter(0xE0DD)],
                  [item([El(0x04000550, "SQ", [[]])], Shape(open_sequences=True))]):  # fmt: skip
        result = coerced(file_of(start + sequence(*items, tag=ORIGINAL)), BEA)
        assert len(dcmread(result.data).OriginalAttributesSequence) == 2
        assert last_original(result.data).ModifyingSystem == "EHR-BRIDGE"


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_original_attributes_of_unknown_vr_get_an_item_they_can_hold(syntax: str) -> None:
    """A sequence that passed a system that did not know it is implicit inside; so is our item.

    DCMTK is asked, because pydicom does not expect little endian inside big endian (PS3.5 section 6.2.2).
    """
    shape = Shape(syntax)
    start = b"".join(element(el, shape) for el in storable(without=(PIXEL_DATA,)))
    inside = item(EARLIER, Shape(IMPLICIT)) + delimiter(0xE0DD)
    result = coerced(file_of(start + head(ORIGINAL, "UN", UNDEFINED, shape) + inside, shape), BEA)
    dump = dcmdump(result.data)
    assert dump.index("[EARLIER]") < dump.index("[ID-1]") < dump.index("[EHR-BRIDGE]")


@pytest.mark.parametrize("el", [El(ORIGINAL, "LO", b"junk"), El(ORIGINAL, "UN", b"\1\2\3\4")])
def test_something_else_under_that_tag_is_moved_not_lost(el: El) -> None:
    """What is no sequence cannot take an item; it goes into the previous values."""
    result = coerced(file_of(storable(el)), BEA)
    (only,) = dcmread(result.data).OriginalAttributesSequence
    assert only.ModifiedAttributesSequence[0].PatientID == "ID-1"
    assert isinstance(el.value, bytes) and el.value in result.data
    assert coerced(result.data, BEA).changes == ()


def test_empty_original_attributes_are_filled() -> None:
    """A sequence without items gets its first one."""
    result = coerced(file_of(storable(El(ORIGINAL, "SQ", []))), BEA)
    assert last_original(result.data).ModifiedAttributesSequence[0].PatientID == "ID-1"


def test_deflated_file_is_deflated_again() -> None:
    """The result is a valid deflate stream of even length."""
    data = file_of(storable(), Shape(DEFLATED))
    result = coerced(data, BEA)
    start = read_header(data).dataset_start
    assert result.data[:start] == data[:start]
    assert len(result.data) % 2 == 0
    assert b"MRN-7" in zlib.decompress(result.data[start:], wbits=-15)


def test_dcmtk_reads_the_result() -> None:
    """The reference implementation sees the new values and finds nothing to complain about."""
    for shape in (*SHAPES, Shape(DEFLATED)):
        data = file_of(storable(El(ORIGINAL, "SQ", [EARLIER])), shape)
        dump = dcmdump(coerced(data, {**BEA, "StudyDescription": "größer"}).data)
        assert "[MRN-7]" in dump
        assert "[ID-1]" in dump
        assert "größer" in dump
