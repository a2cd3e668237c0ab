"""Files documents in the archive and takes them out again: a chore of the worker, safe to repeat at every step.

A document is made again from the signed version whenever it is needed, and the same way each time; its UIDs are in its
row before it is stored, and the archive keeps the first file with a UID. So killed anywhere, the next run goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, text, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.documents import IS_TO_DO, ReportDocument
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.reporting.documents import Subject
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import DocumentForm, DocumentStatus
from ehr_bridge.services import audit
from ehr_bridge.services.archive.own_documents import documents_of
from ehr_bridge.services.archive.storing import Stored, archive_id
from ehr_bridge.services.audit.trail import OURSELVES, Event
from ehr_bridge.services.filing.making import Maker
from ehr_bridge.services.filing.pdfs import printed_outside
from ehr_bridge.services.filing.rows import (
    again,
    is_of_patient,
    is_replaced_later,
    note_issued,
    place_of,
    predecessors,
    try_again_at,
    version_row,
)
from ehr_bridge.services.jobs.study_jobs import under_way
from ehr_bridge.services.reporting.rows import version_of

LOGGER = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)
"""Many times what one document takes."""
AT_ONCE = 20
SOON, LATER = timedelta(seconds=1), timedelta(seconds=10)
LONGEST_PAUSE, MOST_DOUBLINGS = timedelta(minutes=10), 10


class DocumentArchive(Protocol):
    """The PACS, for filing."""

    def instances_of(self, study_instance_uid: str) -> list[str]:
        """The archive's ids of all instances with this StudyInstanceUID."""

    def parent_study(self, orthanc_instance_id: str) -> str:
        """The archive's id of an instance's study. Raises LookupError when it is gone."""

    def read(self, orthanc_instance_id: str) -> bytes:
        """The stored file. Raises LookupError when it is gone."""

    def store(self, data: bytes) -> Stored:
        """Store one instance; the archive keeps what it has. Raises RefusedInstance, Unavailable."""

    def delete(self, orthanc_instance_id: str) -> None:
        """Delete an instance, if it is still there. Raises Unavailable."""


class Wait(Exception):
    """Nothing can be done with a document for so long."""

    def __init__(self, pause: timedelta) -> None:
        self.pause = pause


class OtherPatient(Wait):
    """The study is not known to be the report's patient's."""


