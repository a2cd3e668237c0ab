"""Keeps each study in one place of the archive: a file with another Patient ID than its study is refused.

Orthanc's id of a study is a digest of Patient ID and Study Instance UID. If two of its studies have one Study Instance
UID, DICOMweb answers 404 for both, so no door may create the second one (ADR 0016).
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict

from ehr_bridge.dicom.structure import tags
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.services.archive.storing import archive_id
from ehr_bridge.services.uploads.arrivals import Decision, Judged
from ehr_bridge.services.uploads.moved_out import came_back

STRANGER = "study_of_another_patient"
MOST = 4096


class Homes:
    """Knows the place of every study, including those whose first image is on its way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: OrderedDict[uuid.UUID, str] = OrderedDict()

    def require(self, judged: Judged) -> None:
        """Accept a coerced instance that joins its study where that is, or where a job is moving it to: under the
        Patient ID of the linked patient; and not one that a person moved out of it.

        Raises: RefusedInstance `study_of_another_patient` or `moved_out`.
        """
        if judged.decision.moved.has(judged.header):
            raise came_back()
        decision, patient_id = judged.decision, filed_under(judged)
        beginning = decision.purge_id or decision.study_id  # a purged study may begin in another place
        home = decision.home or self._first_of(beginning, archive_id(patient_id, decision.study_instance_uid))
        require_home(home, patient_id, decision)

    def _first_of(self, beginning: uuid.UUID, place: str) -> str:
        """Where the first image of a new study goes."""
        with self._lock:
            first = self._first.setdefault(beginning, place)
            while len(self._first) > MOST:
                self._first.popitem(last=False)
        return first


def require_home(home: str, patient_id: str, decision: Decision) -> None:
    """Require that an image with this Patient ID joins its study. Raises RefusedInstance `study_of_another_patient`."""
    if patient_id == decision.wanted.get("PatientID"):
        return
    if archive_id(patient_id, decision.study_instance_uid) != home:
        raise RefusedInstance(
            "study_of_another_patient",
            "The archive holds this study under another Patient ID. The image is kept in quarantine, "
            "where a person decides whose it is.",
        )


def place_of(judged: Judged) -> str:
    """The archive's id of the study of a coerced instance."""
    header = judged.header
    uids = (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid)
    return archive_id(filed_under(judged), *uids)


def filed_under(judged: Judged) -> str:
    """The Patient ID of the file as it will be stored."""
    after = (change.after for change in judged.changes if change.keyword == "PatientID")
    return next(after, judged.header.text(tags.PATIENT_ID))
