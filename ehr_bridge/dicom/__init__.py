"""Reads DICOM files and changes their headers, without Orthanc, database, network or clock.

In       the bytes of one file (PS3.10), and for a coercion the values of a patient and order.
Out      `Header` (positions of the elements, text on demand), `Finding`s, and `Coerced` bytes in which only the changed
         elements differ, with the previous values in the Original Attributes Sequence.
Refuses  with `RefusedInstance`: what is not DICOM, is cut off, has wrong lengths, nests too deep, holds too many
         elements, inflates too far, or cannot be stored or recoded; with `ValueError`: values that no file may get.
"""

from ehr_bridge.dicom.changing.coerce import Coerced, coerce, renumber
from ehr_bridge.dicom.changing.former import Former, keep_former, restore
from ehr_bridge.dicom.changing.plans import Change, Plans
from ehr_bridge.dicom.reading.content import is_same_content
from ehr_bridge.dicom.reading.elements import Elements, ElementView, read_elements
from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header, read_header, require_worth
from ehr_bridge.dicom.reading.layout import Layouts
from ehr_bridge.dicom.reading.validate import (
    LONGEST_UID,
    STORABLE_UID,
    Finding,
    is_storable_uid,
    is_uid,
    require_storable,
    validate,
)
from ehr_bridge.dicom.structure.inflating import MAX_INFLATED
from ehr_bridge.dicom.structure.part10 import Element, looks_like_dicom
from ehr_bridge.dicom.structure.tags import MODIFIABLE_KEYWORDS
from ehr_bridge.dicom.values import canonical, date_text, is_date
from ehr_bridge.dicom.values import wanted_value as checked_value

__all__ = [
    "LONGEST_UID",
    "MAX_DEPTH",
    "MAX_INFLATED",
    "MODIFIABLE_KEYWORDS",
    "STORABLE_UID",
    "Change",
    "Coerced",
    "Element",
    "ElementView",
    "Elements",
    "Finding",
    "Former",
    "Header",
    "Layouts",
    "Plans",
    "canonical",
    "checked_value",
    "coerce",
    "date_text",
    "is_date",
    "is_same_content",
    "is_storable_uid",
    "is_uid",
    "keep_former",
    "looks_like_dicom",
    "read_elements",
    "read_header",
    "renumber",
    "require_storable",
    "require_worth",
    "restore",
    "validate",
]
