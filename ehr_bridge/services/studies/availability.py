"""Says of a study that it is there: its reception has settled, and other systems may fetch it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom.reading.dose import DOSE_REPORTS, DOSED_IMAGES

AT_ONCE = 100
DOSED = (*DOSE_REPORTS, *DOSED_IMAGES)


class Availability:
    def __init__(self, database: Database, clock: Callable[[], datetime], quiet: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._quiet = quiet

    def run(self) -> int:
        """Mark the studies that received nothing new for that long, which tells the feed; returns how many.

        A study that receives more images later is marked again after them. If its files may state a dose, they are to
        be read for it (`services.dashboard.dose_reading`); if those that did were moved or rejected, it has none.
        """
        news = exists().where(Instance.study_id == Study.id, Instance.received_at > self._clock() - self._quiet)
        due = (
            select(Study.id)
            .where(~Study.is_available, Study.is_settled, Study.number_of_instances > 0)
            .where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None), ~news)
            .limit(AT_ONCE)
        )
        with self._database.read() as session:
            if session.scalar(due) is None:
                return 0
        with self._database.write() as session:
            studies = session.scalars(select(Study).where(Study.id.in_(due)).order_by(Study.created_at, Study.id)).all()
            others = []
            for study in studies:
                study.is_available = True
                if any(f"|{uid}|" in study.sop_class_key for uid in DOSED):
                    session.merge(StudyDose(study_id=study.id, is_due=True))
                else:
                    others.append(study.id)
            session.execute(delete(StudyDose).where(StudyDose.study_id.in_(others)))
        return len(studies)
