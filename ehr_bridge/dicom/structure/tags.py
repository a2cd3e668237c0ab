"""Tags that read better by name than as (gggg,eeee), and those that a caller may modify."""

from __future__ import annotations

from typing import Final

from pydicom.datadict import tag_for_keyword

MODIFIABLE_KEYWORDS: Final = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyDate",
    "StudyDescription",
    "Laterality",
)
"""What a person may correct; everything else comes from the EHR or stays as it is."""
DESCRIBING_GROUPS: Final = frozenset({0x0008, 0x0010, 0x0032, 0x0038, 0x0040})
"""Groups that describe patient, study and order; the others describe how to read the image."""

TRANSFER_SYNTAX_UID: Final = 0x00020010
META_GROUP_LENGTH: Final = 0x00020000
MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x00020003
DIRECTORY_RECORD_SEQUENCE: Final = 0x00041220
LENGTH_TO_END: Final = 0x00080001
SPECIFIC_CHARACTER_SET: Final = 0x00080005
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_DATE: Final = 0x00080020
STUDY_TIME: Final = 0x00080030
ACCESSION_NUMBER: Final = 0x00080050
MODALITY: Final = 0x00080060
REFERRING_PHYSICIAN_NAME: Final = 0x00080090
STUDY_DESCRIPTION: Final = 0x00081030
PATIENT_NAME: Final = 0x00100010
PATIENT_ID: Final = 0x00100020
ISSUER_OF_PATIENT_ID: Final = 0x00100021
ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE: Final = 0x00100024
PATIENT_BIRTH_DATE: Final = 0x00100030
PATIENT_SEX: Final = 0x00100040
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E
REQUEST_ATTRIBUTES_SEQUENCE: Final = 0x00400275
SCHEDULED_PROCEDURE_STEP_ID: Final = 0x00400009
REQUESTED_PROCEDURE_ID: Final = 0x00401001
BODY_PART_EXAMINED: Final = 0x00180015
LATERALITY: Final = 0x00200060
IMAGE_LATERALITY: Final = 0x00200062
ISSUER_OF_ACCESSION_NUMBER_SEQUENCE: Final = 0x00080051
LOCAL_NAMESPACE_ENTITY_ID: Final = 0x00400031
UNIVERSAL_ENTITY_ID: Final = 0x00400032
MODIFIED_ATTRIBUTES_SEQUENCE: Final = 0x04000550
ORIGINAL_ATTRIBUTES_SEQUENCE: Final = 0x04000561
ATTRIBUTE_MODIFICATION_DATE_TIME: Final = 0x04000562
MODIFYING_SYSTEM: Final = 0x04000563
SOURCE_OF_PREVIOUS_VALUES: Final = 0x04000564
REASON_FOR_THE_ATTRIBUTE_MODIFICATION: Final = 0x04000565

DICOMDIR_SOP_CLASS_UID: Final = "1.2.840.10008.1.3.10"


def tag_of(keyword: str) -> int:
    """The tag of a DICOM keyword (PS3.6). Raises KeyError for an unknown one."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag
