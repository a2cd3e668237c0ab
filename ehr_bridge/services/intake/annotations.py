"""What a caller may store who may annotate but not upload: annotations of the study they are viewing.

Decided by the files, never by the request: measurement reports, segmentations and key object selections, with the
study's own identity, that refer to no study the sender may not see, in a series of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom.dataset import Dataset
from sqlalchemy import select

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header
from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.verdict.judge import Confirmation
from ehr_bridge.services.visibility.sight import Sight

MODALITY_OF = {
    "1.2.840.10008.5.1.4.1.1.88.22": "SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.88.59": "KO",
}
"""Enhanced, Comprehensive and Comprehensive 3D SR, Segmentation, Key Object Selection (PS3.4 annex B.5)."""
IDENTITY = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "IssuerOfPatientID")
MAY_BE_MISSING = IDENTITY[2:]
"""A viewer may leave these out; if they are present they must be the same."""


class Annotations:
    def __init__(self, database: Database, sight: Sight) -> None:
        self._database = database
        self._sight = sight

    def confirm(self, files: Sequence[bytes], caller: Caller, archive: Archive) -> Confirmation:
        """Accept files that are annotations of one study the caller may annotate; returns that study's patient and
        order.

        Nothing is written.

        Raises:
            RefusedInstance: one cannot be read as DICOM.
            NotPermitted: one is something else, belongs to another study, patient or series, or refers to one.
        """
        headers = [read_header(data, max_depth=MAX_DEPTH) for data in files]
        for header in headers:
            self._require(header, caller, archive)
        uids = {header.study_instance_uid for header in headers}
        if len(uids) > 1:
            raise _refusal("send what belongs to one study at a time")
        with self._database.read() as session:
            query = select(Study.patient_id, Study.order_id).where(Study.study_instance_uid.in_(uids))
            row = session.execute(query).first()
        if row is None or row.patient_id is None:
            return Confirmation()
        return Confirmation(order=str(row.order_id) if row.order_id else None, patient=str(row.patient_id))

    def _require(self, header: Header, caller: Caller, archive: Archive) -> None:
        study_uid = header.study_instance_uid
        if not self._may(caller, Permission.ANNOTATE, study_uid):
            raise _refusal("the study is not one that you may annotate")
        if MODALITY_OF.get(header.sop_class_uid) != header.modality:
            raise _refusal("only measurement reports (SR), segmentations (SEG) and key images (KO) are taken")
        mentioned = _studies_inside(header)
        self._require_own_place(header)
        self._require_same_identity(header, archive)
        for other in mentioned:
            if other != study_uid and not self._may(caller, Permission.VIEW, other):
                raise _refusal("it refers to another study")

    def _may(self, caller: Caller, permission: Permission, study_uid: str) -> bool:
        return caller.may(permission, study_uid) and not self._sight.hides(caller, study_uid)

    def _require_own_place(self, header: Header) -> None:
        """Its series is new or one of the same kind in this study; its SOP Instance UID is new or the same
        instance's."""
        with self._database.read() as session:
            columns = (Study.study_instance_uid, Instance.series_instance_uid, Instance.modality)
            query = select(*columns).join(Study, Study.id == Instance.study_id)
            by_instance = query.where(Instance.sop_instance_uid == header.sop_instance_uid)
            study = select(Study.id).where(Study.study_instance_uid == header.study_instance_uid).scalar_subquery()
            by_series = query.where(
                Instance.study_id == study, Instance.series_instance_uid == header.series_instance_uid
            )
            found = [*session.execute(by_instance), *session.execute(by_series.distinct())]
        here = (header.study_instance_uid, header.series_instance_uid, header.modality)
        if any(tuple(row) != here for row in found):
            raise _refusal("its series or SOP Instance UID belongs to something else")

    def _require_same_identity(self, header: Header, archive: Archive) -> None:
        """It names the patient like the study's images; otherwise it would become a second study in the archive."""
        with self._database.read() as session:
            query = (
                select(Instance.orthanc_instance_id)
                .join(Study, Study.id == Instance.study_id)
                .where(Study.study_instance_uid == header.study_instance_uid, Study.orthanc_study_id.is_not(None))
                .where(Study.deleted_at.is_(None))
            )
            instance = session.scalar(query.limit(1))
        try:
            stored = read_header(archive.read(instance)) if instance is not None else None
        except LookupError:
            stored = None
        if stored is None:
            raise _refusal("the archive holds no such study")
        for keyword in IDENTITY:
            said = header.text(keyword)
            if said != stored.text(keyword) and not (said == "" and keyword in MAY_BE_MISSING):
                raise _refusal(f"{keyword} is not that of the study")


def _studies_inside(header: Header) -> set[str]:
    """Every study that an instance refers to, at any depth. Raises NotPermitted when pydicom cannot read it, or reads
    other identifiers than we do (from a repeated element)."""
    try:
        ds = read_dataset(header)
        ours = (header.sop_class_uid, header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid)
        theirs = (ds.SOPClassUID, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
        if ours != tuple(map(str, theirs)) or header.patient_id != str(ds.get("PatientID", "")).strip():
            raise _refusal("it has two identities")
        return set(_walk(ds))
    except NotPermitted:
        raise
    except Exception:  # pydicom raises anything on values that break the Standard
        raise _refusal("it cannot be read") from None


def _walk(ds: Dataset) -> Iterator[str]:
    levels = [ds]
    while levels:
        for element in levels.pop():
            if element.keyword == "StudyInstanceUID":
                yield from [element.value] if isinstance(element.value, str) else element.value or ()
            elif element.VR == "SQ":
                levels.extend(element.value)


def _refusal(why: str) -> NotPermitted:
    return NotPermitted("annotation_refused", f"This cannot be stored as an annotation: {why}.")
