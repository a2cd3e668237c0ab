"""Reads the identifier of a worklist C-FIND (PS3.4 section K.4.1): the keys that have a value."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import decode, encodings_of
from ehr_bridge.dicom.structure.encoding import CHARSET_VRS

STEPS: Final = "ScheduledProcedureStepSequence"
_MOST_KEYS: Final = 200


class Keys(NamedTuple):
    """What a modality asks for; keys without a value, which only ask to be returned, are left out."""

    values: dict[str, str]
    """By keyword, without insignificant blanks; of the request and of the step's only item. Several values are
    separated by a backslash, as in the file."""
    nested: tuple[str, ...]
    """Keys with a value in other sequences, as `Sequence.Keyword`."""


def read_keys(data: bytes | Dataset, charset: str) -> Keys:
    """The keys of a query: a DICOM file, as Orthanc hands it over, or a data set. `charset` is a Python codec, for a
    query that says nothing of its own. Raises ValueError when it is none, or asks for several steps at once."""
    try:
        query = data if isinstance(data, Dataset) else dcmread(io.BytesIO(data), force=True)
        encodings = _encodings(query, (charset,))
        values: dict[str, str] = {}
        nested: list[str] = []
        for keyword, value in _of(query, encodings):
            if isinstance(value, str):
                values[keyword] = value
            elif keyword == STEPS:
                if len(value) > 1:
                    raise ValueError("the query has several items in its Scheduled Procedure Step Sequence")
                values |= {
                    name: of_step
                    for item in value
                    for name, of_step in _of(item, encodings)
                    if isinstance(of_step, str)
                }
            else:
                nested += [f"{keyword}.{name}" for item in value for name, _ in _of(item, encodings)]
    except ValueError:
        raise
    except Exception as error:  # pydicom raises many kinds on what it cannot read
        raise ValueError(f"the query cannot be read: {type(error).__name__}") from error
    return Keys(values, tuple(nested))


def _encodings(query: Dataset, assumed: tuple[str, ...]) -> tuple[str, ...]:
    said = query.get("SpecificCharacterSet") or ()
    terms = "\\".join([said] if isinstance(said, str) else said)
    return encodings_of(terms.encode("ascii", "replace")) if terms.strip(" \0") else assumed


def _of(dataset: Dataset, encodings: tuple[str, ...]) -> Iterator[tuple[str, str | list[Dataset]]]:
    """Keyword and value of each key that has one. Values are not interpreted: a key may hold what its VR forbids in a
    file, such as a wildcard."""
    for tag in list(dataset.keys())[:_MOST_KEYS]:
        if tag.element == 0 or tag == tags.SPECIFIC_CHARACTER_SET:
            continue
        element: Any = dataset.get_item(tag)
        keyword = keyword_for_tag(tag) or f"{tag:08x}"
        if isinstance(element, RawDataElement) and element.VR != "SQ":
            of_vr = encodings if element.VR in CHARSET_VRS else ("latin-1",)
            if text := decode(element.value or b"", of_vr).strip(" \0"):
                yield keyword, text
        else:
            whole: Any = dataset[tag]
            if whole.VR == "SQ" and (items := list(whole.value)):
                yield keyword, items
