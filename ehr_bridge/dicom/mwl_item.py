"""Encodes items of the Modality Worklist (PS3.4 annex K) as DICOM files, explicit VR little endian, in UTF-8.

Every attribute of type 1 and 2 in PS3.4 table K.6-1 is present, and some others that devices ask for, with no value
where there is none: devices show nothing where one is missing, and Orthanc cuts an item down to the attributes that
were asked for, but adds none. Written by hand, because a worklist is asked all day and pydicom takes forty times as
long.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

from pydicom.datadict import tag_for_keyword

from ehr_bridge.dicom.structure.encoding import vr_of_tag

TYPE_1: Final = frozenset(
    {
        "Modality",
        "PatientID",
        "PatientName",
        "RequestedProcedureDescription",
        "RequestedProcedureID",
        "ScheduledProcedureStepDescription",
        "ScheduledProcedureStepID",
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "ScheduledStationAETitle",
        "StudyInstanceUID",
    }
)
"""Must have a value; the two descriptions because there is no code beside them (type 1C)."""
STEP_KEYWORDS: Final = frozenset(
    {
        "CommentsOnTheScheduledProcedureStep",
        "Modality",
        "PreMedication",
        "RequestedContrastAgent",
        "ScheduledPerformingPhysicianName",
        "ScheduledProcedureStepDescription",
        "ScheduledProcedureStepID",
        "ScheduledProcedureStepLocation",
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "ScheduledProcedureStepStatus",
        "ScheduledStationAETitle",
        "ScheduledStationName",
    }
)
"""Attributes of the only item of the Scheduled Procedure Step Sequence."""
REQUEST_KEYWORDS: Final = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "Allergies",
        "ConfidentialityConstraintOnPatientDataDescription",
        "CurrentPatientLocation",
        "IssuerOfPatientID",
        "MedicalAlerts",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "PatientSex",
        "PatientSize",
        "PatientState",
        "PatientTransportArrangements",
        "PatientWeight",
        "PlacerOrderNumberImagingServiceRequest",
        "PregnancyStatus",
        "ReasonForTheRequestedProcedure",
        "ReferencedPatientSequence",
        "ReferencedStudySequence",
        "ReferringPhysicianName",
        "RequestedProcedureComments",
        "RequestedProcedureDescription",
        "RequestedProcedureID",
        "RequestedProcedurePriority",
        "RequestingPhysician",
        "SpecialNeeds",
        "StudyInstanceUID",
    }
)
"""Attributes beside it: of the requested procedure, the imaging service request, the visit and the patient."""
CODE_KEYWORDS: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
"""Of the item of the Requested Procedure Code Sequence, where there is one."""


class _Element(NamedTuple):
    tag: int
    keyword: str
    vr: str
    head: bytes
    """Tag and VR, as they are written."""


def _element(keyword: str) -> _Element:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    vr = vr_of_tag(tag)
    return _Element(tag, keyword, vr, Struct("<HH").pack(tag >> 16, tag & 0xFFFF) + vr.encode())


def _elements(keywords: frozenset[str] | tuple[str, ...]) -> tuple[_Element, ...]:
    return tuple(sorted(map(_element, keywords)))


_SEQUENCES: Final = frozenset({"RequestedProcedureCodeSequence", "ScheduledProcedureStepSequence"})
_REQUEST: Final = _elements(REQUEST_KEYWORDS | _SEQUENCES)
_STEP: Final = _elements(STEP_KEYWORDS)
_CODE: Final = _elements(CODE_KEYWORDS)
_SHORT: Final = Struct("<H").pack
_LONG: Final = Struct("<2xI").pack
_ITEM: Final = Struct("<HHI").pack
_CHARACTER_SET: Final = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192"
_FIND_WORKLIST: Final = b"1.2.840.10008.5.1.4.31\0"
_EXPLICIT_LITTLE: Final = b"1.2.840.10008.1.2.1\0"
_META: Final = b"".join(
    Struct("<HH2sH").pack(2, element, b"UI", len(uid) + len(uid) % 2) + uid + b"\0" * (len(uid) % 2)
    for element, uid in ((0x02, _FIND_WORKLIST), (0x03, b"2.25.1"), (0x10, _EXPLICIT_LITTLE))
)
_PREFIX: Final = b"\0" * 128 + b"DICM" + Struct("<HH2sHI").pack(2, 0, b"UL", 4, len(_META)) + _META + _CHARACTER_SET


def encode_item(values: Mapping[str, str]) -> bytes:
    """One item as a file, from values by keyword; what has none stands there empty. A `CodeValue` makes an item of the
    Requested Procedure Code Sequence. Raises ValueError when a value of type 1 is missing."""
    if missing := [keyword for keyword in TYPE_1 if not values.get(keyword)]:
        raise ValueError(f"an item of the worklist needs {', '.join(sorted(missing))}")
    sequences = {"ScheduledProcedureStepSequence": _item(_STEP, values)}
    if values.get("CodeValue"):
        sequences["RequestedProcedureCodeSequence"] = _item(_CODE, values)
    parts = [_PREFIX]
    for element in _REQUEST:
        if element.vr != "SQ":
            parts.append(_encoded(element, values))
        elif element.keyword not in _SEQUENCES:
            parts.append(element.head + _LONG(0))  # type 2, and nothing is known of it
        elif element.keyword in sequences:
            content = sequences[element.keyword]
            parts.append(element.head + _LONG(len(content)) + content)
    return b"".join(parts)


def _item(elements: tuple[_Element, ...], values: Mapping[str, str]) -> bytes:
    content = b"".join(_encoded(element, values) for element in elements)
    return _ITEM(0xFFFE, 0xE000, len(content)) + content


def _encoded(element: _Element, values: Mapping[str, str]) -> bytes:
    raw = values.get(element.keyword, "").encode()
    if len(raw) % 2:
        raw += b"\0" if element.vr == "UI" else b" "
    return element.head + _SHORT(len(raw)) + raw
