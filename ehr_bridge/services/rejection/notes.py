"""The rejection note in the study: made when its images are out, and again when the study gets another identity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import RejectedFile, RejectionStatus
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.dicom.new_uids import new_uid
from ehr_bridge.reporting.documents import Place, Site, Subject
from ehr_bridge.reporting.rejection_note import Named, rejection_note
from ehr_bridge.services.archive.own_documents import documents_of
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.archive.storing import Archive, archive_id

SERIES_NUMBER = 9801
"""Behind the series of modalities, before those of reports."""


class Notes:
    def __init__(
        self, database: Database, folder: Quarantine, clock: Callable[[], datetime], time_zone: str, organization: str
    ) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._site = Site(organization, zone=ZoneInfo(time_zone))

    def settle(self, rejection: Rejection, archive: Archive) -> None:
        """Make, make again, or take out the note, as the rejection is now. Raises Unavailable, LookupError."""
        images = self._images(rejection)
        is_ours = rejection.status is RejectionStatus.REJECTED and rejection.foreign_note_uid is None
        subject = self._subject(rejection, archive) if is_ours and images else None
        if subject is not None and rejection.note_made_of == subject.digest:
            return
        self._take_out(rejection, archive)
        if subject is not None:
            self._store(rejection, subject, images, archive)

    def _images(self, rejection: Rejection) -> list[Named]:
        query = select(RejectedImage).where(
            RejectedImage.rejection_id == rejection.id, RejectedImage.status == RejectedFile.OUT
        )
        with self._database.read() as session:
            found = session.scalars(query.order_by(RejectedImage.series_instance_uid, RejectedImage.sop_instance_uid))
            return [Named(one.series_instance_uid, one.sop_class_uid, one.sop_instance_uid) for one in found]

    def _subject(self, rejection: Rejection, archive: Archive) -> Subject | None:
        """As in a file of the study; where it has no other left, as in one that is kept apart. None where that names
        another patient than the study is linked to by now: no note is better than one of somebody else."""
        study = rejection.study
        with self._database.read() as session:
            own = documents_of(session, study.study_instance_uid)
            kept = session.scalars(
                select(RejectedImage.file_name).where(
                    RejectedImage.rejection_id == rejection.id, RejectedImage.status == RejectedFile.OUT
                )
            ).first()
        for instance_id in sorted(archive.instances_of(study.study_instance_uid)):
            if instance_id in own or archive.parent_study(instance_id) != study.orthanc_study_id:
                continue
            try:
                return Subject.of(archive.read(instance_id))
            except LookupError:  # damaged; another one says it too
                archive.answers()
        subject = Subject.of(self._folder.read(kept or ""))
        is_former = study.patient is not None and subject.text("PatientID") != study.patient.mrn
        return None if is_former else subject

    def _take_out(self, rejection: Rejection, archive: Archive) -> None:
        if rejection.note_orthanc_id is None:
            return
        archive.delete(rejection.note_orthanc_id)
        with self._database.write() as session:
            mine = session.get_one(Rejection, rejection.id)
            mine.note_orthanc_id = mine.note_made_of = None

    def _store(self, rejection: Rejection, subject: Subject, images: list[Named], archive: Archive) -> None:
        place = Place(new_uid(), new_uid(), SERIES_NUMBER)
        at = rejection.requested_at.astimezone(self._site.zone)
        data = rejection_note(rejection.reason.value, rejection.comment, images, at, subject, place, self._site)
        modules = subject.modules
        uids = (str(modules.StudyInstanceUID), place.series_instance_uid, place.sop_instance_uid)
        with self._database.write() as session:  # before it is stored: catching up must know it
            mine = session.get_one(Rejection, rejection.id)
            mine.note_sop_uid, mine.note_series_uid = place.sop_instance_uid, place.series_instance_uid
            mine.note_orthanc_id = archive_id(str(modules.get("PatientID", "")), *uids)
        stored = archive.store(data)
        with self._database.write() as session:
            mine = session.get_one(Rejection, rejection.id)
            mine.note_orthanc_id, mine.note_made_of = stored.orthanc_instance_id, subject.digest
