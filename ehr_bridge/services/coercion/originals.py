"""The former values of a stored file: its Original Attributes Sequence (PS3.3 section C.12.1.1.9)."""

from __future__ import annotations

import io
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import pydicom
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from ehr_bridge.dicom import Header
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.services.identity.attributes import LINKED_KEYWORDS

PATIENT_GROUP = 0x0010
QUALIFIERS = "IssuerOfPatientIDQualifiersSequence"
MODIFYING_SYSTEM = "ORTHANC EHR BRIDGE"
"""Our name in the Original Attributes Sequence of changed files."""


@dataclass(frozen=True, slots=True)
class FormerValue:
    """One entry of the Original Attributes Sequence."""

    value: str
    changed_at: datetime | None
    modifying_system: str
    source: str
    reason: str


def former_values(data: bytes) -> dict[str, list[FormerValue]]:
    """All entries of a file's sequence, oldest first, decoded in the character sets of their items."""
    return _former_values(_read(data))


def _read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)


def _former_values(file: Dataset) -> dict[str, list[FormerValue]]:
    found: dict[str, list[FormerValue]] = {}
    for item in file.get("OriginalAttributesSequence") or []:
        for before in item.get("ModifiedAttributesSequence") or []:
            before.decode()
            for element in before:
                entry = FormerValue(
                    "" if element.value is None or element.VR == "SQ" else str(element.value),
                    _moment(item),
                    str(item.get("ModifyingSystem") or ""),
                    str(item.get("SourceOfPreviousValues") or ""),
                    str(item.get("ReasonForTheAttributeModification") or ""),
                )
                found.setdefault(keyword_for_tag(element.tag), []).append(entry)
    return found


class OnArrival(NamedTuple):
    """The values that a file had on arrival, of all attributes that a link decides; only those we have changed
    since."""

    values: dict[str, str]
    """These are the attributes that the built-in rules and those of the site write, and all others that identify the
    patient, because a former rule may have written them. A value that cannot be written (an invalid date) is empty; the
    sequence keeps it.
    """
    qualifiers: bytes | None
    """The Issuer of Patient ID Qualifiers Sequence (0010,0024) that we removed, as an element in the file's own
    encoding; None when we removed none."""


def on_arrival(header: Header, ruled: Set[str] = frozenset()) -> OnArrival:
    """`ruled` are the attributes that the site's rules write."""
    file = _read(header.data)
    return OnArrival(_identity(file, ruled), _qualifiers(file, header))


def _identity(file: Dataset, ruled: Set[str]) -> dict[str, str]:
    found = {}
    for keyword, former in _former_values(file).items():
        ours = [entry for entry in former if entry.modifying_system == MODIFYING_SYSTEM]
        if keyword == QUALIFIERS:
            continue
        if ours and (keyword in LINKED_KEYWORDS or keyword in ruled or _is_of_the_patient(keyword)):
            found[keyword] = _writable(keyword, ours[0].value)
    return found


def _qualifiers(file: Dataset, header: Header) -> bytes | None:
    for item in file.get("OriginalAttributesSequence") or []:
        if str(item.get("ModifyingSystem") or "") != MODIFYING_SYSTEM:
            continue
        for before in item.get("ModifiedAttributesSequence") or []:
            if QUALIFIERS in before:
                return _encoded(before[QUALIFIERS], header) if before[QUALIFIERS].value else None
    return None


def _encoded(element: DataElement, header: Header) -> bytes:
    alone = Dataset()
    alone.add(element)
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = not header.big_endian, header.implicit
    write_dataset(out, alone, list(header.charset))
    return out.getvalue()


def _is_of_the_patient(keyword: str) -> bool:
    tag = tag_for_keyword(keyword)
    return tag is not None and tag >> 16 == PATIENT_GROUP


def _writable(keyword: str, value: str) -> str:
    try:
        return wanted_value(keyword, value).value
    except ValueError:
        return ""


def _moment(item: Dataset) -> datetime | None:
    """The time (DT, PS3.5 section 6.2); None when it is not in the form that we and most systems write."""
    text = str(item.get("AttributeModificationDateTime") or "").strip()
    for form in ("%Y%m%d%H%M%S.%f%z", "%Y%m%d%H%M%S%z"):
        try:
            return datetime.strptime(text, form).astimezone(UTC)
        except ValueError:
            continue
    return None
