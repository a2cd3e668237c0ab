"""Neighbours in a series are read and coerced by what was learnt from the one before: quicker, never otherwise."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID

from ehr_bridge.dicom import Header, Layouts, Plans, coerce, read_header
from ehr_bridge.errors import RefusedInstance
from tests.support.material import real_files, wheel_files
from tests.support.samples import encoded, small
from tests.unit.property_steps import WANTED, files, wishes

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 2, 13, 4, 5, 123456, tzinfo=UTC)


def reading(data: bytes, layouts: Layouts | None = None) -> Any:
    """What a reader gets to know: positions and encoding, or why the file is refused."""
    try:
        header = read_header(data, layouts=layouts)
    except RefusedInstance as refusal:
        return refusal.code, refusal.detail
    return header.walk, header.dataset_start, header.transfer_syntax_uid, header.meta


def coercion(data: bytes, wanted: dict[str, str], plans: Plans | None, when: datetime = WHEN) -> Any:
    try:
        return coerce(read_header(data), wanted, when=when, modifying_system="EHR", source="me", plans=plans)
    except RefusedInstance as refusal:
        return refusal.code, refusal.detail


def slice_of(number: int, **values: Any) -> bytes:
    """One of a series: its number, its place and its UID are its own, of different lengths."""
    ds = pydicom.dcmread(io.BytesIO(small(InstanceNumber=number, SeriesInstanceUID="1.2.3", StudyInstanceUID="1.2")))
    ds.ImagePositionPatient = ["-120.5", "-120.5", f"{number * 1.25}"]
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return encoded(ds)


def test_the_real_files_read_alike_after_one_another() -> None:
    """All files of one folder in a row, twice: no file is read as if it were the one before."""
    layouts = Layouts()
    for path in [*wheel_files(), *real_files()]:
        data = path.read_bytes()
        assert reading(data, layouts) == reading(data), path.name


def test_slices_of_one_series_share_a_walk() -> None:
    """Where nothing moved, the walk of the slice before is the answer, without a new one being made."""
    layouts = Layouts()
    first, second, third = (read_header(slice_of(number), layouts=layouts) for number in (1, 2, 3))
    assert third.walk is second.walk and third.walk == first.walk


def test_slices_that_grow_are_read_right() -> None:
    """Numbers with one, two and three digits move everything behind them."""
    layouts = Layouts()
    for number in (1, 2, 9, 10, 11, 99, 100, 1000, 3):
        data = slice_of(number, PatientComments="x" * number)
        assert reading(data, layouts) == reading(data)


@settings(max_examples=60, deadline=None, database=None)
@given(files(), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=4), st.integers(0, 40))
def test_a_damaged_neighbour_gets_the_same_answer_as_alone(
    data: bytes, damage: list[tuple[int, int]], cut: int
) -> None:
    """Nothing learnt from a good file lets a bad one pass, or refuses it with other words."""
    layouts = Layouts()
    for _ in range(3):
        assert reading(data, layouts) == reading(data)
    damaged = bytearray(data)
    for position, byte in damage:
        damaged[position % len(damaged)] = byte
    bad = bytes(damaged[: len(damaged) - cut])
    assert reading(bad, layouts) == reading(bad)
    assert reading(data, layouts) == reading(data)


@settings(max_examples=60, deadline=None, database=None)
@given(files(), files(), wishes())
def test_any_two_files_are_coerced_as_if_alone(one: bytes, other: bytes, wanted: dict[str, str]) -> None:
    """In whatever order and encoding, after a neighbour or a stranger: the same bytes and the same changes."""
    plans = Plans()
    for data in (one, one, other, one, other):
        assert coercion(data, wanted, plans, LATER) == coercion(data, wanted, None, LATER)


@pytest.mark.parametrize("wanted", WANTED, ids=["ascii", "german", "chinese and russian"])
def test_the_real_files_are_coerced_alike_after_one_another(wanted: dict[str, str]) -> None:
    """Every file of one folder in a row, twice."""
    plans = Plans()
    for path in [*wheel_files(), *wheel_files()]:
        data = path.read_bytes()
        try:
            read_header(data)
        except RefusedInstance:
            continue
        assert coercion(data, wanted, plans) == coercion(data, wanted, None), path.name


PATIENT = {"PatientID": "MRN-1", "PatientName": "DOE^JANE", "AccessionNumber": "A1", "PatientSex": "F"}


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        ({}, True),
        ({"InstanceNumber": 12345, "PatientComments": "another slice"}, True),
        ({"PatientName": "OTHER^NAME"}, False),
        ({"SpecificCharacterSet": "ISO_IR 100"}, False),
        ({"PatientSex": "M"}, False),
        ({"PatientID": "MRN-1"}, False),
    ],
    ids=["the same", "another slice", "another name", "another character set", "another sex", "the right id already"],
)
def test_a_plan_is_for_files_that_agree_in_all_it_touches(values: dict[str, object], shares: bool) -> None:
    """A slice of the same series takes it; a file that says anything else of the patient does not."""
    plans, first = Plans(), read_header(slice_of(1))
    arguments: dict[str, Any] = {"modifying_system": "EHR", "source": "me"}
    coerce(first, PATIENT, when=WHEN, plans=plans, **arguments)
    plan = plans.find((tuple(PATIENT.items()), True, False, "EHR", "me", "COERCE"))
    assert plan is not None
    header: Header = read_header(slice_of(2, **values))
    applied = plan.apply(header, LATER)
    assert (applied is not None) is shares
    coerced = coerce(header, PATIENT, when=LATER, plans=plans, **arguments)
    assert coerced == coerce(header, PATIENT, when=LATER, **arguments)
    if shares:
        assert applied == coerced.data


def test_a_file_that_is_right_already_stays_the_same_object() -> None:
    """Nothing to do is nothing done, for the second one too."""
    plans = Plans()
    for number in (1, 2):
        coerced = coerce(read_header(slice_of(number)), PATIENT, when=WHEN, modifying_system="EHR")
        header = read_header(coerced.data)
        again = coerce(header, PATIENT, when=LATER, modifying_system="EHR", plans=plans)
        assert again.data is header.data and again.changes == ()


def test_what_is_remembered_stays_small() -> None:
    """A hundred kinds of files and a thousand studies leave no more than the last few."""
    layouts, plans = Layouts(size=3), Plans(size=5)
    for number in range(20):
        header = read_header(slice_of(1, ImageType=[f"K{number}", "PRIMARY"]), layouts=layouts)
        coerce(header, PATIENT | {"AccessionNumber": str(number)}, when=WHEN, modifying_system="EHR", plans=plans)
    assert (len(layouts._known), len(plans._known)) == (3, 5)
