"""Hostile and damaged files: false lengths, deep nesting, deflated bombs, floods of elements.

Every one of them is refused before Orthanc sees it, quickly and with a code; DCMTK 3.6.9 refuses all of those
with false lengths too, but for the ones that would let it read another dataset than we do.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from ehr_bridge.dicom import Layouts, read_header, require_worth
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA
from ehr_bridge.errors import RefusedInstance
from tests.support.cost import calls
from tests.support.material import wheel_files
from tests.unit.dicom_samples import (
    AS_USUAL,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    INNER,
    JPEG,
    PREAMBLE,
    SHAPES,
    UNDEFINED,
    El,
    Shape,
    delimiter,
    element,
    file_of,
    head,
    item,
    meta,
    nested,
    refusal_of,
    sequence,
    shape_name,
    storable,
)

# --- false lengths and delimiters

FALSE = {
    "element_past_the_end": (element(El(0x00204000, "LT", b"abc", length=400), AS_USUAL), "truncated"),
    "pixels_past_the_end": (element(El(PIXEL_DATA, "OW", b"abc", length=400), AS_USUAL), "truncated"),
    "stray_item_delimiter": (delimiter(0xE00D) + INNER, "malformed"),
    "stray_sequence_delimiter": (delimiter(0xE0DD), "malformed"),
    "stray_item": (item([], AS_USUAL), "malformed"),
    "delimiter_dressed_as_element": (b"\xfe\xff\x0d\xe0CS\0\0", "malformed"),
    "sequence_past_the_end": (sequence(item([], AS_USUAL), length=400), "truncated"),
    "item_past_the_end": (sequence(delimiter(0xE000, AS_USUAL, 400)), "truncated"),
    "item_longer_than_its_sequence": (sequence(delimiter(0xE000, AS_USUAL, 12) + INNER, length=10), "malformed"),
    "element_longer_than_its_item": (sequence(delimiter(0xE000, AS_USUAL, 8) + INNER), "malformed"),
    "sequence_without_items": (sequence(INNER), "malformed"),
    "delimiter_before_the_announced_end": (
        sequence(item([], AS_USUAL), delimiter(0xE0DD), item([], AS_USUAL)),
        "malformed",
    ),
    "open_sequence_at_the_end_of_the_file": (sequence(item([], AS_USUAL), length=UNDEFINED), "truncated"),
    "open_item_without_delimiter": (
        sequence(delimiter(0xE000, AS_USUAL, UNDEFINED), delimiter(0xE0DD), length=UNDEFINED),
        "malformed",
    ),
    "text_of_undefined_length": (sequence(delimiter(0xE0DD), length=UNDEFINED, vr="UT"), "malformed"),
    "vr_of_zeros": (b"\x41\0\7\0\0\0\4\0abcd", "malformed"),
    "zeros_behind_the_pixels": (b"\0" * 512, "malformed"),
    "fragment_past_the_end": (
        head(PIXEL_DATA, "OB", UNDEFINED, AS_USUAL) + delimiter(0xE000, AS_USUAL, 400),
        "truncated",
    ),
    "fragments_without_delimiter": (head(PIXEL_DATA, "OB", UNDEFINED, AS_USUAL) + delimiter(0xE000), "truncated"),
    "fragment_that_is_an_element": (head(PIXEL_DATA, "OB", UNDEFINED, AS_USUAL) + INNER, "malformed"),
    "fragment_of_undefined_length": (
        head(PIXEL_DATA, "OB", UNDEFINED, AS_USUAL) + delimiter(0xE000, AS_USUAL, UNDEFINED) + delimiter(0xE0DD),
        "malformed",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_file_whose_lengths_lie_is_refused(name: str) -> None:
    """A length that leaves its container, or a delimiter out of place, is found before Orthanc sees the file."""
    content, code = FALSE[name]
    start = b"".join(element(e, AS_USUAL) for e in storable(without=(PIXEL_DATA,)))
    read_header(file_of(start))
    assert refusal_of(file_of(start + content)) == code


def test_compressed_pixels_in_one_piece_are_refused() -> None:
    """A JPEG transfer syntax promises fragments; Orthanc cannot read anything else."""
    dataset = b"".join(element(el, AS_USUAL) for el in storable())
    assert refusal_of(PREAMBLE + meta(JPEG) + dataset) == "malformed"
    assert read_header(PREAMBLE + meta(EXPLICIT) + dataset).patient_id == "ID-1"


def test_every_cut_of_a_file_is_refused_or_read_to_the_same_point() -> None:
    """Wherever a transfer breaks off, the half file is not mistaken for a whole one."""
    data = file_of(storable(El(0x00400275, "SQ", [[El(0x00400007, "LO", b"abcd")]])), Shape(open_sequences=True))
    whole = read_header(data).walk.starts
    complete = set(whole.values()) | {len(data)}
    for end in range(len(data)):
        if end in complete:
            assert len(read_header(data[:end]).walk.starts) == sum(start < end for start in whole.values())
        else:
            assert refusal_of(data[:end]) in {"truncated", "not_dicom", "malformed", "empty_file"}


# --- depth


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
@pytest.mark.parametrize("depth", [1, 16, 17, 60, 100, 10_000])
def test_nesting_deeper_than_sixteen_is_refused_at_once(shape: Shape, depth: int) -> None:
    """A hundred sequences within each other kill Orthanc; sixteen are plenty for any real object."""
    start = b"".join(element(el, shape) for el in storable(without=(PIXEL_DATA,)))
    data = file_of(start + nested(depth, shape), shape)
    if depth <= 16:
        assert read_header(data).patient_id == "ID-1"
    else:
        assert refusal_of(data) == "nested_too_deep"
        assert calls(lambda: refusal_of(data)) < 400, "however deep it is, it is left where it gets too deep"


@pytest.mark.parametrize("depth", [16, 17, 100])
@pytest.mark.parametrize("is_explicit", [True, False])
def test_nesting_hidden_in_private_elements_is_refused(depth: int, is_explicit: bool) -> None:
    """Orthanc knows private dictionaries: a private element full of items may be a sequence to it."""
    inner = nested(depth, Shape(IMPLICIT), tag=0x00411001)[8:]
    shape = Shape(EXPLICIT if is_explicit else IMPLICIT)
    data = file_of([*storable(without=(PIXEL_DATA,)), El(0x00411001, "UN", inner)], shape)
    if depth <= 16:
        assert read_header(data).patient_id == "ID-1"
    else:
        assert refusal_of(data) == "nested_too_deep"


def test_depth_allowed_is_a_parameter() -> None:
    """A site may allow less or more."""
    data = file_of([*storable(without=(PIXEL_DATA,)), El(0x00400275, "SQ", [[El(0x00400008, "SQ", [[]])]])])
    assert read_header(data, max_depth=2).patient_id == "ID-1"
    with pytest.raises(RefusedInstance, match="nested_too_deep"):
        read_header(data, max_depth=1)


# --- deflated


def test_deflated_file_is_read_from_its_inflated_body() -> None:
    """A deflated file is unpacked; its meta information stays in front, untouched."""
    data = file_of(storable(), Shape(DEFLATED))
    header = read_header(data)
    assert (header.deflated, header.patient_id) == (True, "ID-1")
    assert header.data is data
    assert header.body[: header.dataset_start] == data[: header.dataset_start]
    assert header.body[header.dataset_start :] == b"".join(element(el, AS_USUAL) for el in storable())


def test_deflated_bomb_is_refused_before_it_unpacks() -> None:
    """A small file that would unpack to hundreds of megabytes is refused after the first sixty-four."""
    stream = zlib.compressobj(9, wbits=-15)
    bomb = stream.compress(element(El(PIXEL_DATA, "OW", length=90 << 20), AS_USUAL))
    bomb += b"".join(stream.compress(bytes(1 << 20)) for _ in range(90)) + stream.flush()
    data = PREAMBLE + meta(DEFLATED) + bomb
    assert len(data) < 100_000
    assert refusal_of(data) == "inflated_too_large"


def test_deflated_file_larger_than_allowed_is_refused() -> None:
    """The limit is a parameter."""
    data = file_of(storable(El(PIXEL_DATA, "OW", bytes(5000))), Shape(DEFLATED))
    assert len(read_header(data, max_inflated=6000).body) > 5000
    with pytest.raises(RefusedInstance, match="inflated_too_large"):
        read_header(data, max_inflated=5000)


@pytest.mark.parametrize(("cut", "code"), [(slice(0, -9), "truncated"), (slice(0, 0), "truncated")])
def test_deflated_file_cut_short_is_refused(cut: slice[int, int], code: str) -> None:
    """A deflated file that breaks off is refused."""
    start = len(PREAMBLE + meta(DEFLATED))
    data = file_of(storable(), Shape(DEFLATED))
    assert refusal_of(data[:start] + data[start:][cut]) == code


def test_deflated_file_with_other_content_is_refused() -> None:
    """What claims to be deflated and is not is refused."""
    assert refusal_of(PREAMBLE + meta(DEFLATED) + b"\xff" * 40) == "malformed"


# --- cost


@pytest.mark.parametrize("shape", [Shape(EXPLICIT), Shape(IMPLICIT)], ids=shape_name)
def test_file_of_countless_elements_is_refused(shape: Shape) -> None:
    """Thousands of empty elements cost nothing to send and much to keep; no device writes them."""
    heads = b"".join(head(0x00100020 + n, "LO", 0, shape) for n in range(70_000))
    start = b"".join(element(el, shape) for el in storable(without=(PIXEL_DATA,))[:2])
    assert refusal_of(file_of(start + heads * 4, shape)) == "too_many_elements"


def in_one_item(content: bytes, shape: Shape) -> bytes:
    value = delimiter(0xE000, shape, len(content)) + content
    return head(0x00400275, "SQ", len(value), shape) + value


NESTED = 250_000
"""Elements, items and fragments within others that a file of some megabytes may have."""
CROWDS: dict[str, Callable[[int, Shape], bytes]] = {
    "elements": lambda n, shape: in_one_item(head(0x00080005, "CS", 0, shape) * (n - 1), shape),
    "elements in many items": lambda n, shape: in_one_item(head(0x00080005, "CS", 0, shape) * 24, shape) * (n // 25),
    "long elements": lambda n, shape: in_one_item(head(0x00420011, "OB", 0, shape) * (n - 1), shape),
    "sequences": lambda n, shape: in_one_item(head(0x00081115, "SQ", 0, shape) * (n - 1), shape),
    "items": lambda n, shape: head(0x00400275, "SQ", 8 * n, shape) + delimiter(0xE000, shape) * n,
    "fragments": lambda n, shape: (
        head(PIXEL_DATA, "OB", UNDEFINED, shape) + delimiter(0xE000, shape) * n + delimiter(0xE0DD, shape)
    ),
}


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("shape", [Shape(EXPLICIT), Shape(IMPLICIT)], ids=shape_name)
def test_what_lies_within_others_is_counted_together(shape: Shape, crowd: str) -> None:
    """As many as a file may have are read, and 25 more are not, however they are laid out, and by every reader."""
    start = b"".join(element(el, shape) for el in storable(without=(PIXEL_DATA,))[:2])
    data = file_of(start + CROWDS[crowd](NESTED, shape), shape)
    layouts = Layouts()
    for _ in range(3):
        assert read_header(data, layouts=layouts).walk == read_header(data).walk
    data = file_of(start + CROWDS[crowd](NESTED + 25, shape), shape)
    assert refusal_of(data) == "too_many_elements"
    with pytest.raises(RefusedInstance, match="too_many_elements"):
        read_header(data, layouts=layouts)


def test_larger_files_may_hold_more() -> None:
    """One element for every 64 bytes: a large enhanced object has a hundred elements for each frame, and its pixels."""
    crowd = CROWDS["elements"](NESTED + 25, AS_USUAL)
    start = [element(el, AS_USUAL) for el in storable(without=(PIXEL_DATA,))[:2]]
    pixels = element(El(PIXEL_DATA, "OW", bytes(17 << 20)), AS_USUAL)
    read_header(file_of(b"".join([*start, crowd, pixels])))


def test_what_packs_fifty_fold_may_hold_less() -> None:
    """A few kilobytes must not keep every reader busy; the same file as it is may be read."""
    crowd = CROWDS["items"](120_000, AS_USUAL)
    data = file_of(b"".join(element(el, AS_USUAL) for el in storable(without=(PIXEL_DATA,))[:2]) + crowd)
    require_worth(data, len(data) // 20)
    with pytest.raises(RefusedInstance, match="too_many_elements"):
        require_worth(data, len(data) // 60)
    stream = zlib.compressobj(9, wbits=-15)
    start = read_header(data).dataset_start
    assert refusal_of(PREAMBLE + meta(DEFLATED) + stream.compress(data[start:]) + stream.flush()) == "too_many_elements"


def test_typical_header_is_walked_without_calls_for_each_element() -> None:
    """A CT header of 258 elements takes some 400 calls; three for each element would be a mistake."""
    path = next(path for path in wheel_files() if path.name == "CT_small.dcm")
    data = path.read_bytes()
    assert calls(lambda: read_header(data)) < 3 * len(read_header(data).walk.starts)
