"""Counts that follow from the recorded instances: on studies, their orders and the upload log."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import bindparam, case, exists, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.instance_rows import InstanceRow
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, DicomUploadSkip, Instance
from ehr_bridge.services.identity.study_index import modality_key, note_sop_classes
from ehr_bridge.services.uploads.announced import explain_missing, settle_announced

_SERIES = (
    select(Instance.series_instance_uid, Instance.modality, Instance.sop_class_uid, func.count().label("instances"))
    .where(Instance.study_id == bindparam("of_study"))
    .group_by(Instance.series_instance_uid, Instance.modality, Instance.sop_class_uid)
)

_STORED = (
    select(
        Instance.upload_log_id,
        func.count().label("files"),
        func.sum(Instance.size_bytes).label("bytes"),
    )
    .where(Instance.study_id == bindparam("of_study"))
    .group_by(Instance.upload_log_id)
    .subquery()
)
_SKIPPED = (
    select(
        DicomUploadSkip.upload_log_id,
        func.count().label("files"),
        func.sum(case((DicomUploadSkip.status == "duplicate", 1), else_=0)).label("duplicates"),
    )
    .join(DicomUploadLog, DicomUploadLog.id == DicomUploadSkip.upload_log_id)
    .join(Study, Study.study_instance_uid == DicomUploadLog.study_instance_uid)
    .where(Study.id == bindparam("of_study"))
    .group_by(DicomUploadSkip.upload_log_id)
    .subquery()
)
_FILES = func.coalesce(_STORED.c.files, 0) + func.coalesce(_SKIPPED.c.files, 0)
_DUPLICATES = func.coalesce(_SKIPPED.c.duplicates, 0)
_BEHIND = (
    select(DicomUploadLog)
    .join(Study, Study.study_instance_uid == DicomUploadLog.study_instance_uid)
    .outerjoin(_STORED, _STORED.c.upload_log_id == DicomUploadLog.id)
    .outerjoin(_SKIPPED, _SKIPPED.c.upload_log_id == DicomUploadLog.id)
    .where(Study.id == bindparam("of_study"), ~DicomUploadLog.is_deleted)
    .where(
        or_(
            DicomUploadLog.number_of_files != _FILES,
            DicomUploadLog.number_of_duplicates != _DUPLICATES,
            DicomUploadLog.total_size_bytes != func.coalesce(_STORED.c.bytes, 0),
            DicomUploadLog.upload_status != "success",
            DicomUploadLog.announced_files.is_not(None),
            DicomUploadLog.interrupted_at.is_not(None),
        )
    )
)
"""Entries of a study whose counts differ from what is recorded, or whose status depends on more than counts."""


def settle_studies(session: Session, study_ids: Iterable[uuid.UUID]) -> None:
    """Update the counts of these studies, and of all their entries, from `instances`. Safe to repeat."""
    for study_id in study_ids:
        _settle_study(session, study_id)
        _settle_entries(session, study_id)


def settle_entry(session: Session, study_id: uuid.UUID, log: DicomUploadLog) -> None:
    """The same if only one entry of the study has changed: the others are not read, however many there are."""
    _settle_study(session, study_id)
    changed = settle_announced(session, log) if log.announced_files is not None else []
    for one in {log, *changed}:
        _settle_log(session, one)


def count_first(session: Session, study: Study, log: DicomUploadLog, row: InstanceRow) -> bool:
    """Count a study's very first instance without a query; False when it is not that, a total was announced, or it
    answers several orders.

    The study is settled and empty, so this one row, in the same transaction, is all there is.
    """
    if not study.is_settled or study.number_of_instances or log.number_of_files or log.announced_files is not None:
        return False
    if len(study.answers) > 1:
        return False
    study.number_of_instances = study.number_of_series = 1
    study.modalities = [row.modality] if row.modality else []
    study.modality_key = modality_key(study.modalities)
    if study.order is not None and study.order.study_instance_uid == study.study_instance_uid:
        study.order.number_of_images = study.order.number_of_series = 1
    log.number_of_files, log.total_size_bytes = 1, row.size_bytes
    log.upload_duration_seconds = max(0.0, (row.received_at - log.uploaded_at).total_seconds())
    note_sop_classes(session, study, [row.sop_class_uid] if row.sop_class_uid else [])
    return True


def settle_leftovers(session: Session) -> int:
    """Settle what a killed process left unsettled; returns the number of studies."""
    ids = session.scalars(select(Study.id).where(~Study.is_settled)).all()
    settle_studies(session, ids)
    return len(ids)


def _settle_study(session: Session, study_id: uuid.UUID) -> None:
    found = session.execute(_SERIES, {"of_study": study_id}).all()
    study = session.get(Study, study_id)
    if study is None:
        return
    instances = sum(row.instances for row in found)
    if instances != study.number_of_instances:
        study.number_of_instances, study.is_available = instances, False
    study.number_of_series = len({row.series_instance_uid for row in found})
    study.modalities = sorted({row.modality for row in found if row.modality})
    study.modality_key = modality_key(study.modalities)
    note_sop_classes(session, study, {row.sop_class_uid for row in found if row.sop_class_uid})
    study.is_settled = True
    for order in study.orders:
        if order.study_instance_uid == study.study_instance_uid:
            order.number_of_images, order.number_of_series = instances, study.number_of_series
    session.flush()


def _settle_entries(session: Session, study_id: uuid.UUID) -> None:
    for log in session.scalars(_BEHIND, {"of_study": study_id}):
        changed = settle_announced(session, log) if log.announced_files is not None else []
        for one in {log, *changed}:
            _settle_log(session, one)


def _settle_log(session: Session, log: DicomUploadLog) -> None:
    stored, size, last = session.execute(
        select(func.count(), func.coalesce(func.sum(Instance.size_bytes), 0), func.max(Instance.received_at)).where(
            Instance.upload_log_id == log.id
        )
    ).one()
    by_status = (
        select(DicomUploadSkip.status, func.count())
        .where(DicomUploadSkip.upload_log_id == log.id)
        .group_by(DicomUploadSkip.status)
    )
    skipped = {row[0]: row[1] for row in session.execute(by_status)}
    log.number_of_files = stored + sum(skipped.values())
    log.number_of_duplicates = skipped.get("duplicate", 0)
    log.total_size_bytes = size
    if last is not None:
        log.upload_duration_seconds = max(0.0, (last - log.uploaded_at).total_seconds())
    failed = _failed(session, log) if "failed" in skipped else []
    reasons = [f"{code} ({count})" for code, count in failed]
    if log.interrupted_at is not None:
        is_announced = log.announced_files is not None
        reasons.append(explain_missing(session, log) if is_announced else "interrupted")
    log.upload_status = "partial" if reasons else "success"
    log.error_message = ", ".join(reasons) or None


def _failed(session: Session, log: DicomUploadLog) -> list[tuple[str, int]]:
    """How many files failed, by code; without those that were later sent again and stored."""
    stored_since = exists().where(
        Instance.upload_log_id == log.id,
        Instance.sop_instance_uid == DicomUploadSkip.sop_instance_uid,
        DicomUploadSkip.error_code != "same_uid_other_content",
    )
    by_code = (
        select(DicomUploadSkip.error_code, func.count())
        .where(DicomUploadSkip.upload_log_id == log.id, DicomUploadSkip.status == "failed", ~stored_since)
        .group_by(DicomUploadSkip.error_code)
        .order_by(DicomUploadSkip.error_code)
    )
    return [(str(code), count) for code, count in session.execute(by_code)]
