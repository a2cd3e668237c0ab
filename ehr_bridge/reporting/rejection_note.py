"""A rejection note: a Key Object Selection Document (PS3.3 A.35.4) whose title says why images are not to be used
(IHE RAD IOCM, RAD-66; PS3.16 TID 2010, CID 7010). Written, and read where another system wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydicom.dataset import Dataset
from pydicom.uid import UID

from ehr_bridge.dicom import Header
from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.reporting.documents import Place, Site, Subject, code, cover, encoded, short
from ehr_bridge.reporting.states import KEY_OBJECT_SELECTION
from ehr_bridge.reporting.wording import one_line

TITLES: Mapping[str, tuple[str, str]] = {
    "quality": ("113001", "Rejected for Quality Reasons"),
    "patient_safety": ("113037", "Rejected for Patient Safety Reasons"),
    "wrong_worklist": ("113038", "Incorrect Modality Worklist Entry"),
    "expired": ("113039", "Data Retention Policy Expired"),
}
"""By reason: code and meaning in DCM."""
REASONS = {value: reason for reason, (value, _) in TITLES.items()}
MOST_NAMED = 100_000
"""Instances that are read of a note of another system."""


class Named(NamedTuple):
    """An image that a note names."""

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str


class ForeignNote(NamedTuple):
    """What another system's note says."""

    reason: str
    comment: str | None
    images: tuple[Named, ...]
    """Of its own study."""


def rejection_note(
    reason: str, comment: str | None, images: Sequence[Named], at: datetime, subject: Subject, place: Place, site: Site
) -> bytes:
    """The file. `at` is in the site's time zone."""
    value, meaning = TITLES[reason]
    dataset = cover(at, subject, place, site, KEY_OBJECT_SELECTION)
    dataset.Modality = "KO"
    dataset.SeriesDescription = short(meaning)
    dataset.InstanceNumber = 1
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.CurrentRequestedProcedureEvidenceSequence = [_evidence(str(subject.modules.StudyInstanceUID), images)]
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = [code(value, "DCM", meaning)]
    dataset.ContinuityOfContent = "SEPARATE"
    template = Dataset()
    template.MappingResource = "DCMR"
    template.TemplateIdentifier = "2010"
    dataset.ContentTemplateSequence = [template]
    content = [] if not comment else [_description(one_line(comment))]
    dataset.ContentSequence = content + [_reference(image) for image in images]
    return encoded(dataset)


def read_note(header: Header) -> ForeignNote | None:
    """What a file says if it is a rejection note; None if not. Raises RefusedInstance when it cannot be read."""
    dataset = read_dataset(header)
    titles = dataset.get("ConceptNameCodeSequence") or []
    title = titles[0] if titles else Dataset()
    if str(title.get("CodingSchemeDesignator", "")).strip() != "DCM":
        return None
    reason = REASONS.get(str(title.get("CodeValue", "")).strip())
    if reason is None:
        return None
    named: dict[str, Named] = {}
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or []:
        if str(study.get("StudyInstanceUID", "")) != header.study_instance_uid:
            continue
        for series in study.get("ReferencedSeriesSequence") or []:
            for image in series.get("ReferencedSOPSequence") or []:
                uid = str(image.get("ReferencedSOPInstanceUID", ""))
                if uid and len(named) < MOST_NAMED:
                    known = str(series.get("SeriesInstanceUID", "")), str(image.get("ReferencedSOPClassUID", ""))
                    named[uid] = Named(*known, uid)
    texts = [str(item.get("TextValue", "")) for item in dataset.get("ContentSequence") or []]
    comment = short(next(filter(None, texts), ""), 255) or None
    return ForeignNote(reason, comment, tuple(named.values()))


def _evidence(study_instance_uid: str, images: Sequence[Named]) -> Dataset:
    by_series: dict[str, list[Named]] = {}
    for image in images:
        by_series.setdefault(image.series_instance_uid, []).append(image)
    item = Dataset()
    item.StudyInstanceUID = study_instance_uid
    item.ReferencedSeriesSequence = []
    for uid, members in by_series.items():
        series = Dataset()
        series.ReferencedSOPSequence = [_sop(image) for image in members]
        series.SeriesInstanceUID = uid
        item.ReferencedSeriesSequence.append(series)
    return item


def _sop(image: Named) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = image.sop_class_uid
    item.ReferencedSOPInstanceUID = image.sop_instance_uid
    return item


def _reference(image: Named) -> Dataset:
    known = UID(image.sop_class_uid).name
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "IMAGE" if "Image Storage" in known else "WAVEFORM" if "Waveform" in known else "COMPOSITE"
    item.ReferencedSOPSequence = [_sop(image)]
    return item


def _description(text: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "TEXT"
    item.ConceptNameCodeSequence = [code("113012", "DCM", "Key Object Description")]
    item.TextValue = text
    return item
