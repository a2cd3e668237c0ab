"""What the two documents of a version have in common: whose study they are in, and the modules around the content.

Patient and study module are copied from a file of the study, so that the document stands in the same study everywhere.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO
from typing import Self

from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.wording import one_line, state_line, words_of
from ehr_bridge.version import VERSION

COPIED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "OtherPatientIDsSequence",
    "PatientSpeciesDescription",
    "PatientBreedDescription",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
)
"""Of the patient and the study module; whatever is not of the study as a whole (age, weight) is left out."""
REQUIRED = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Type 2: there, even if empty."""
IMPLEMENTATION = "2.25.283089405738380628520675091334955363533"
LONGEST_LO = 64
LONGEST_SH = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient and the study, as the files of the study say them."""

    modules: Dataset

    @classmethod
    def of(cls, file: bytes) -> Self:
        """From any file of the study. Raises RefusedInstance when it is no DICOM file."""
        source = read_dataset(read_header(file))
        modules = Dataset()
        source.decode()
        for keyword in COPIED:
            if keyword in source:
                found = source[keyword]
                value = copy.deepcopy(found.value)
                modules.add(DataElement(found.tag, found.VR, value, validation_mode=config.IGNORE))
        return cls(_completed(modules))

    @classmethod
    def said(cls, values: Mapping[str, str]) -> Self:
        """From these values, where the study has no files."""
        modules = Dataset()
        for keyword, value in values.items():
            setattr(modules, keyword, value)
        return cls(_completed(modules))

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: two documents with the same one show the same patient and study."""
        said = json.dumps(self.modules.to_json_dict(), sort_keys=True, default=str)
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()

    def text(self, keyword: str) -> str:
        """Its value as it is read; names as `Doe, John`."""
        value = self.modules.get(keyword)
        if value is None:
            return ""
        if self.modules[keyword].VR == "PN":
            groups = str(value).split("=")
            return one_line(" / ".join(_spoken(group) for group in groups if group.strip("^ ")))
        return one_line(str(value))


@dataclass(frozen=True, slots=True)
class Site:
    """Where the report is made."""

    organization: str = ""
    """Stands for the signers; DICOM asks for one."""
    header: str = ""
    """Lines above each report, such as name and address."""
    logo: bytes = b""
    """A PNG, JPEG, GIF, WebP or SVG picture; empty for none."""
    zone: tzinfo = UTC
    """In which times are written."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is in the study. Each has a series of its own, since the series' description says its state."""

    sop_instance_uid: str
    series_instance_uid: str
    series_number: int


@dataclass(frozen=True, slots=True)
class Reference:
    """Another document."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str


def envelope(version: Version, subject: Subject, place: Place, site: Site, sop_class_uid: str) -> FileDataset:
    """A report without its content: file meta, SOP common, patient, study, series and equipment."""
    dataset = cover(version.issued_at.astimezone(site.zone), subject, place, site, sop_class_uid)
    dataset.SeriesDescription = series_description(version)
    dataset.InstanceNumber = version.number
    return dataset


def new_file(sop_class_uid: str, sop_instance_uid: str) -> FileDataset:
    """A file that we make (PS3.10 7.1): its File Meta Information, its UIDs and its character set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    meta.ImplementationVersionName = f"EHRBRIDGE_{VERSION}"[:LONGEST_SH]
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, sop_instance_uid
    return dataset


def cover(at: datetime, subject: Subject, place: Place, site: Site, sop_class_uid: str) -> FileDataset:
    """The same of any document of ours."""
    dataset = new_file(sop_class_uid, place.sop_instance_uid)
    for element in subject.modules:
        dataset.add(copy.deepcopy(element))
    dataset.InstanceCreationDate = dataset.SeriesDate = dataset.ContentDate = at.strftime("%Y%m%d")
    dataset.InstanceCreationTime = dataset.SeriesTime = dataset.ContentTime = at.strftime("%H%M%S")
    dataset.SeriesInstanceUID = place.series_instance_uid
    dataset.SeriesNumber = place.series_number
    dataset.Manufacturer = "orthanc-ehr-bridge"
    dataset.ManufacturerModelName = "orthanc-ehr-bridge"
    dataset.SoftwareVersions = VERSION
    if site.organization:
        dataset.InstitutionName = short(site.organization)
    return dataset


def series_description(version: Version) -> str:
    """`Report: amended, version 2, replaces version 1`: viewers show nothing else of the state."""
    return short(f"{words_of(version.language)['report']}: {state_line(version)}")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = short(meaning) or value
    return item


def short(text: str, longest: int = LONGEST_LO) -> str:
    """As one value of a short element, where a backslash would begin another value."""
    return one_line(text).replace("\\", "/")[:longest].strip()


def encoded(dataset: FileDataset) -> bytes:
    """The file (PS3.10). The same dataset gives the same bytes."""
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _completed(modules: Dataset) -> Dataset:
    for keyword in REQUIRED:
        if keyword not in modules:
            setattr(modules, keyword, "")
    return modules


def _spoken(group: str) -> str:
    family, given, middle, prefix, suffix = (group.split("^") + [""] * 5)[:5]
    first = " ".join(part.strip() for part in (prefix, given, middle) if part.strip())
    whole = ", ".join(part for part in (family.strip(), first) if part)
    return f"{whole} {suffix.strip()}".strip()
