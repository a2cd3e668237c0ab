"""Reads the dose that the files of new studies state: after they have come, and some at a time."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import pydicom
from pydicom import config
from sqlalchemy import Row, Select, select

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


class DoseReading:
    def __init__(self, database: Database, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._archive = archive
        self._clock = clock

    def run(self) -> int:
        """Some of the studies that are due; returns how many. What changes meanwhile is due again."""
        due = select(StudyDose.study_id).where(StudyDose.is_due).order_by(StudyDose.study_id).limit(AT_ONCE)
        with self._database.read() as session:
            ids = session.scalars(due).all()
            files = {key: _files(session.execute(_instances(key)).all()) for key in ids}
        if not ids:
            return 0
        found = {key: self._state(*files[key]) for key in ids}
        with self._database.write() as session:
            for row in session.scalars(select(StudyDose).where(StudyDose.study_id.in_(ids))):
                source, dose = found[row.study_id]
                row.is_due, row.read_at, row.source = False, self._clock(), source
                row.ctdi_vol, row.dlp, row.dap, row.agd = dose.ctdi_vol, dose.dlp, dose.dap, dose.agd
        return len(ids)

    def _state(self, reports: Sequence[str], images: Sequence[str]) -> tuple[str | None, StatedDose]:
        """By its reports, and without any by its images."""
        dose = of_reports(read_report(ds) for ds in self._read(reports))
        if dose.is_known:
            return REPORT, dose
        dose = of_images(read_image(ds) for ds in self._read(images))
        return (IMAGES, dose) if dose.is_known else (None, dose)

    def _read(self, keys: Iterable[str]) -> Iterator[pydicom.Dataset]:
        """Headers only. A file that cannot be read states nothing; that it is damaged is found by the fixity checks."""
        config.settings.reading_validation_mode = config.IGNORE
        for key in keys:
            try:
                with self._archive.open(key) as file:
                    yield pydicom.dcmread(file, stop_before_pixels=True, force=True)
            except Exception:  # pydicom raises anything on values that break the Standard
                LOGGER.info("the dose of an instance could not be read", exc_info=True)


def _instances(study_id: uuid.UUID) -> Select[str, str | None]:
    wanted = (*DOSE_REPORTS, *DOSED_IMAGES)
    query = select(Instance.orthanc_instance_id, Instance.sop_class_uid).join(Study, Study.id == Instance.study_id)
    return query.where(Instance.study_id == study_id, Instance.sop_class_uid.in_(wanted))


def _files(rows: Iterable[Row[str, str | None]]) -> tuple[list[str], list[str]]:
    reports = sorted(key for key, sop_class in rows if sop_class in DOSE_REPORTS)
    images = sorted(key for key, sop_class in rows if sop_class in DOSED_IMAGES)
    return reports[:MOST_FILES], images[:MOST_FILES]
