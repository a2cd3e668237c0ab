"""The elements of a file for display: decoded by pydicom, in the file's own character sets.

Needs a walked header, so that lengths and nesting are known to be harmless; returns at most `MAX_ELEMENTS` views.
Values are whole or absent, never truncated: for binary or long ones the size is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.dicom.reading.header import Header
from ehr_bridge.errors import RefusedInstance

MAX_ELEMENTS: Final = 20_000
"""At all levels together; an enhanced multi-frame object has a few thousand."""
LONGEST_VALUE: Final = 16 * 1024
"""In bytes; for longer ones only the size is shown."""
_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})

type Plain = str | int | float


class ElementView(NamedTuple):
    tag: str
    """As (gggg,eeee)."""
    keyword: str | None
    vr: str
    size_bytes: int | None
    """Of its value in the file; None for sequences."""
    value: list[Plain] | None
    """None for sequences, binary and long values, and values that do not conform to their VR."""
    items: list[list[ElementView]] | None
    """The items of a sequence."""


class Elements(NamedTuple):
    transfer_syntax_uid: str
    elements: list[ElementView]
    is_complete: bool
    """False when there are more than `MAX_ELEMENTS`; the first ones are shown."""


def read_elements(header: Header) -> Elements:
    """The elements of a file, meta information first, in tag order. Raises RefusedInstance `malformed` when pydicom
    cannot read what our own walk could."""
    try:
        ds = read_dataset(header)
        reading = _Reading()
        views = [*reading.views(ds.file_meta), *reading.views(ds)]
    except Exception:  # pydicom raises anything on values that break the Standard
        raise RefusedInstance(
            "malformed", "The elements of this file cannot be decoded; validate it, and export it again."
        ) from None
    return Elements(header.transfer_syntax_uid, views, reading.left >= 0)


class _Reading:
    """Counts the elements at all levels while reading."""

    def __init__(self) -> None:
        self.left = MAX_ELEMENTS

    def views(self, ds: Dataset) -> Iterator[ElementView]:
        for tag in sorted(ds.keys()):
            self.left -= 1
            if self.left < 0:
                return
            yield self._view(ds, tag)

    def _view(self, ds: Dataset, tag: BaseTag) -> ElementView:
        raw = ds.get_item(tag)
        size = len(raw.value or b"") if isinstance(raw, RawDataElement) else None
        name = f"({tag.group:04X},{tag.element:04X})"
        keyword = keyword_for_tag(tag) or None
        try:
            element = ds[tag]
        except Exception:  # a value that does not conform to its VR
            return ElementView(name, keyword, str(raw.VR) if raw is not None and raw.VR else "UN", size, None, None)
        if element.VR == "SQ":
            return ElementView(name, keyword, "SQ", None, None, [list(self.views(item)) for item in element.value])
        if size is None:
            size = len(element.value) if isinstance(element.value, bytes) else None
        is_shown = element.VR not in _BINARY and (size is None or size <= LONGEST_VALUE)
        return ElementView(name, keyword, str(element.VR), size, _plain(element) if is_shown else None, None)


def _plain(element: DataElement) -> list[Plain]:
    if element.is_empty:
        return []
    several = element.VM > 1
    return [_value(value) for value in (element.value if several else [element.value])]


def _value(value: Any) -> Plain:
    if isinstance(value, BaseTag):
        return f"({value.group:04X},{value.element:04X})"
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return str(value)