class Filing:
    """Not thread-safe: only the worker uses it."""

    def __init__(self, database: Database, maker: Maker, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._maker = maker
        self._clock = clock

    def note_issued(self, session: Session, report: Report, version: Version) -> None:
        """What is to be filed from now on, or no more (`rows.note_issued`)."""
        note_issued(session, report, version, self._clock())

    def run(self, archive: DocumentArchive, node: str, seconds: float = 1.0) -> int:
        """Do what is due, for about that long; returns how many documents were filed or taken out. Raises Unavailable
        when the database or the archive is away; nothing is lost, and it continues later."""
        until, done = time.monotonic() + seconds, 0
        with self._database.read() as session:
            rows = list(session.scalars(_due(node, self._clock())))
        for row in rows:
            if time.monotonic() > until:
                break
            try:
                done += self._advance(row, archive, node)
            except Unavailable:
                raise
            except Exception as error:  # not even its failure could be written down: the others go on
                LOGGER.error("version %d of report %s: %s", row.number, row.report_id, type(error).__name__)
        return done

    def failing(self) -> int:
        """How many documents could not be filed or taken out for a reason that time alone does not cure."""
        failing = (
            select(func.count()).select_from(ReportDocument).where(text(IS_TO_DO), ReportDocument.failure.is_not(None))
        )
        with self._database.read() as session:
            return session.scalar(failing) or 0

    def _advance(self, row: ReportDocument, archive: DocumentArchive, node: str) -> bool:
        if not self._take(row, node):
            return False
        try:
            if row.status is DocumentStatus.DUE:
                self._file(row, archive)
            elif row.status is DocumentStatus.LEAVING:
                self._remove(row, archive)
            else:
                self._compare(row, archive)
        except Wait as wait:
            self._let_go(row, self._clock() + wait.pause)
            return False
        except Unavailable:
            self._let_go(row, self._clock() + LATER)
            raise
        except Exception as error:
            failure = error.code if isinstance(error, RefusedInstance) else type(error).__name__
            LOGGER.error("version %d of report %s is not filed: %s", row.number, row.report_id, failure)
            pause = min(LONGEST_PAUSE, SOON * 2 ** min(row.attempts, MOST_DOUBLINGS))
            self._let_go(row, self._clock() + pause, failure)
            return False
        return True

    def _take(self, row: ReportDocument, node: str) -> bool:
        """Whether this node works on the document now."""
        now = self._clock()
        mine = update(ReportDocument).where(
            ReportDocument.sop_instance_uid == row.sop_instance_uid,
            ReportDocument.status == row.status,
            _free_for(node, now),
        )
        with self._database.write() as session:
            result = cast(CursorResult[Any], session.execute(mine.values(node=node, leased_until=now + LEASE)))
            return result.rowcount > 0

    def _let_go(self, row: ReportDocument, until: datetime, failure: str | None = None) -> None:
        with self._database.write() as session:
            try_again_at(session, row, until, failure)

    def _file(self, row: ReportDocument, archive: DocumentArchive) -> None:
        subject = self._subject(row, archive)
        with self._database.read() as session:
            version = version_of(version_row(session, row))
            before = predecessors(session, row, version.replaces)
            printed = printed_outside(session, version) if row.form is DocumentForm.PDF else None
        data = self._maker.file(row.form, version, subject, place_of(row), before, printed)
        header = read_header(data)
        uids = (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid)
        instance_id = archive_id(header.text(tags.PATIENT_ID), *uids)
        with self._database.read() as session:
            former = self._row(session, row).orthanc_instance_id
        if former not in (None, instance_id):
            archive.delete(former)  # stored under another Patient ID by a process that was killed then
        with self._database.write() as session:  # before it is stored: catching up must know it
            mine = self._row(session, row)
            if mine.status is not DocumentStatus.DUE:
                mine.leased_until = None
                return
            mine.orthanc_instance_id, mine.made_of = instance_id, subject.digest
        stored = archive.store(data)
        now = self._clock()
        with self._database.write() as session:
            mine = self._row(session, row)
            mine.orthanc_instance_id, mine.leased_until = stored.orthanc_instance_id, None
            mine.attempts, mine.failure, mine.retry_at = 0, None, None
            if mine.status is DocumentStatus.REMOVED:  # its study was purged meanwhile
                mine.status = DocumentStatus.LEAVING
            if mine.status is DocumentStatus.DUE:  # else it is to leave already
                mine.status, mine.filed_at = DocumentStatus.FILED, now
                audit.append(session, OURSELVES, _event("report.filed", session, mine), now)

    def _remove(self, row: ReportDocument, archive: DocumentArchive) -> None:
        with self._database.read() as session:
            if is_replaced_later(session, row):
                raise Wait(SOON)
        if row.orthanc_instance_id is not None:
            archive.delete(row.orthanc_instance_id)
        now = self._clock()
        with self._database.write() as session:
            mine = self._row(session, row)
            mine.status, mine.removed_at, mine.leased_until = DocumentStatus.REMOVED, now, None
            mine.is_to_be_compared, mine.failure = False, None
            audit.append(session, OURSELVES, _event("report.document_removed", session, mine), now)

    def _compare(self, row: ReportDocument, archive: DocumentArchive) -> None:
        """Whether the document still shows what the files of the study say; else it is made again."""
        is_same, may_stay = False, True
        try:
            is_same = self._subject(row, archive).digest == row.made_of
        except OtherPatient:
            may_stay = False
        now = self._clock()
        with self._database.write() as session:
            mine = self._row(session, row)
            mine.is_to_be_compared, mine.leased_until, mine.retry_at = False, None, None
            if not is_same and mine.status is DocumentStatus.FILED:
                mine.status = DocumentStatus.LEAVING
                if may_stay:
                    session.add(again(mine, now))

    def _subject(self, row: ReportDocument, archive: DocumentArchive) -> Subject:
        """Patient and study as in a file of the study. Raises Wait while there is none, or a job works on them, or the
        study is not the report's patient's."""
        with self._database.read() as session:
            study = session.scalar(select(Study).where(Study.study_instance_uid == row.study_instance_uid))
            if study is None or study.deleted_at is not None or study.orthanc_study_id is None:
                raise Wait(LATER)
            if under_way(session, study.id) is not None:
                raise Wait(SOON)
            if not is_of_patient(study, session.get_one(Report, row.report_id)):
                raise OtherPatient(LATER)
            own = documents_of(session, row.study_instance_uid)
        for instance_id in sorted(archive.instances_of(row.study_instance_uid)):
            try:
                if instance_id not in own and archive.parent_study(instance_id) == study.orthanc_study_id:
                    return Subject.of(archive.read(instance_id))
            except LookupError:
                continue
        raise Wait(LATER)

    def _row(self, session: Session, row: ReportDocument) -> ReportDocument:
        return session.get_one(ReportDocument, (row.report_id, row.number, row.form, row.making))


def _due(node: str, now: datetime) -> Any:
    may = or_(ReportDocument.retry_at.is_(None), ReportDocument.retry_at <= now)
    # by status: what is due comes before the ones that leave for it
    order = (ReportDocument.status, ReportDocument.created_at, ReportDocument.number, ReportDocument.form.desc())
    return select(ReportDocument).where(text(IS_TO_DO), may, _free_for(node, now)).order_by(*order).limit(AT_ONCE)


def _free_for(node: str, now: datetime) -> ColumnElement[bool]:
    is_left = or_(ReportDocument.leased_until.is_(None), ReportDocument.leased_until < now)
    return or_(ReportDocument.node == node, is_left)


def _event(action: str, session: Session, row: ReportDocument) -> Event:
    study = session.scalar(select(Study).where(Study.study_instance_uid == row.study_instance_uid))
    return Event(
        action,
        patient_id=study.patient_id if study is not None else None,
        order_id=study.order_id if study is not None else None,
        study_instance_uid=row.study_instance_uid,
        detail={"report_id": str(row.report_id), "version": row.number, "form": row.form.value},
    )
