"""What a stored study says now, what it said before, and who changed it: from its files and from the ledger."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from sqlalchemy import func, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.modifications import Modification
from ehr_bridge.db.uploads import Instance
from ehr_bridge.dicom import Header, read_header
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.modifications import of_study, undoable
from ehr_bridge.services.studies import find_study

SHOWN = (
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "ReferringPhysicianName",
)
"""What is said of a study as a whole, and follows its patient, its order, or a person's hand."""
MOST_SERIES = 50


@dataclass(frozen=True, slots=True)
class FormerValue:
    """One entry of the Original Attributes Sequence (PS3.3 section C.12.1.1.9)."""

    value: str
    changed_at: datetime | None
    modifying_system: str
    source: str
    reason: str


@dataclass(slots=True)
class TagHistory:
    """One attribute of a study."""

    keyword: str
    value: str
    other_values: list[str]
    """What other series of the study say instead."""
    former: list[FormerValue]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class StudyTags:
    study_instance_uid: str
    tags: list[TagHistory]
    modifications: list[Modification]
    undoable: uuid.UUID | None


def read_tags(database: Database, read: Callable[[str], bytes], study_instance_uid: str) -> StudyTags:
    """The attributes of a stored study, read from one instance of each series.

    Raises:
        NotFound: there is no such study.
        Unavailable: none of its files can be read just now.
    """
    with database.read() as session:
        study = find_study(session, study_instance_uid)
        of_series = (
            select(func.min(Instance.orthanc_instance_id))
            .where(Instance.study_id == study.id)
            .group_by(Instance.series_instance_uid)
            .order_by(func.min(Instance.received_at), Instance.series_instance_uid)
        )
        ids = list(session.scalars(of_series.limit(MOST_SERIES)))
        modifications, undo = of_study(session, study.id), undoable(session, study.id)
    headers = list(_headers(read, ids))
    if not headers:
        raise Unavailable("archive_unavailable", "The files of this study cannot be read just now; try again.")
    former = _former_values(headers[0].data)
    tags = []
    for keyword in SHOWN:
        values = list(dict.fromkeys(header.text(keyword) for header in headers))
        tags.append(TagHistory(keyword, values[0], values[1:], former.get(keyword, [])))
    return StudyTags(study_instance_uid, tags, modifications, undo)


def _headers(read: Callable[[str], bytes], ids: list[str]) -> Iterator[Header]:
    for instance_id in ids:
        try:
            yield read_header(read(instance_id))
        except LookupError:
            continue  # deleted or moved a moment ago


def _former_values(data: bytes) -> dict[str, list[FormerValue]]:
    """What the Original Attributes Sequence of a file keeps, in its items' own character sets."""
    file = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
    found: dict[str, list[FormerValue]] = {}
    for item in file.get("OriginalAttributesSequence") or []:
        for before in item.get("ModifiedAttributesSequence") or []:
            before.decode()
            for element in before:
                entry = FormerValue(
                    "" if element.value is None else str(element.value),
                    _moment(item),
                    str(item.get("ModifyingSystem") or ""),
                    str(item.get("SourceOfPreviousValues") or ""),
                    str(item.get("ReasonForTheAttributeModification") or ""),
                )
                found.setdefault(keyword_for_tag(element.tag), []).append(entry)
    return found


def _moment(item: Dataset) -> datetime | None:
    """When (DT, PS3.5 section 6.2); None when it is not a moment in the form that we and most systems write."""
    text = str(item.get("AttributeModificationDateTime") or "").strip()
    for form in ("%Y%m%d%H%M%S.%f%z", "%Y%m%d%H%M%S%z"):
        try:
            return datetime.strptime(text, form).astimezone(UTC)
        except ValueError:
            continue
    return None
