"""Cuts an item of the worklist down to what a modality asked for, in the modality's own character set (PS3.4 annex K).

For the port on which we answer ourselves; on Orthanc's own port Orthanc does this.
"""

from __future__ import annotations

import io
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ehr_bridge.dicom.structure import tags

_EVERYTHING: Final = Dataset()
"""Asked for by an empty sequence: all of its attributes."""


def answer_to(query: Dataset, item: bytes, defined_term: str) -> Dataset:
    """What is asked for of an item (`mwl_item.encode_item`); attributes that it lacks are left out. `defined_term` is
    the Specific Character Set, whose letters alone the item has; '' for the default repertoire."""
    answer = _cut(query, dcmread(io.BytesIO(item)))
    if defined_term:
        answer.SpecificCharacterSet = defined_term
    return answer


def _cut(asked: Dataset, item: Dataset) -> Dataset:
    """New elements of plain text, since those that were read remember the bytes and encoding that they had."""
    answer = Dataset()
    for tag in sorted((asked if len(asked) else item).keys()):
        if tag == tags.SPECIFIC_CHARACTER_SET or tag not in item:
            continue
        element: Any = item[tag]
        if element.VR == "SQ":
            wanted = _first_item(asked, tag)
            answer.add(DataElement(tag, "SQ", [_cut(wanted, one) for one in element.value]))
        else:
            answer.add(DataElement(tag, element.VR, _plain(element.value)))
    return answer


def _first_item(asked: Dataset, tag: Any) -> Dataset:
    """The item with the keys of a sequence."""
    items: Any = asked[tag].value if tag in asked else None
    return items[0] if items else _EVERYTHING


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    return [str(one) for one in value] if isinstance(value, MultiValue) else str(value)
