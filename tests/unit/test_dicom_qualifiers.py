"""Issuer of Patient ID Qualifiers Sequence (0010,0024): it goes with the number that it qualifies, and comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pydicom
import pytest

from ehr_bridge.dicom import Plans, coerce, is_same_content, read_header
from ehr_bridge.services.coercion.originals import MODIFYING_SYSTEM, on_arrival
from tests.unit.dicom_samples import (
    AS_USUAL,
    DEFLATED,
    SHAPES,
    El,
    Shape,
    dcmread,
    file_of,
    shape_name,
    storable,
)

NOW = datetime(2026, 11, 29, 2, tzinfo=UTC)
QUALIFIERS, ORIGINAL = 0x00100024, 0x04000561
OF_B = {"IssuerOfPatientID": "SITE-B", "PatientID": "ID-1"}


def qualified(shape: Shape = AS_USUAL) -> bytes:
    item = [El(0x00400032, "UT", b"1.2.40.1"), El(0x00400033, "CS", b"ISO ")]
    return file_of(storable(El(QUALIFIERS, "SQ", [item])), shape)


def coerced(data: bytes, wanted: dict[str, str], **options: Any) -> bytes:
    return coerce(read_header(data), wanted, when=NOW, modifying_system=MODIFYING_SYSTEM, **options).data


@pytest.mark.parametrize("shape", [*SHAPES, Shape(DEFLATED)], ids=shape_name)
@pytest.mark.parametrize("wanted", [{"PatientID": "MRN-7"}, OF_B, {**OF_B, "PatientName": "ÅSE^Ö"}], ids=str)
def test_it_goes_with_the_number_and_comes_back_with_it(shape: Shape, wanted: dict[str, str]) -> None:
    """Kept among the original attributes as it was; also where the file turns to UTF-8."""
    data = qualified(shape)
    changed = coerced(data, wanted)
    ds = dcmread(changed)
    assert "IssuerOfPatientIDQualifiersSequence" not in ds
    kept = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].IssuerOfPatientIDQualifiersSequence
    assert (kept[0].UniversalEntityID, kept[0].UniversalEntityIDType) == ("1.2.40.1", "ISO")
    assert is_same_content(read_header(data), changed)
    came = on_arrival(read_header(changed))
    back = coerced(changed, came.values, qualifiers=came.qualifiers)
    now = dcmread(back)
    assert (now.PatientID, now.get("IssuerOfPatientID") or "") == ("ID-1", "")
    assert now.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "1.2.40.1"
    assert len(now.IssuerOfPatientIDQualifiersSequence) == 1
    read_header(back)  # as strictly as when it comes


def test_a_file_is_read_once_for_all_that_it_said_when_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """For its values and its qualifiers."""
    header, read = read_header(coerced(qualified(), {"PatientID": "MRN-7"})), list[Any]()
    once = pydicom.dcmread

    def counted(*told: Any, **more: Any) -> Any:
        read.append(told)
        return once(*told, **more)

    monkeypatch.setattr(pydicom, "dcmread", counted)
    came = on_arrival(header)
    assert (came.values["PatientID"], came.qualifiers is not None, len(read)) == ("ID-1", True, 1)


def test_it_stays_while_number_and_issuer_do() -> None:
    """What else changes says nothing of who gave the number."""
    changed = dcmread(coerced(qualified(), {"PatientName": "BEA^BO", "PatientID": "ID-1"}))
    assert changed.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "1.2.40.1"
    assert (
        "IssuerOfPatientIDQualifiersSequence" not in changed.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    )


@pytest.mark.parametrize("order", [(True, False), (False, True), (True, True)], ids=str)
def test_neighbours_with_and_without_it_are_told_apart(order: tuple[bool, bool]) -> None:
    """What was done for one is not done for another that has it, or has it not."""
    plans = Plans()
    for has in order:
        data = qualified() if has else file_of(storable())
        changed = dcmread(coerced(data, OF_B, plans=plans))
        before = changed.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert "IssuerOfPatientIDQualifiersSequence" not in changed
        assert ("IssuerOfPatientIDQualifiersSequence" in before) == has


def test_nothing_is_put_back_that_others_took_out() -> None:
    """A file that never had one of ours gets none."""
    assert on_arrival(read_header(coerced(file_of(storable()), OF_B))).qualifiers is None
    foreign = coerce(read_header(qualified()), OF_B, when=NOW, modifying_system="SOMEBODY").data
    assert on_arrival(read_header(foreign)).qualifiers is None
