"""The present and former attributes of a stored study, and who changed them: from its files and the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.holdings import read_each
from ehr_bridge.services.coercion.originals import FormerValue, former_values
from ehr_bridge.services.jobs.study_jobs import of_study, undoable_on_request
from ehr_bridge.services.studies.listing import find_study

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
    "Laterality",
)
"""Attributes of a study as a whole or, the last one, of its series; they follow patient, order, or a person's edit."""
MOST_SERIES = 50


@dataclass(slots=True)
class TagHistory:
    """One attribute of a study."""

    keyword: str
    value: str
    other_values: list[str]
    """Different values in other series of the study."""
    former: list[FormerValue]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class StudyTags:
    study_instance_uid: str
    tags: list[TagHistory]
    modifications: list[Modification]
    undoable: uuid.UUID | None


def read_tags(fresh: Fresh, read: Callable[[str], bytes], study_instance_uid: str) -> StudyTags:
    """The attributes of a stored study, read from one instance of each series; none where every image is rejected.

    Raises:
        NotFound: there is no such study.
        Unavailable: none of its files can be read at present.
    """
    with fresh.read() as session:
        study = find_study(session, study_instance_uid)
        of_series = (
            select(func.min(Instance.orthanc_instance_id))
            .where(Instance.study_id == study.id)
            .group_by(Instance.series_instance_uid)
            .order_by(func.min(Instance.received_at), Instance.series_instance_uid)
        )
        ids = list(session.scalars(of_series.limit(MOST_SERIES)))
        modifications, undo = of_study(session, study.id), undoable_on_request(session, study.id)
    headers = [read_header(data) for data in read_each(read, ids) if data is not None]
    if ids and not headers:
        raise Unavailable("archive_unavailable", "The files of this study cannot be read at the moment; try again.")
    former = former_values(headers[0].data) if headers else {}
    tags = []
    for keyword in SHOWN if headers else ():
        values = list(dict.fromkeys(header.text(keyword) for header in headers))
        tags.append(TagHistory(keyword, values[0], values[1:], former.get(keyword, [])))
    return StudyTags(study_instance_uid, tags, modifications, undo)
