"""What is wrong with a header, and whether it prevents storing the file.

Findings contain no values from the file. Errors mean the file cannot be stored; warnings are shown to people at upload
and in the reconciliation list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from ehr_bridge.dicom.reading.header import Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import NUL_SIGN, unknown_terms
from ehr_bridge.dicom.structure.encoding import TEXT_VRS, TRANSFER_SYNTAX_UIDS
from ehr_bridge.dicom.values import is_date
from ehr_bridge.errors import RefusedInstance

_UID: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
STORABLE_UID: Final = r"[0-9]+(\.[0-9]+)*"
"""UIDs that every door accepts and every route opens: numbers joined by dots. Leading zeros violate PS3.5 section 9.1,
but real devices write them, and every reader can handle them."""
LONGEST_UID: Final = 64
_STORABLE_UID: Final = re.compile(STORABLE_UID)
_LONGEST_PATIENT_ID: Final = 64
_LONGEST_INDEXED: Final = 256
"""Bytes of an identifier in UTF-8; Orthanc drops a longer one, and then cannot name the patient."""
_LONGEST_ACCESSION_NUMBER: Final = 16

_IDENTIFYING: Final = (
    (tags.STUDY_INSTANCE_UID, "Study Instance UID"),
    (tags.SERIES_INSTANCE_UID, "Series Instance UID"),
    (tags.SOP_INSTANCE_UID, "SOP Instance UID"),
    (tags.SOP_CLASS_UID, "SOP Class UID"),
)
_INDEXED: Final = (*_IDENTIFYING[:3], (tags.PATIENT_ID, "Patient ID"))
"""From these Orthanc derives its identifiers."""
_DATES: Final = (
    (tags.PATIENT_BIRTH_DATE, "Patient's Birth Date"),
    (tags.STUDY_DATE, "Study Date"),
)


class Finding(NamedTuple):
    """One remark about a file."""

    level: Literal["error", "warning"]
    code: str
    message: str
    tag: str | None
    """As (gggg,eeee), or None when it is about the whole file."""


def is_storable_uid(text: str) -> bool:
    return len(text) <= LONGEST_UID and _STORABLE_UID.fullmatch(text) is not None


def is_uid(text: str) -> bool:
    """Whether text is a UID: numbers without leading zeros, joined by dots, at most 64 characters (PS3.5 9.1)."""
    return len(text) <= LONGEST_UID and _UID.fullmatch(text) is not None


def validate(header: Header) -> list[Finding]:
    """All findings for a header, errors first."""
    return [*_errors(header), *_warnings(header)]


def require_storable(header: Header) -> None:
    """Accept a file that Orthanc can index and that names its study, series and instance.

    Raises: RefusedInstance with the code of the first error finding: `dicomdir`, `missing_uid`, `invalid_uid` or
    `cannot_index`; `errors` lists all of them.
    """
    errors = list(_errors(header))
    if errors:
        pairs = tuple((error.tag or "", error.message) for error in errors)
        raise RefusedInstance(errors[0].code, errors[0].message, pairs)


def _errors(header: Header) -> Iterator[Finding]:
    if _is_dicomdir(header):
        yield Finding(
            "error",
            "dicomdir",
            "This is a DICOMDIR, the index of a disc (Media Storage Directory Storage). "
            "Send the files it lists instead.",
            None,
        )
        return
    for tag, name in _IDENTIFYING:
        uid = header.uid(tag)
        if not uid and tag == tags.SOP_CLASS_UID:
            continue  # Orthanc stores and shows it; nothing is searched by it
        if not uid:
            message = f"{name} is missing. Export the file again from a system that writes it."
            yield _finding("error", "missing_uid", message, tag)
        elif not is_storable_uid(uid):
            message = (
                f"{name} is not a UID: digits and dots, at most {LONGEST_UID} characters (PS3.5 section 9.1). "
                "Export the file again from a system that writes it correctly."
            )
            yield _finding("error", "invalid_uid", message, tag)
    for tag, name in _INDEXED:
        element = header.element(tag)
        if element is not None and element.vr not in TEXT_VRS and element.vr != "UN":
            message = f"{name} is not written as text, so the archive cannot index the file. Export it again."
            yield _finding("error", "cannot_index", message, tag)
    if len(header.patient_id.encode()) > _LONGEST_INDEXED:
        message = (
            f"Patient ID is longer than {_LONGEST_INDEXED} characters, so the archive cannot index the file. "
            "Correct it where it was made."
        )
        yield _finding("error", "cannot_index", message, tags.PATIENT_ID)


def _warnings(header: Header) -> Iterator[Finding]:
    for tag, name in _IDENTIFYING:
        uid = header.uid(tag)
        if not is_uid(uid) and is_storable_uid(uid):
            yield _warning("leading_zero_in_uid", f"{name} has a number with a leading zero.", tag)
    if not header.sop_class_uid:
        message = "SOP Class UID is missing; the file cannot be sent on to other systems by DIMSE."
        yield _warning("missing_sop_class", message, tags.SOP_CLASS_UID)
    patient_id, accession_number = header.patient_id, header.accession_number
    if not patient_id:
        yield _warning("missing_patient_id", "Patient ID is missing.", tags.PATIENT_ID)
    elif len(patient_id) > _LONGEST_PATIENT_ID:
        message = f"Patient ID is longer than {_LONGEST_PATIENT_ID} characters."
        yield _warning("patient_id_too_long", message, tags.PATIENT_ID)
    if not header.patient_name.strip("^= "):
        yield _warning("missing_patient_name", "Patient's Name is missing.", tags.PATIENT_NAME)
    for tag, name in _DATES:
        date = header.text(tag)
        if date and not is_date(date):
            yield _warning("invalid_date", f"{name} is not a day written YYYYMMDD.", tag)
    if len(accession_number) > _LONGEST_ACCESSION_NUMBER:
        message = f"Accession Number is longer than {_LONGEST_ACCESSION_NUMBER} characters."
        yield _warning("accession_number_too_long", message, tags.ACCESSION_NUMBER)
    if not header.modality:
        yield _warning("missing_modality", "Modality is missing.", tags.MODALITY)
    for tag in (tags.PATIENT_ID, tags.PATIENT_NAME, tags.ACCESSION_NUMBER):
        if any(unicodedata.category(one) == "Cc" or one == NUL_SIGN for one in header.text(tag)):
            yield _warning("control_character", "An identifying text holds a control character.", tag)
    if header.transfer_syntax_uid not in TRANSFER_SYNTAX_UIDS:
        message = "The transfer syntax is not one the Standard defines; the pixels may not be shown."
        yield _warning("unknown_transfer_syntax", message, tags.TRANSFER_SYNTAX_UID)
    if unknown_terms(header.raw(tags.SPECIFIC_CHARACTER_SET) or b""):
        message = "Specific Character Set names a set the Standard does not define; text may read wrongly."
        yield _warning("unknown_character_set", message, tags.SPECIFIC_CHARACTER_SET)
    for tag in sorted({tag for tag, _, _ in header.walk.repeats}):
        yield _warning("repeated_element", "The element occurs more than once; the first one counts.", tag)


def _is_dicomdir(header: Header) -> bool:
    if tags.DIRECTORY_RECORD_SEQUENCE in header.walk.starts:
        return True
    declared = header.meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID)
    media = header.body[declared.value_start : declared.end] if declared else b""
    return tags.DICOMDIR_SOP_CLASS_UID in {header.sop_class_uid, media.decode("latin-1").strip(" \0")}


def _finding(level: Literal["error", "warning"], code: str, message: str, tag: int) -> Finding:
    return Finding(level, code, message, f"({tag >> 16:04X},{tag & 0xFFFF:04X})")


def _warning(code: str, message: str, tag: int) -> Finding:
    return _finding("warning", code, message, tag)
