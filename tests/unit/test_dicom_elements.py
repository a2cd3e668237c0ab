"""The elements of a file as people read them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ehr_bridge.dicom import ElementView, read_elements, read_header
from ehr_bridge.dicom.reading import elements
from ehr_bridge.errors import RefusedInstance
from tests.support.samples import encoded, nested, small

DATA = Path(pydicom.__file__).parent / "data"


def by_keyword(data: bytes) -> dict[str | None, ElementView]:
    return {view.keyword: view for view in read_elements(read_header(data)).elements}


def test_values_are_shown_by_their_kind() -> None:
    """Names as text, numbers as numbers, tags as tags, pixels as a size."""
    ds = pydicom.dcmread(io.BytesIO(small(PixelSpacing=["0.5", "0.25"], FrameIncrementPointer=0x00181063)))
    ds.SelectorFDValue = [1.5, float("nan")]
    views = by_keyword(encoded(ds))
    assert views["PatientName"] == ("(0010,0010)", "PatientName", "PN", 12, ["SCANNER^NAME"], None)
    assert (views["Rows"].value, views["InstanceNumber"].value) == ([8], [1])
    assert views["PixelSpacing"].value == [0.5, 0.25]
    assert views["FrameIncrementPointer"].value == ["(0018,1063)"]
    assert views["SelectorFDValue"].value == [1.5, "nan"]
    assert views["PatientSex"].value == []
    assert (views["PixelData"].value, views["PixelData"].size_bytes) == (None, 128)
    assert views["TransferSyntaxUID"].value == ["1.2.840.10008.1.2.1"]


def test_sequences_are_shown_with_their_items() -> None:
    """As deep as they go."""
    view = by_keyword(nested(3))["ReferencedStudySequence"]
    for _ in range(3):
        assert view.value is None and view.items is not None
        view = view.items[0][0]
    assert view.value == ["deep"]


def test_names_of_every_character_set_read_as_our_own_reader_reads_them() -> None:
    """Japanese, Korean, Greek, Arabic, Russian, Hebrew, Chinese, German, French."""
    compared = 0
    for path in sorted((DATA / "charset_files").glob("*.dcm")):
        try:
            header = read_header(path.read_bytes())
        except RefusedInstance:
            continue
        for view in read_elements(header).elements:
            if view.keyword == "PatientName" and view.value:
                assert str(view.value[0]).rstrip("=") == header.text("PatientName"), path.name
                compared += 1
    assert compared >= 15


def test_a_long_value_is_shown_by_its_size() -> None:
    """Never cut, never copied into the answer."""
    view = by_keyword(small(TextValue="x" * 20_000))["TextValue"]
    assert (view.value, view.size_bytes) == (None, 20_000)


def test_a_value_that_does_not_follow_its_kind_hides_no_other() -> None:
    """A number that is a word."""
    data = small(InstanceNumber=77).replace(b"IS\x02\x0077", b"IS\x02\x00a7")
    views = by_keyword(data)
    assert views["InstanceNumber"].value in (None, ["a7"])
    assert views["PatientID"].value == ["SCAN-7"]


def test_of_very_many_elements_the_first_are_shown(monkeypatch: Any) -> None:
    """And it is said that there are more."""
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 30)
    items = [Dataset() for _ in range(50)]
    for item in items:
        item.PatientID = "x"
    read = read_elements(read_header(small(ReferencedStudySequence=Sequence(items))))
    assert not read.is_complete
    assert read_elements(read_header(small())).is_complete is False
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 300)
    assert read_elements(read_header(small())).is_complete


def test_every_file_that_can_be_walked_can_be_read() -> None:
    """All of pydicom's own."""
    for path in [path for path in sorted(DATA.rglob("*")) if path.is_file()]:
        try:
            header = read_header(path.read_bytes())
        except RefusedInstance:
            continue
        assert read_elements(header).elements, path.name


def test_values_that_break_the_standard_do_not_reach_the_log(caplog: Any, recwarn: Any) -> None:
    """They are patient data."""
    data = small(AccessionNumber="A" * 12).replace(
        b"SH\x0c\x00" + b"A" * 12, b"SH\x0c\x00" + "SECRET-ÅÄÖ".encode().ljust(12)[:12]
    )
    data = data.replace(b"20260115", b"SECRET-1")
    assert read_elements(read_header(data)).elements
    assert "SECRET" not in caplog.text
    assert not [warning for warning in recwarn if "SECRET" in str(warning.message)]
