"""Records every file in quarantine: who sent it, why it waits, what it contains.

The file is written first, by whoever refuses it; its row follows a moment later. If the process is killed in between,
`sweep` records the file, without its sender.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import is_storable_uid, read_header
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.services import audit
from ehr_bridge.services.archive.quarantine import Quarantine, code_in, sha256_of
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.intake.entries import log_of
from ehr_bridge.services.uploads.arrivals import InstanceOutcome, Judged
from ehr_bridge.services.uploads.failures import failure_of, note_failures
from ehr_bridge.services.uploads.quarantined import DISCARDED, WAITING
from ehr_bridge.services.uploads.settling import settle_studies

LOGGER = logging.getLogger(__name__)
SAID = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyDate",
    "StudyDescription",
    "Modality",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
)
"""Attributes that are shown of a file."""
LONGEST = 255
LONGEST_WAY = timedelta(minutes=1)
"""How long recording the first image of a study may take; after that it counts as not stored."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a file, and through which door; None is unknown."""

    door: str | None = None
    actor: str | None = None
    address: str | None = None


NOBODY_KNOWN = Sender()


@dataclass(frozen=True, slots=True)
class _Kept:
    file_name: str
    sender: Sender
    at: datetime
    size_bytes: int
    judged: Judged | None
    is_counted_late: bool = False
    """Its row was written before its study's, so the upload log could not name it yet."""
    is_found: bool = False
    """It was in the folder without a row; it has not come again."""


class QuarantineRecords:
    """The writer of `quarantined_files` on a node; any thread may hand over, `flush` writes."""

    def __init__(
        self, database: Database, folder: Quarantine, clock: Callable[[], datetime], node: str, grace: timedelta
    ) -> None:
        """All nodes share `folder`; discarded files are deleted from it after `grace`."""
        self._database = database
        self.folder = folder
        self._clock = clock
        self.node = node
        self._grace = grace
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[_Kept] = []
        self._began = time.time()

    def keep(self, data: bytes, code: str, sender: Sender = NOBODY_KNOWN, judged: Judged | None = None) -> str:
        """Write a file to the disk and hand it over; returns its name. Raises OSError when it cannot be written; then
        the caller must not report success."""
        name = self.folder.put(data, code)
        self.note(name, len(data), sender, judged)
        return name

    def note(self, name: str, size_bytes: int, sender: Sender, judged: Judged | None = None) -> None:
        """Hand over a file in the folder. A `judged` instance is also counted in the upload log."""
        kept = _Kept(name, sender, self._clock(), size_bytes, judged)
        with self._lock:
            self._waiting.append(kept)

    def flush(self) -> int:
        """Write the rows of what was handed over; returns the number of files. Raises Unavailable when the database is
        away; then everything stays handed over."""
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            for number, kept in enumerate(batch):
                try:
                    self._write(kept)
                except BaseException:
                    with self._lock:
                        self._waiting = batch[number:] + self._waiting
                    raise
            return len(batch)

    def sweep(self, older_than: float = 60) -> int:
        """Record files without a row, and delete those discarded long enough ago; returns how many were recorded.

        Younger files of this process are left out, because their rows are on the way; those of an earlier process are
        not: one of another node that is just recorded gets its sender when that node records it.
        """
        self.flush()
        self.folder.tidy()
        now = time.time()
        names = set(self.folder.names(min(older_than, now - self._began)))
        with self._database.read() as session:
            known = set(session.scalars(select(QuarantinedFile.file_name)))
            over = session.scalars(
                select(QuarantinedFile.file_name).where(
                    QuarantinedFile.status == DISCARDED, QuarantinedFile.decided_at < self._clock() - self._grace
                )
            ).all()
        for name in names.intersection(over):
            self.folder.drop(name, now)
        orphans = sorted(names - known)
        with self._lock:
            self._waiting += [_Kept(name, NOBODY_KNOWN, self._clock(), 0, None, is_found=True) for name in orphans]
        self.flush()
        return len(orphans)

    def _write(self, kept: _Kept) -> None:
        if kept.is_counted_late:
            with self._database.write() as session:
                is_counted = _count(session, kept, self._clock())
        else:
            is_counted = self._write_row(kept)
        if not is_counted:
            with self._lock:
                self._waiting.append(replace(kept, is_counted_late=True))

    def _write_row(self, kept: _Kept) -> bool:
        """Write the row of a file; False while its study is not recorded, so that the file is not counted yet."""
        with self._database.write() as session:
            row = session.scalar(select(QuarantinedFile).where(QuarantinedFile.file_name == kept.file_name))
            is_news = row is None or (row.status == DISCARDED and not kept.is_found)
            if row is None:
                row = self._row(kept)
                session.add(row)
            elif not kept.is_found:
                _again(row, kept)
            if is_news:
                audit.append(session, _origin(kept), _event(row, kept), kept.at)
            session.flush()
            is_counted = _count(session, kept, kept.at)
        if is_news:
            LOGGER.warning("kept in quarantine as %s", kept.file_name)
        return is_counted

    def _row(self, kept: _Kept) -> QuarantinedFile:
        try:
            data = self.folder.read(kept.file_name)
        except LookupError:
            data = b""
        said = what_it_says(data)
        uid, mrn = said.get("StudyInstanceUID", ""), said.get("PatientID", "")
        return QuarantinedFile(
            id=uuid.uuid4(),
            file_name=kept.file_name,
            sha256=sha256_of(kept.file_name),
            size_bytes=len(data) or kept.size_bytes,
            code=code_in(kept.file_name),
            node=self.node,
            door=kept.sender.door,
            sent_by=kept.sender.actor,
            address=(kept.sender.address or "")[:64] or None,
            received_at=kept.at,
            last_received_at=kept.at,
            times_received=1,
            study_instance_uid=uid if is_storable_uid(uid) else None,
            mrn=mrn[:64] or None,
            said=said,
            status=WAITING,
        )


