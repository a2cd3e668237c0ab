"""The upload log: who delivered what, when, from where, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, DicomUploadSkip, Instance
from ehr_bridge.errors import NotFound
from ehr_bridge.services.identity.persons import Person, person_of, person_then, said_by
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

SORTS = by_time("uploaded_at", DicomUploadLog.uploaded_at.expression, DicomUploadLog.id.expression)


@dataclass(frozen=True, slots=True)
class UploadFilters:
    """Which entries of the log to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    uploaded_by: str | None = None
    study_instance_uid: str | None = None
    upload_source: str | None = None
    upload_status: str | None = None
    source_address: str | None = None
    file_name: str | None = None
    """Part of the name of any of its files; ASCII letters match in either case."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    file_name: str | None
    sop_instance_uid: str | None
    size_bytes: int
    status: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class UploadView:
    """An entry of the log with the patient of its study."""

    entry: DicomUploadLog
    person: Person
    """The patient it is linked to; without a link, the one in its files."""
    order_ids: Sequence[uuid.UUID]
    """The orders that its study answers, the primary one first; of a purged study only that one is known."""


@dataclass(frozen=True, slots=True)
class UploadDetail:
    """One upload: an entry for each of its studies, and its files."""

    entries: list[UploadView]
    files: list[UploadedFile]


class Uploads:
    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh

    def search(
        self, filters: UploadFilters, limit: int, offset: int, closed: Closed = NOTHING, sort: str | None = None
    ) -> Page[UploadView]:
        """Entries of the log, newest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted
        like that."""
        query = select(DicomUploadLog).where(without(DicomUploadLog.patient_id, closed))
        query = query.order_by(*SORTS.order(sort))
        with self._fresh.read() as session:
            page = fetch_page(session, query.where(*_conditions(filters)), limit, offset)
            return Page(_views(session, page.items), page.total, limit, offset)

    def get(self, upload_id: uuid.UUID) -> UploadDetail:
        """Raises NotFound."""
        with self._fresh.read() as session:
            entries = list(
                session.scalars(
                    select(DicomUploadLog)
                    .where(DicomUploadLog.upload_id == upload_id)
                    .order_by(DicomUploadLog.uploaded_at)
                )
            )
            if not entries:
                raise NotFound("upload_not_found", "The log has no upload with this id.")
            ids = [entry.id for entry in entries]
            stored = session.scalars(
                select(Instance).where(Instance.upload_log_id.in_(ids)).order_by(Instance.received_at)
            )
            files = [UploadedFile(i.file_name, i.sop_instance_uid, i.size_bytes, "stored", None) for i in stored]
            skips = session.scalars(select(DicomUploadSkip).where(DicomUploadSkip.upload_log_id.in_(ids)))
            files += [
                UploadedFile(s.file_name, s.sop_instance_uid, s.size_bytes, s.status, s.error_code) for s in skips
            ]
            return UploadDetail(_views(session, entries), files)


def _views(session: Session, entries: Sequence[DicomUploadLog]) -> list[UploadView]:
    uids = {entry.study_instance_uid for entry in entries}
    named = session.scalars(select(Study).where(Study.study_instance_uid.in_(uids)))
    studies = {study.study_instance_uid: study for study in named}
    return [_view(session, entry, studies.get(entry.study_instance_uid)) for entry in entries]


def _view(session: Session, entry: DicomUploadLog, study: Study | None) -> UploadView:
    order_ids = [entry.order_id] if entry.order_id is not None else []
    if study is not None and study.order_id == entry.order_id:
        order_ids = list(study.order_ids)
    return UploadView(entry, _person(session, entry, study), order_ids)


def _person(session: Session, entry: DicomUploadLog, study: Study | None) -> Person:
    """The log has the names in the files; birth date and sex are recorded with the study, from its first file."""
    if entry.patient_id is None:
        name = entry.modified_patient_name or entry.original_patient_name
        said = said_by(study) if study is not None and _is_of_its_first_file(entry, study) else {}
        return person_of(None, {**said, "PatientName": name})
    if study is None:
        return person_of(session.get_one(Patient, entry.patient_id), {})
    return person_then(session, study, entry.patient_id)


def _is_of_its_first_file(entry: DicomUploadLog, study: Study) -> bool:
    """Whether the person in this upload is the one in the first file of an unlinked study."""
    said = [str(study.received_identity.get(keyword) or "") for keyword in ("PatientID", "PatientName")]
    came = [entry.original_patient_id or "", entry.original_patient_name or ""]
    return study.patient_id is None and [said[0][:64], said[1][:255]] == came


def _conditions(filters: UploadFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (DicomUploadLog.uploaded_by, filters.uploaded_by),
            (DicomUploadLog.order_id, filters.order_id),
            (DicomUploadLog.study_instance_uid, filters.study_instance_uid),
            (DicomUploadLog.upload_source, filters.upload_source),
            (DicomUploadLog.upload_status, filters.upload_status),
            (DicomUploadLog.source_address, filters.source_address),
        )
        if value is not None
    ]
    if filters.patients is not None:
        conditions.append(DicomUploadLog.patient_id.in_(filters.patients))
    conditions += in_period(DicomUploadLog.uploaded_at.expression, filters.since, filters.until)
    if filters.file_name is not None:
        conditions.append(_has_file(filters.file_name, is_alone=not conditions))
    return conditions


def _has_file(text: str, *, is_alone: bool) -> ColumnElement[bool]:
    """Alone, it scans all files once. With other filters, only the files of the remaining entries: a scalar subquery
    makes PostgreSQL evaluate it entry by entry instead of scanning all."""
    stored = select(Instance.upload_log_id).where(Instance.file_name.icontains(text, autoescape=True))
    skipped = select(DicomUploadSkip.upload_log_id).where(DicomUploadSkip.file_name.icontains(text, autoescape=True))
    if is_alone:
        return DicomUploadLog.id.in_(stored.union(skipped))
    own_stored = stored.where(Instance.upload_log_id == DicomUploadLog.id).limit(1).scalar_subquery()
    own_skipped = skipped.where(DicomUploadSkip.upload_log_id == DicomUploadLog.id).limit(1).scalar_subquery()
    return own_stored.is_not(None) | own_skipped.is_not(None)
