"""Files of an upload that could not be stored, in its entry of the upload log.

The first stored image of a study opens an entry. A failed file belongs to its study's entry or, if its study is
unknown, to the first entry of the upload.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, DicomUploadSkip
from ehr_bridge.services.uploads.arrivals import Delivery, InstanceOutcome, upload_of

REMEMBERED_UPLOADS = 256
REMEMBERED_FAILURES = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """One file that failed, and where it belongs."""

    upload_id: uuid.UUID
    actor: str
    study_instance_uid: str | None
    sop_instance_uid: str | None
    file_name: str | None
    size_bytes: int
    error_code: str
    received_sha256: str | None


def failure_of(delivery: Delivery, outcome: InstanceOutcome) -> Failure:
    """What is recorded of an outcome. Invalid UIDs are left out, since they may hold anything."""
    study = _uid_or_none(outcome.study_instance_uid)
    return Failure(
        upload_id=upload_of(delivery, study or ""),
        actor=delivery.origin.actor,
        study_instance_uid=study,
        sop_instance_uid=_uid_or_none(outcome.sop_instance_uid),
        file_name=outcome.file_name,
        size_bytes=outcome.size_bytes,
        error_code=outcome.error_code or "",
        received_sha256=outcome.received_sha256,
    )


def note_failures(session: Session, failures: Iterable[Failure]) -> tuple[list[Failure], set[uuid.UUID]]:
    """Write failures into the entries of their uploads; returns those without an entry, and the studies to settle.

    A file that fails again is recorded once: it is the same by name and UID, or without either by its bytes.
    """
    left: list[Failure] = []
    studies: set[uuid.UUID] = set()
    for failure in failures:
        log = _entry(session, failure)
        if log is None:
            left.append(failure)
            continue
        session.execute(
            delete(DicomUploadSkip).where(
                DicomUploadSkip.upload_log_id == log.id,
                DicomUploadSkip.status == "failed",
                DicomUploadSkip.sop_instance_uid.is_not_distinct_from(failure.sop_instance_uid),
                DicomUploadSkip.file_name.is_not_distinct_from(failure.file_name),
                DicomUploadSkip.size_bytes == failure.size_bytes,
                DicomUploadSkip.file_name.is_not(None)
                | DicomUploadSkip.sop_instance_uid.is_not(None)
                | (DicomUploadSkip.received_sha256 == failure.received_sha256),
            )
        )
        session.add(
            DicomUploadSkip(
                id=uuid.uuid4(),
                upload_log_id=log.id,
                file_name=failure.file_name,
                sop_instance_uid=failure.sop_instance_uid,
                size_bytes=failure.size_bytes,
                status="failed",
                error_code=failure.error_code,
                received_sha256=failure.received_sha256,
            )
        )
        study = session.scalar(select(Study).where(Study.study_instance_uid == log.study_instance_uid))
        if study is not None:
            study.is_settled = False
            studies.add(study.id)
    return left, studies


class WaitingFailures:
    """Failures of uploads that have no entry yet. In memory, and harmless to lose: their senders were told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[uuid.UUID, str], list[Failure]] = OrderedDict()

    def add(self, failures: Iterable[Failure]) -> None:
        """Keep them for a while; of very many, the first."""
        with self._lock:
            for failure in failures:
                waiting = self._failures.setdefault((failure.upload_id, failure.actor), [])
                if len(waiting) < REMEMBERED_FAILURES:
                    waiting.append(failure)
            while len(self._failures) > REMEMBERED_UPLOADS:
                self._failures.popitem(last=False)

    def of(self, upload_id: uuid.UUID, actor: str) -> Sequence[Failure]:
        with self._lock:
            return tuple(self._failures.get((upload_id, actor), ()))

    def forget(self, failures: Iterable[Failure]) -> None:
        """Drop those that were recorded."""
        with self._lock:
            for failure in failures:
                key = (failure.upload_id, failure.actor)
                left = [waiting for waiting in self._failures.pop(key, []) if waiting != failure]
                if left:
                    self._failures[key] = left


def _entry(session: Session, failure: Failure) -> DicomUploadLog | None:
    entries = (
        select(DicomUploadLog)
        .where(DicomUploadLog.upload_id == failure.upload_id, DicomUploadLog.uploaded_by == failure.actor)
        .order_by(DicomUploadLog.uploaded_at, DicomUploadLog.id)
        .limit(1)
    )
    of_study = entries.where(DicomUploadLog.study_instance_uid == (failure.study_instance_uid or ""))
    return session.scalar(of_study) or session.scalar(entries)


def _uid_or_none(uid: str | None) -> str | None:
    return uid if uid and len(uid) <= 64 and uid.isascii() and uid.isprintable() else None