def what_it_says(data: bytes) -> dict[str, str]:
    """A file's attributes, as far as readable; nothing that a database or a page could not handle."""
    try:
        header = read_header(data)
    except RefusedInstance:
        return {}
    values = {keyword: header.text(keyword) for keyword in SAID}
    clean = {keyword: "".join(filter(str.isprintable, text))[:LONGEST] for keyword, text in values.items()}
    return {keyword: text for keyword, text in clean.items() if text}


def _again(row: QuarantinedFile, kept: _Kept) -> None:
    """The same bytes arrived again. A discarded file waits again, since its sender was told that it is kept."""
    if row.sent_by is not None or kept.at > row.received_at:  # else another node has found it first
        row.times_received += 1
        row.last_received_at = kept.at
    if row.sent_by is None:
        row.door, row.sent_by, row.address = kept.sender.door, kept.sender.actor, kept.sender.address
    if row.status == DISCARDED:
        row.status, row.decided_by, row.decided_at, row.reason = WAITING, None, None, None


def _count(session: Session, kept: _Kept, now: datetime) -> bool:
    """Count the file in its sender's entry of the upload log, which is opened if there is none.

    False when that must be tried again: the study's first image is still on its way into the database.
    """
    judged = kept.judged
    study = None if judged is None else session.get(Study, judged.decision.study_id)
    if judged is None or study is None:
        return True
    if study.orthanc_study_id is None:
        return now - kept.at > LONGEST_WAY
    log_of(session, study, judged, now)
    session.flush()
    header = judged.header
    outcome = InstanceOutcome(
        file_name=judged.file_name,
        status="failed",
        sop_instance_uid=header.sop_instance_uid,
        study_instance_uid=header.study_instance_uid,
        error_code=code_in(kept.file_name),
        size_bytes=judged.size_bytes,
    )
    _, studies = note_failures(session, [failure_of(judged.delivery, outcome)])
    session.flush()
    settle_studies(session, studies)
    return True


def _origin(kept: _Kept) -> Origin:
    return Origin(kept.sender.actor or "orthanc", kept.sender.address)


def _event(row: QuarantinedFile, kept: _Kept) -> Event:
    detail = {"quarantine_id": str(row.id), "code": row.code, "sha256": row.sha256, "door": kept.sender.door}
    return Event("quarantine.kept", study_instance_uid=row.study_instance_uid, detail=detail)
