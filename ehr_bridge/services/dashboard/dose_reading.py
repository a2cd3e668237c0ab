"""Reads the dose that the files of new studies state: after they have come, and some at a time."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import pydicom
from pydicom import config
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom.reading.dose import (
    DOSE_REPORTS,
    DOSED_IMAGES,
    StatedDose,
    of_images,
    of_reports,
    read_image,
    read_report,
)
from ehr_bridge.services.archive.storing import Archive

LOGGER = logging.getLogger(__name__)
AT_ONCE = 10
"""Studies in one round."""
MOST_FILES = 40
"""Of a study that are read; more is a series of frames, of which a report says the dose."""
REPORT, IMAGES = "report", "images"

type Files = tuple[list[str], list[str]]
"""The reports and the images of a study, as the archive names them."""


class DoseReading:
    def __init__(self, database: Database, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._archive = archive
        self._clock = clock
        self._last = uuid.UUID(int=0)
        """The last study of the round before: one that stays due holds up no other."""

    def run(self) -> int:
        """Read some of the studies that are due; returns how many. What changes meanwhile stays due, and so does a
        study whose files cannot be reached: that says nothing of its dose."""
        with self._database.read() as session:
            ids = self._due(session)
            files = {key: _files(session, key) for key in ids}
        if not ids:
            return 0
        self._last = ids[-1]
        found = dict[uuid.UUID, tuple[str | None, StatedDose]]()
        for key in ids:
            try:
                found[key] = self._state(*files[key])
            except Exception as error:  # whatever it is, the others are read
                LOGGER.warning("study %s stays due to be read for its dose: %s", key, type(error).__name__)
        read = 0
        with self._database.write() as session:
            for row in session.scalars(select(StudyDose).where(StudyDose.study_id.in_(found))):
                if _files(session, row.study_id) != files[row.study_id]:
                    continue
                source, dose = found[row.study_id]
                row.is_due, row.read_at, row.source = False, self._clock(), source
                row.ctdi_vol, row.dlp, row.dap, row.agd = dose.ctdi_vol, dose.dlp, dose.dap, dose.agd
                read += 1
        return read

    def _due(self, session: Session) -> Sequence[uuid.UUID]:
        due = select(StudyDose.study_id).where(StudyDose.is_due).order_by(StudyDose.study_id).limit(AT_ONCE)
        return session.scalars(due.where(StudyDose.study_id > self._last)).all() or session.scalars(due).all()

    def _state(self, reports: Sequence[str], images: Sequence[str]) -> tuple[str | None, StatedDose]:
        """By its reports, and without any by its images. Raises OSError or Unavailable when the files are away."""
        dose = of_reports(self._read(reports, read_report))
        if dose.is_known:
            return REPORT, dose
        dose = of_images(self._read(images, read_image))
        return (IMAGES, dose) if dose.is_known else (None, dose)

    def _read[T](self, keys: Iterable[str], parse: Callable[[pydicom.Dataset], T]) -> list[T]:
        """Headers only. A file that is gone or malformed states nothing; that it is damaged is found by the fixity
        checks."""
        config.settings.reading_validation_mode = config.IGNORE
        found = []
        for key in keys:
            try:
                file = self._archive.open(key)
            except FileNotFoundError:
                continue
            except LookupError:
                self._archive.answers()
                continue
            with file:
                try:
                    found.append(parse(pydicom.dcmread(file, stop_before_pixels=True, force=True)))
                except Exception as error:  # pydicom raises anything on values that break the Standard
                    if isinstance(error, OSError) and error.errno is not None:
                        raise  # of the disk, not of what is in the file
                    LOGGER.info("the dose of an instance could not be read", exc_info=True)
        return found


def _files(session: Session, study_id: uuid.UUID) -> Files:
    rows = session.execute(_instances(study_id)).all()
    return _first(rows, DOSE_REPORTS), _first(rows, DOSED_IMAGES)


def _instances(study_id: uuid.UUID) -> Select[str, str | None]:
    wanted = (*DOSE_REPORTS, *DOSED_IMAGES)
    query = select(Instance.orthanc_instance_id, Instance.sop_class_uid).join(Study, Study.id == Instance.study_id)
    return query.where(Instance.study_id == study_id, Instance.sop_class_uid.in_(wanted))


def _first(rows: Iterable[Row[str, str | None]], wanted: Sequence[str]) -> list[str]:
    return sorted(key for key, sop_class in rows if sop_class in wanted)[:MOST_FILES]
